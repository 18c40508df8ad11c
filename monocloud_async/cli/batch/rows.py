"""Rows for `phones set-primary-many`: a user's id with a phone's id or number."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from ... import _phone_number
from ..._address import segment
from ..._characters import trimmed
from ...errors import InvalidArgumentError
from .columns import Cells, FromCells, FromMembers, Pairs, plain
from .content import Content
from .csv_rows import cell_value
from .source import MOST_MISTAKES, MistakesError, Source

__all__ = ["MOST_MISTAKES", "By", "Input", "MistakesError", "Row"]

By = Literal["identifier", "number"]
USER, IDENTIFIER, PHONE = "user_id", "identifier_id", "phone"
_COLUMNS: Mapping[str, str] = {
    "userid": USER,
    "identifierid": IDENTIFIER,
    "phone": PHONE,
    "phonenumber": PHONE,
}
_PLAIN_ID = re.compile(r"[A-Za-z0-9_-]+")


class Row(NamedTuple):
    """One row.

    Attributes:
        number: the row's number, 1 for the first.
        line: the line it starts on.
        user_id: the user's id.
        phone: the phone's identifier id or number, depending on the input's ``by``.
    """

    number: int
    line: int
    user_id: str
    phone: str

    @property
    def key(self) -> str:
        """The user's id: rows with the same key are sent in file order."""
        return self.user_id

    @property
    def given(self) -> tuple[str, str]:
        """The arguments for the run."""
        return self.user_id, self.phone


class _PhoneColumns:
    """The columns to read; ``by`` says how the input identifies phones, once that is known."""

    wanted = "user_id and identifier_id, or user_id and phone"
    marker = "user"

    def __init__(self) -> None:
        self.by: By = "identifier"

    def score(self, names: Iterable[str]) -> int:
        return 1 if _by(map(_column, names)) else 0

    def of_cells(self, names: Sequence[str]) -> tuple[int, FromCells]:
        columns = [_column(name) for name in names]
        user, phone = wanted = self._named(columns)
        for name in wanted:
            if columns.count(name) > 1:
                raise ValueError(f"the header has the column {name} more than once")
        user_at, phone_at = columns.index(user), columns.index(phone)
        least = 1 + max(user_at, phone_at)
        return least, lambda cells: (cell_value(cells[user_at]), cell_value(cells[phone_at]))

    def of_members(self, first: Pairs) -> FromMembers:
        user, phone = self._named([_column(name) for name, _ in first])

        def convert(pairs: Pairs) -> tuple[str, str]:
            members = _once(pairs)
            return _text(members, user), _text(members, phone)

        return convert

    def _named(self, columns: Iterable[str | None]) -> tuple[str, str]:
        self.by = _by(columns) or self.by
        return USER, IDENTIFIER if self.by == "identifier" else PHONE


class Input(Source[Row]):
    """An input that has been read to its end and checked.

    Args:
        content: its bytes.

    Attributes:
        by: how it names a phone, by identifier id or by number.
        count: the number of rows.

    Raises:
        MistakesError: the input has mistakes.
    """

    def __init__(self, content: Content) -> None:
        self._phones = _PhoneColumns()
        super().__init__(content, self._phones)

    @property
    def by(self) -> By:
        """How it names a phone."""
        return self._phones.by

    def _row(self, number: int, cells: Cells) -> Row:
        return Row(number, cells.line, *cells.given)

    def _mistake(self, given: Any) -> str | None:
        user_id, phone = given
        by = self._phones.by
        if _PLAIN_ID.fullmatch(user_id) and by == "identifier" and _PLAIN_ID.fullmatch(phone):
            return None
        try:
            segment("user_id", user_id)
            if by == "identifier":
                segment("identifier_id", phone)
            else:
                _phone_number.number(phone)
        except InvalidArgumentError as error:
            return str(error)
        return None


def _column(name: str) -> str | None:
    """Return the column that a name stands for, if any."""
    return _COLUMNS.get(plain(name))


def _by(columns: Iterable[str | None]) -> By | None:
    """Return how phones are named; the identifier id takes precedence if both are there."""
    found = set(columns)
    if USER not in found:
        return None
    if IDENTIFIER in found:
        return "identifier"
    return "number" if PHONE in found else None


def _once(pairs: Pairs) -> Mapping[str, object]:
    """Return the members to read, by canonical name."""
    members: dict[str, object] = {}
    for name, value in pairs:
        if wanted := _column(name):
            if wanted in members:
                raise ValueError(f"duplicate member {wanted}")
            members[wanted] = value
    return members


def _text(members: Mapping[str, object], name: str) -> str:
    if name not in members:
        raise ValueError(f"missing member {name}")
    value = members[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string")  # noqa: TRY004
    return trimmed(value)
