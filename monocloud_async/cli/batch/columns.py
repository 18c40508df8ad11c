"""How the columns or members of an input are named and converted."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from ..._characters import UNSEEN

_FILLERS = re.compile(r"[\s_-]+")
# Without a header, these would be ids and phone numbers, which messages must not repeat.
_DIGITS = re.compile(r"\d{3,}")
_MOST_FOUND = 20
_LONGEST_FOUND = 40


class Cells(NamedTuple):
    """The values of a row, with surrounding blanks removed."""

    line: int
    given: Any


class Mistake(NamedTuple):
    """A mistake on a line."""

    line: int
    message: str


class BrokenInputError(Exception):
    """An input that cannot be read past a mistake."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(line, message)
        self.mistake: Mistake = Mistake(line, message)


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, in order and including duplicates."""


Records = Iterator[Cells | Mistake]
FromCells = Callable[[Sequence[str]], Any]
FromMembers = Callable[[Pairs], Any]


class Columns(Protocol):
    """Which columns or members to read from an input, and how to convert a row.

    Conversion raises ValueError, with the reason, if a row is invalid.

    Attributes:
        wanted: the required columns, for messages.
        marker: a lower-case text that occurs in every header; empty if there is none.
    """

    @property
    def wanted(self) -> str: ...
    @property
    def marker(self) -> str: ...

    def score(self, names: Iterable[str]) -> int:
        """Return how well the names match a header; 0 if they cannot be one."""
        ...

    def of_cells(self, names: Sequence[str]) -> tuple[int, FromCells]:
        """Return the minimum number of cells in a row, and the function that converts them."""
        ...

    def of_members(self, first: Pairs) -> FromMembers:
        """Return the function that converts members, given those of the first row."""
        ...


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """Normalize a name: ignore case, blanks, dashes and invisible characters."""
    return _FILLERS.sub("", UNSEEN.sub("", name)).casefold()


def listed(names: Iterable[str]) -> str:
    """List the names that were found, for a message."""
    shown = [_DIGITS.sub("…", name.strip())[:_LONGEST_FOUND] for name in names if name.strip()]
    ellipsis = ", …" if len(shown) > _MOST_FOUND else ""
    return ", ".join(shown[:_MOST_FOUND]) + ellipsis or "nothing"


def needed(noun: str, wanted: str) -> str:
    """Return the required columns for a message, such as ``the column user_id``."""
    return f"the {noun}{'s' if ' ' in wanted else ''} {wanted}"
