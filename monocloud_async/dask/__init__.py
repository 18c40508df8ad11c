"""Batches on a Dask cluster."""
