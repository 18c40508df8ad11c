"""Batch commands that send a file of rows: `run` and `phones set-primary-many`."""
