"""Benchmarks of the clients against other libraries: ``python -m benchmarks``."""
