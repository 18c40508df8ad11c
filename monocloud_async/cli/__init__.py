"""The `monocloud` command; needs the extra `cli`, which installs Typer and Rich."""

from __future__ import annotations

import sys

from .descriptors import fill_standard


def main() -> None:
    """Run the command line; the console script `monocloud` is this function."""
    fill_standard()
    try:
        from .app import app
    except ModuleNotFoundError as error:
        if error.name not in ("typer", "rich"):
            raise
        sys.stderr.write(
            "Error: the command line needs Typer and Rich; run: pip install 'monocloud[cli]'\n"
        )
        sys.exit(2)
    # Printing must not fail after the change is made just because stdout cannot encode a character.
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")
    app(prog_name="monocloud")
