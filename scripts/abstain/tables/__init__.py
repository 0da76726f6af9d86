"""From scored replies to tidy tables: runs, summary, comparisons, claims, and the statistics behind them."""
