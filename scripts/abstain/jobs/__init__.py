"""What every program shares: guard and record, files, sources, numerics, errors."""
