"""What the programs of the pipeline share, in rooms by subject; a room imports from those below it in CONTRIBUTING."""
