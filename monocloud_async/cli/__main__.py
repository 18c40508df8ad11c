"""Lets `python -m monocloud_async.cli` do what `monocloud` does."""

from . import main

if __name__ == "__main__":
    main()
