"""Run the command line with `python -m monocloud_async.cli`."""

from . import main

if __name__ == "__main__":
    main()
