"""The `monocloud` command. It needs the extra `cli`, which brings Typer and Rich."""

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
            "Error: the command line needs Typer and Rich: pip install 'monocloud[cli]'\n"
        )
        sys.exit(2)
    # A number that stdout's encoding lacks must not fail the command after the change is made.
    if reconfigure := getattr(sys.stdout, "reconfigure", None):
        reconfigure(errors="backslashreplace")
    app(prog_name="monocloud")
