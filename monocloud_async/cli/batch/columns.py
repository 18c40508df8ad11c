"""What an input's columns or members are called, and what becomes of its rows as they are read."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, Protocol

from ..._characters import UNSEEN

_FILLERS = re.compile(r"[\s_-]+")
# Without a header, what stands there are ids and numbers: they are not repeated.
_DIGITS = re.compile(r"\d{3,}")
_MOST_FOUND = 20
_LONGEST_FOUND = 40


class Cells(NamedTuple):
    """What a row says, as it stands there, blanks around it aside."""

    line: int
    given: Any


class Mistake(NamedTuple):
    """What is wrong in a line."""

    line: int
    what: str


class BrokenInputError(Exception):
    """An input that cannot be read on from a mistake."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.mistake: Mistake = Mistake(line, what)


class Pairs(list[tuple[str, Any]]):
    """The members of a JSON object, in their order, one that is there twice included."""


Records = Iterator[Cells | Mistake]
FromCells = Callable[[Sequence[str]], Any]
FromMembers = Callable[[Pairs], Any]


class Columns(Protocol):
    """Which columns or members are wanted of an input, and what becomes of a row's.

    What a row cannot be made of raises ValueError, which says why.

    Attributes:
        wanted: what must be there, for messages.
        marker: what stands in every header, in small letters; empty where nothing does.
    """

    @property
    def wanted(self) -> str: ...
    @property
    def marker(self) -> str: ...

    def score(self, names: Iterable[str]) -> int:
        """Return how well some names are those of a header; 0 where they cannot be."""
        ...

    def of_cells(self, names: Sequence[str]) -> tuple[int, FromCells]:
        """Return how many cells a row has at least below a header, and what they become."""
        ...

    def of_members(self, first: Pairs) -> FromMembers:
        """Return what the members of rows become, given those of the first."""
        ...


@lru_cache(maxsize=1024)
def plain(name: str) -> str:
    """Return a name without what does not matter: case, blanks, dashes and unseen characters."""
    return _FILLERS.sub("", UNSEEN.sub("", name)).casefold()


def listed(names: Iterable[str]) -> str:
    """Return names that were found instead, for a message."""
    shown = [_DIGITS.sub("…", name.strip())[:_LONGEST_FOUND] for name in names if name.strip()]
    more = ", …" if len(shown) > _MOST_FOUND else ""
    return ", ".join(shown[:_MOST_FOUND]) + more or "nothing"


def needed(noun: str, wanted: str) -> str:
    """Return what must be there, for a message: ``the column user_id``, or more of them."""
    return f"the {noun}{'s' if ' ' in wanted else ''} {wanted}"
