"""`monocloud users export`: all users in a file, which is whole or has another name."""
