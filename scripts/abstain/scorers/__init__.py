"""One module a scorer: what it labels, its metrics, what it needs."""
