"""How fast the clients are, side by side with others: ``python -m benchmarks``."""
