"""Results against the published ones: a verdict on each file, and why what differs does."""
