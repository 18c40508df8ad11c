"""Batches on a Dask cluster, with one pace per tenant."""
