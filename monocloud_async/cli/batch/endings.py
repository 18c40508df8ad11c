"""What batches have in common at their beginning and end: their files, and the last lines."""

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


def make_private(path: Path) -> None:
    """Make a file that nobody else can read, if there is none."""
    # Where that cannot be, the journal says why.
    with suppress(OSError):
        os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))


def close_to_others(path: Path) -> None:
    """Let nobody else read a journal that an earlier run has made."""
    for file in (path, path.with_name(f"{path.name}-wal")):
        if file.exists():
            file.chmod(0o600)


def written(stop: Stop, write: Callable[[], None]) -> str | None:
    """Write the results, and return what went wrong with that, if anything.

    Args:
        stop: lets a first signal wait for them.
        write: writes them.
    """
    try:
        with stop.while_writing(_writing_on):
            write()
    except InputChangedError as error:
        return f"the results are missing: {error}"
    except MonoCloudError as error:
        return str(error)
    except KeyboardInterrupt:
        return "the results are missing: the command did not wait for them"
    return None


def _writing_on() -> None:
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
