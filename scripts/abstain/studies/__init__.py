"""A study's record against the scorers and the plots: names, metrics, claims, figures."""
