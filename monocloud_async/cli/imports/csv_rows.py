"""Read import rows from CSV: one column per member, dotted names for nested objects."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple, cast

from ..._characters import trimmed
from ...imports.reading import MEMBERS, UNSETTABLE
from ..batch.columns import BrokenInputError, Mistake, listed
from ..batch.csv_rows import _cells as cells_of  # pyright: ignore[reportPrivateUsage]
from ..batch.csv_rows import cell_value
from ..batch.lines import Lines
from .records import Record

_DELIMITERS = ",;\t|"
BETWEEN = re.compile(r"[\s-]+")
_OBJECTS = ("claims", "private_data", "public_data")
_LISTS = ("groups", "notes")
_ONLY_JSON = ("emails", "phone_numbers", *_OBJECTS)
_SEPARATOR = "|"
_SECRETS = (("password",), ("password_hash",))


class Column(NamedTuple):
    """A column: the path of its member (empty to ignore it), and whether its cells are JSON."""

    path: Sequence[str]
    is_json: bool


class _Layout(NamedTuple):
    delimiter: str
    columns: Sequence[Column]


def read_csv(first: str, lines: Lines, also: Collection[str] = ()) -> Iterator[Record | Mistake]:
    """Yield the rows.

    Args:
        first: the first non-blank line, already read.
        lines: the remaining lines.
        also: further members that rows may have.

    Raises:
        BrokenInputError: the header or a line is broken, and reading cannot continue.
    """
    layout = _layout(first, lines.number, also)
    for text in lines:
        line = lines.number
        try:
            cells = cells_of(text, layout.delimiter, lines)
        except ValueError as error:
            raise BrokenInputError(line, f"invalid CSV: {error}") from None
        if trimmed("".join(cells)):
            yield _record(line, cells, layout.columns)


def _layout(head: str, line: int, also: Collection[str]) -> _Layout:
    """Return the layout, by the delimiter that gives the most columns."""
    names: Sequence[str] = ()
    chosen = ","
    for delimiter in _DELIMITERS:
        try:
            found = [trimmed(cell) for cell in cells_of(head, delimiter, iter(()))]
        except ValueError:
            continue
        if len(found) > len(names):
            names, chosen = found, delimiter
    columns = [column(name, line, also) for name in names]
    paths = [one.path for one in columns if one.path]
    for path in paths:
        if paths.count(path) > 1:
            raise BrokenInputError(line, f"the header has {'.'.join(path)} more than once")
    if not paths:
        raise BrokenInputError(
            line, f"the header has no column that users have, only {listed(names)}"
        )
    return _Layout(chosen, columns)


def column(name: str, line: int, also: Collection[str] = ()) -> Column:
    """Return the column with a name.

    Args:
        name: the name.
        line: the line of the header.
        also: further members that rows may have.

    Raises:
        BrokenInputError: users have no such member.
    """
    plain = name.removesuffix(":json")
    head, *rest = plain.split(".")
    member = BETWEEN.sub("_", head.strip()).casefold()
    if member in UNSETTABLE:
        return Column((), is_json=False)
    is_json = plain != name
    if member in also and not rest:
        return Column((member,), is_json)
    if member not in MEMBERS or (rest and (member not in _OBJECTS or "" in rest)):
        raise BrokenInputError(line, f"unknown column {listed([name])} in the header")
    if member in _ONLY_JSON and not rest and not is_json:
        raise BrokenInputError(line, f"column {member} must be named {member}:json and hold JSON")
    return Column((member, *rest), is_json)


def _record(line: int, cells: Sequence[str], columns: Sequence[Column]) -> Record | Mistake:
    width = len(columns)
    # An extra cell usually means an unquoted delimiter, which shifts all following cells into
    # the wrong columns.
    if len(cells) != width and any(map(trimmed, cells[width:])):
        return Mistake(line, f"the row has {len(cells)} cells, but the header has {width}")
    if cut := [c.path[0] for c in columns[len(cells) :] if c.path[:1] in _SECRETS]:
        # A row that was cut off must not become a user without a password.
        return Mistake(line, f"the row ends before its {cut[0]}")
    row: dict[str, Any] = {}
    for one, cell in zip(columns, cells, strict=False):
        if one.path and trimmed(cell):
            try:
                put(row, one.path, value_of(one, cell))
            except ValueError as error:
                return Mistake(line, f"{'.'.join(one.path)}: {error}")
    return Record(line, row)


def value_of(of: Column, cell: str) -> object:
    """Return the value of a text cell; the ValueError for a mistake does not show it."""
    if of.is_json:
        try:
            return json.loads(cell)
        except RecursionError:
            raise ValueError("the JSON is nested too deeply") from None
        except ValueError:
            raise ValueError("the cell is not valid JSON") from None
    if of.path == ("password",):
        # Blanks may be part of a password.
        return cell
    text = cell_value(cell)
    if of.path[0] in _LISTS:
        return [part for part in map(trimmed, text.split(_SEPARATOR)) if part]
    return text


def put(row: dict[str, Any], path: Sequence[str], value: object) -> None:
    """Set a value in a row; raises ValueError if it has another one there."""
    *parents, last = path
    place = row
    for name in parents:
        found: Any = place.setdefault(name, {})
        if not isinstance(found, dict):
            raise ValueError(f"{name} is given as a value as well")  # noqa: TRY004
        place = cast("dict[str, Any]", found)
    if last in place:
        raise ValueError("it is given as an object as well")
    place[last] = value
