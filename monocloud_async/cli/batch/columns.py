"""What an input's columns or members are called, and what becomes of its rows as they are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Literal, NamedTuple

from ..._characters import UNSEEN

By = Literal["identifier", "number"]

USER, IDENTIFIER, PHONE = "user_id", "identifier_id", "phone"
WANTED = "user_id and identifier_id, or user_id and phone"
_COLUMNS: Mapping[str, str] = {
    "userid": USER,
    "identifierid": IDENTIFIER,
    "phone": PHONE,
    "phonenumber": PHONE,
}
_FILLERS = re.compile(r"[\s_-]+")
# Without a header, what stands there are ids and numbers: they are not repeated.
_DIGITS = re.compile(r"\d{3,}")
_MOST_FOUND = 20
_LONGEST_FOUND = 40


class Cells(NamedTuple):
    """What a row says, as it stands there, blanks around it aside."""

    line: int
    user_id: str
    phone: str


class Mistake(NamedTuple):
    """What is wrong in a line."""

    line: int
    what: str


class BrokenInputError(Exception):
    """An input that cannot be read on from a mistake."""

    def __init__(self, line: int, what: str) -> None:
        super().__init__(line, what)
        self.mistake: Mistake = Mistake(line, what)


Records = tuple[By, Iterator[Cells | Mistake]]


def column(name: str) -> str | None:
    """Return which of the wanted columns a name is, if any."""
    return _COLUMNS.get(_FILLERS.sub("", UNSEEN.sub("", name)).casefold())


def by(columns: Iterable[str | None]) -> By | None:
    """Return what names a phone; the identifier id goes before the number, which may be both."""
    found = set(columns)
    if USER not in found:
        return None
    if IDENTIFIER in found:
        return "identifier"
    return "number" if PHONE in found else None


def phone_column(by: By) -> str:
    """Return which column names a phone."""
    return IDENTIFIER if by == "identifier" else PHONE


def listed(names: Iterable[str]) -> str:
    """Return names that were found instead, for a message."""
    shown = [_DIGITS.sub("…", name.strip())[:_LONGEST_FOUND] for name in names if name.strip()]
    more = ", …" if len(shown) > _MOST_FOUND else ""
    return ", ".join(shown[:_MOST_FOUND]) + more or "nothing"
