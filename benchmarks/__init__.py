"""Benchmarks that compare the clients with other libraries: ``python -m benchmarks``."""
