"""`monocloud users import`: create the users of a file, each exactly once."""
