"""One module a plot: what it draws, and which metrics it needs."""
