"""Corpora: download, readers, splits, mixes, neighbours."""
