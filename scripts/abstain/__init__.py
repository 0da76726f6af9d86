"""What the programs of the pipeline share, in rooms by subject; imports go from the first room of CONTRIBUTING to the last."""
