"""The start and end of every batch: checking its files, and writing results and totals."""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from itertools import combinations
from pathlib import Path

import typer

from ...errors import ConfigurationError, MonoCloudError
from ..output import drop_output
from .content import STDIN, InputChangedError
from .stop import Stop


def check_files(rows: str, journal: Path | None, results: Path | None) -> None:
    """Check that input, journal and results are different files."""
    files = {"--journal": journal, "--results": results}
    if rows != STDIN:
        files["the input"] = Path(rows)
    named = [(name, os.path.realpath(path)) for name, path in files.items() if path]
    for (name, path), (other, other_path) in combinations(named, 2):
        if path == other_path:
            raise ConfigurationError(
                f"{name} and {other} are the same file; nothing was sent: use different files"
            )


def make_private(path: Path) -> None:
    """Create a file that only its owner can read, unless it exists."""
    # If this fails, opening the journal reports why.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def close_to_others(path: Path) -> None:
    """Make an existing journal readable only by its owner."""
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.exists():
            file.chmod(0o600)


def written(stop: Stop, write: Callable[[], None]) -> str | None:
    """Write the results, and return what went wrong with that, if anything.

    Args:
        stop: makes a first signal wait until they are written.
        write: writes them.
    """
    try:
        with stop.while_writing(_notify_writing):
            write()
    except InputChangedError as error:
        return f"no results were written: {error}"
    except MonoCloudError as error:
        return str(error)
    except KeyboardInterrupt:
        return "no results were written: interrupted"
    return None


def _notify_writing() -> None:
    typer.echo("writing the results; press Ctrl-C again to skip them", err=True)


def print_totals(totals: str) -> str | None:
    """Print the totals; return an error message if standard output fails."""
    try:
        typer.echo(totals)
    except BrokenPipeError:
        raise
    except OSError as error:
        drop_output()
        typer.echo(totals, err=True)
        return f"cannot print the totals: {error.strerror or error}"
    return None
