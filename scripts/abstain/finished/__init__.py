"""Finished results: what Snakemake still plans, what is left over, what DVC holds, and times that tell the truth."""
