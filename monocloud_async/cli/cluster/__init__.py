"""`monocloud run` on a Dask cluster."""
