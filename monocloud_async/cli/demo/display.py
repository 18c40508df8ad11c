"""What the demo prints: code, commands and results."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from textwrap import dedent, indent

from rich.syntax import Syntax
from rich.text import Text

from ..output import show

_MARGIN = "  "


def paragraph(text: str) -> None:
    """Print a line."""
    show(Text(text))


def heading(text: str) -> None:
    """Print the title of a part, with an empty line before it."""
    show("", Text(text, style="bold"))


def success(text: str) -> None:
    """Print the closing line, with an empty line before it."""
    show("", Text(text, style="bold green"))


def code_of(function: Callable[..., object]) -> None:
    """Print a function's body, which is exactly the code that runs."""
    code(dedent(inspect.getsource(function).partition("\n")[2]))


def code(source: str) -> None:
    """Print Python, in colours on a terminal."""
    source = indent(source, _MARGIN)
    highlighted = Syntax(source, "python", theme="ansi_dark").highlight(source)
    highlighted.rstrip()
    show(highlighted)


def command(text: str) -> None:
    """Print a command as a user would type it."""
    show(Text(f"{_MARGIN}$ {text}"))


def result(text: str) -> None:
    """Print the result of the code or command above."""
    show(Text(f"{_MARGIN}=> {text}", style="green"))
