"""What batches have in common at their beginning and end: their files, and the last lines."""

from __future__ import annotations

import os
from itertools import combinations
from pathlib import Path

import typer

from ...errors import ConfigurationError
from ..output import drop_output
from .content import STDIN


def check_files(rows: str, journal: Path | None, results: Path | None) -> None:
    """See that no file is written that is another one's as well."""
    files = {"--journal": journal, "--results": results}
    if rows != STDIN:
        files["the input"] = Path(rows)
    named = [(name, os.path.realpath(path)) for name, path in files.items() if path]
    for (one, path), (other, same) in combinations(named, 2):
        if path == same:
            raise ConfigurationError(
                f"{one} and {other} are the same file; nothing was sent: give each its own"
            )


def writing_on() -> None:
    """Say that a signal waits for the results."""
    typer.echo("the results are written first; Ctrl-C once more ends that", err=True)


def tell(totals: str) -> str | None:
    """Print the totals, and return why they cannot be printed where they belong, if they cannot."""
    try:
        typer.echo(totals)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        typer.echo(totals, err=True)
        return f"the totals cannot be printed: {error.strerror or error}"
    return None
