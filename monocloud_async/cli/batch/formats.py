"""What an input can be written in: CSV or JSON Lines, told apart by how it begins."""

from __future__ import annotations

import codecs
import csv
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Any, Literal, NamedTuple, cast

from .content import MAX_LINE, Content, LineTooLongError

By = Literal["identifier", "number"]

_DELIMITERS = ",;\t"
_USER, _IDENTIFIER, _PHONE = "user_id", "identifier_id", "phone"
_COLUMNS: Mapping[str, str] = {
    "userid": _USER,
    "identifierid": _IDENTIFIER,
    "phone": _PHONE,
    "phonenumber": _PHONE,
}
_WANTED = "user_id and identifier_id, or user_id and phone"
_FILLERS = re.compile(r"[\s_-]+")
_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# What a spreadsheet, or a results file, puts before what would be a formula.
_GUARDED = re.compile(r"'(?=\s*[=+@\uff1d\uff0b\uff20\uff0d-])")


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


def read(content: Content) -> Records:
    """Return what names a phone in an input, and what each of its lines with something in it says.

    Raises:
        BrokenInputError: it cannot be read from its beginning; the iterator raises it too.
    """
    lines = _Lines(content.lines())
    first = next((line for line in lines if line.strip()), "").lstrip()
    if not first:
        raise BrokenInputError(1, "there is nothing in it")
    if first.startswith("["):
        raise BrokenInputError(lines.number, "JSON has to be JSON Lines: an object in each line")
    return _json_lines(first, lines) if first.startswith("{") else _csv(first, lines)


class _Lines(Iterator[str]):
    """Lines as text; ``number`` is that of the last one."""

    def __init__(self, lines: Iterator[bytes]) -> None:
        self._lines = lines
        self.number = 0

    def __next__(self) -> str:
        try:
            raw = next(self._lines)
        except LineTooLongError:
            what = f"the line is longer than {MAX_LINE // 1024} KiB"
            raise BrokenInputError(self.number + 1, what) from None
        self.number += 1
        if self.number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)
        try:
            return raw.decode()
        except UnicodeDecodeError:
            kind = "it is UTF-16" if raw.startswith(_UTF16) else "it is not UTF-8"
            raise BrokenInputError(self.number, f"{kind}: save it as 'CSV UTF-8'") from None


# CSV.


class _Layout(NamedTuple):
    """Where in a CSV file is what."""

    by: By
    delimiter: str
    user_id: int
    phone: int
    width: int


def _csv(head: str, lines: _Lines) -> Records:
    layout = _layout(head, lines.number)
    return layout.by, _csv_records(lines, layout)


def _csv_records(lines: _Lines, layout: _Layout) -> Iterator[Cells | Mistake]:
    reader = csv.reader(lines, delimiter=layout.delimiter, strict=True)
    line = lines.number + 1
    try:
        for cells in reader:
            if "".join(cells).strip():
                yield _csv_record(line, cells, layout)
            line = lines.number + 1
    except csv.Error as error:
        raise BrokenInputError(line, f"it is not CSV: {error}") from None


def _csv_record(line: int, cells: Sequence[str], layout: _Layout) -> Cells | Mistake:
    # A cell too many is most often one with a delimiter that is not quoted: what follows is
    # shifted, and would be taken for what it is not.
    if len(cells) != layout.width and any(cells[layout.width :]):
        return Mistake(line, f"it has {len(cells)} cells, and the header has {layout.width}")
    if len(cells) <= max(layout.user_id, layout.phone):
        return Mistake(line, f"it has only {len(cells)} cells, and the header has {layout.width}")
    return Cells(line, _unguarded(cells[layout.user_id]), _unguarded(cells[layout.phone]))


def _unguarded(cell: str) -> str:
    return (cell[1:] if _GUARDED.match(cell) else cell).strip()


def _layout(head: str, line: int) -> _Layout:
    """Return where is what, by the delimiter with which the header has the wanted columns."""
    for delimiter in _DELIMITERS:
        try:
            names = next(csv.reader([head], delimiter=delimiter, strict=True))
        except (csv.Error, StopIteration):
            continue
        columns = [_column(name) for name in names]
        if by := _by(columns):
            return _placed(by, delimiter, columns, line)
    raise BrokenInputError(line, f"the header must have the columns {_WANTED}")


def _placed(by: By, delimiter: str, columns: Sequence[str | None], line: int) -> _Layout:
    phone = _phone_column(by)
    for name in (_USER, phone):
        if columns.count(name) > 1:
            raise BrokenInputError(line, f"the header has the column {name} more than once")
    width = len(columns)
    return _Layout(by, delimiter, columns.index(_USER), columns.index(phone), width)


def _column(name: str) -> str | None:
    return _COLUMNS.get(_FILLERS.sub("", name).casefold())


def _by(columns: Iterable[str | None]) -> By | None:
    """Return what names a phone; the identifier id goes before the number, which may be both."""
    found = set(columns)
    if _USER not in found:
        return None
    if _IDENTIFIER in found:
        return "identifier"
    return "number" if _PHONE in found else None


def _phone_column(by: By) -> str:
    return _IDENTIFIER if by == "identifier" else _PHONE


# JSON Lines.


def _json_lines(first: str, lines: _Lines) -> Records:
    head = lines.number
    try:
        by = _by(_members(first))
    except ValueError as error:
        raise BrokenInputError(head, str(error)) from None
    if by is None:
        raise BrokenInputError(head, f"there must be the members {_WANTED}")
    rest = ((lines.number, line) for line in lines if line.strip())
    return by, (_json_record(*item, by) for item in chain([(head, first)], rest))


def _json_record(line: int, text: str, by: By) -> Cells | Mistake:
    try:
        members = _members(text)
        return Cells(line, _text(members, _USER), _text(members, _phone_column(by)))
    except ValueError as error:
        return Mistake(line, str(error))


def _members(text: str) -> Mapping[str, object]:
    try:
        found: object = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg}") from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004
    return cast("dict[str, object]", found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members that are wanted, by the names that they have here."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if column := _column(name):
            if column in members:
                raise ValueError(f"it has the member {column} more than once")
            members[column] = value
    return members


def _text(members: Mapping[str, object], name: str) -> str:
    if name not in members:
        raise ValueError(f"it has no member {name}")
    value = members[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string")  # noqa: TRY004
    return value.strip()
