"""Detectors of refusals: each reads the reply alone."""
