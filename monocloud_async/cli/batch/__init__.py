"""A file of rows, sent so that no row is lost: `run`, and `phones set-primary-many`."""
