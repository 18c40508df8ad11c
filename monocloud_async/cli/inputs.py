"""Input other than arguments: secrets, JSON and confirmations."""

from __future__ import annotations

import codecs
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import typer

from .._json import parse
from .._secret import Secret
from ..errors import ConfigurationError
from .ending import visible

STDIN = "-"


def file_secret(path: Path, option: str) -> Secret:
    """Read a secret from a file, without the trailing line break.

    Args:
        path: the file.
        option: the option that named the file, for error messages.

    Raises:
        ConfigurationError: the file cannot be read, or is empty.
    """
    return _text(path.read_bytes, f"{option} {path}")


def secret(name: str, source: str) -> Secret:
    """Read a secret argument; it is not taken from the command line, which other users can see.

    Args:
        name: the argument's name.
        source: the path of a file, or - to prompt on a terminal (read a line otherwise).

    Raises:
        ConfigurationError: no secret was given.
    """
    if source != STDIN:
        return file_secret(Path(source), f"--{name.replace('_', '-')}-file")
    label = name.replace("_", " ").capitalize()
    if _is_terminal():
        twice = not name.startswith("old") and not name.endswith("hash")
        return Secret(typer.prompt(label, hide_input=True, confirmation_prompt=twice, err=True))
    line = sys.stdin.buffer.readline if sys.stdin else bytes
    return _text(line, f"{label} (standard input)")


def json_value(name: str, given: str) -> Any:
    """Parse a JSON argument; - reads standard input.

    Raises:
        ConfigurationError: it is not JSON.
    """
    try:
        piped = given == STDIN and sys.stdin
        return parse(sys.stdin.buffer.read() if piped else given.encode())
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise ConfigurationError(f"{name}: {reason}")


def confirm(question: str) -> None:
    """Ask for confirmation on a terminal.

    Raises:
        ConfigurationError: there is no terminal, or the answer was no.
    """
    if not _is_terminal():
        raise ConfigurationError(
            "cannot ask for confirmation without a terminal; nothing was sent: pass --yes"
        )
    if not typer.confirm(visible(question), err=True):
        raise ConfigurationError("not confirmed; nothing was sent")


def confirm_number(warning: str, number: int) -> None:
    """Ask on a terminal to type a number.

    Raises:
        ConfigurationError: there is no terminal, or something else was typed.
    """
    if not _is_terminal():
        raise ConfigurationError(
            "cannot ask for confirmation without a terminal; nothing was sent: pass --yes"
        )
    typer.echo(visible(warning), err=True)
    typed = typer.prompt(
        "Type the number of rows to continue", err=True, default="", show_default=False
    )
    if typed.replace(",", "").strip() != str(number):
        raise ConfigurationError("not confirmed; nothing was sent")


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _text(read: Callable[[], bytes], source: str) -> Secret:
    try:
        # Windows editors may prepend a byte order mark.
        content = read().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise ConfigurationError(f"{source}: {error.strerror}") from None
    # Raised here: a codec's error would keep a reference to the secret.
    found = Secret(content.decode(errors="replace").replace("\r\n", "\n").removesuffix("\n"))
    del content
    if "\ufffd" in found:
        raise ConfigurationError(f"{source} is not a text file")
    if not found:
        raise ConfigurationError(f"{source} is empty")
    return found
