"""`monocloud phones set-primary-many`: a file of rows, sent so that no row is lost."""
