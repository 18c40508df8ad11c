"""`monocloud users export`: write all users to a file, which gets its name once complete."""
