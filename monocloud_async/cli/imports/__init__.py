"""`monocloud users import`: users from a file, each exactly once."""
