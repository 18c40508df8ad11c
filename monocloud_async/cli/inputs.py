"""What a command reads besides its arguments: secrets, JSON and a yes."""

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
    """Return the secret that a file holds, without the line break at its end.

    Args:
        path: the file.
        option: what named it, for the message of an error.

    Raises:
        ConfigurationError: it holds no secret.
    """
    return _text(path.read_bytes, f"{option} {path}")


def secret(name: str, source: str) -> Secret:
    """Return a secret argument: every user of the machine can read a command line.

    Args:
        name: the argument's name.
        source: the path of a file, or - to ask on a terminal and else to read a line.

    Raises:
        ConfigurationError: none was given.
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
    """Return the value of a JSON argument; - stands for what standard input holds.

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
    """Ask for a yes on a terminal.

    Raises:
        ConfigurationError: nobody can be asked, or the answer was no.
    """
    if not _is_terminal():
        raise ConfigurationError("without a terminal to ask on, give --yes; nothing was sent")
    if not typer.confirm(visible(question), err=True):
        raise ConfigurationError("it was not confirmed; nothing was sent")


def confirm_number(told: str, number: int) -> None:
    """Ask on a terminal for a number to be typed.

    Raises:
        ConfigurationError: nobody can be asked, or something else was typed.
    """
    if not _is_terminal():
        raise ConfigurationError("without a terminal to ask on, give --yes; nothing was sent")
    typer.echo(visible(told), err=True)
    typed = typer.prompt(
        "Type the number of rows to go on", err=True, default="", show_default=False
    )
    if typed.replace(",", "").strip() != str(number):
        raise ConfigurationError("it was not confirmed; nothing was sent")


def _is_terminal() -> bool:
    return sys.stdin is not None and sys.stdin.isatty()


def _text(read: Callable[[], bytes], source: str) -> Secret:
    try:
        # Editors on Windows put a byte order mark before it.
        content = read().removeprefix(codecs.BOM_UTF8)
    except OSError as error:
        raise ConfigurationError(f"{source}: {error.strerror}") from None
    # A codec's error would hold on to what the file holds, wherever it is raised from.
    found = Secret(content.decode(errors="replace").replace("\r\n", "\n").removesuffix("\n"))
    del content
    if "\ufffd" in found:
        raise ConfigurationError(f"{source}: it is not text")
    if not found:
        raise ConfigurationError(f"{source}: it is empty")
    return found
