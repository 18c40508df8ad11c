"""The rows of JSON Lines."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, cast

from ..._characters import trimmed
from .columns import (
    USER,
    WANTED,
    BrokenInputError,
    By,
    Cells,
    Mistake,
    Records,
    by,
    column,
    listed,
    phone_column,
)
from .lines import Lines

_LINES = "JSON has to be JSON Lines: an object in each line"


def read_array(lines: Lines) -> Records:
    """Refuse an array, which would have to be read as a whole."""
    raise BrokenInputError(lines.number, f"{_LINES}, and this is an array: jq -c '.[]' makes them")


def read_json_lines(first: str, lines: Lines) -> Records:
    """Return what names a phone, and the rows.

    Args:
        first: the first line with something in it, which has been read.
        lines: the others.
    """
    head = lines.number
    try:
        found = by(_members(first))
    except ValueError as error:
        raise BrokenInputError(head, str(error)) from None
    if found is None:
        names = listed(cast("dict[str, object]", json.loads(first)))
        what = f"there must be the members {WANTED}, and there are {names}"
        raise BrokenInputError(head, what)
    return found, _records(first, lines, found)


def _records(first: str, lines: Lines, by: By) -> Iterator[Cells | Mistake]:
    rest = ((lines.number, line) for line in lines if trimmed(line))
    for item in chain([(lines.number, first)], rest):
        yield _record(*item, by)


def _record(line: int, text: str, by: By) -> Cells | Mistake:
    try:
        members = _members(text)
        return Cells(line, _text(members, USER), _text(members, phone_column(by)))
    except ValueError as error:
        return Mistake(line, str(error))


def _members(text: str) -> Mapping[str, object]:
    text = trimmed(text)
    try:
        found: object = json.loads(text, object_pairs_hook=_once)
    except json.JSONDecodeError as error:
        what = f"it is not JSON: {error.msg}"
        # An object that goes on in the next line; or two of them, or a comma, in one.
        if error.pos >= len(text) or error.msg == "Extra data":
            what += f". {_LINES}: jq -c . makes them"
        raise ValueError(what) from None
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    if not isinstance(found, dict):
        raise ValueError("it is not a JSON object")  # noqa: TRY004
    return cast("dict[str, object]", found)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members that are wanted, by the names that they have here."""
    members: dict[str, Any] = {}
    for name, value in pairs:
        if wanted := column(name):
            if wanted in members:
                raise ValueError(f"it has the member {wanted} more than once")
            members[wanted] = value
    return members


def _text(members: Mapping[str, object], name: str) -> str:
    if name not in members:
        raise ValueError(f"it has no member {name}")
    value = members[name]
    if not isinstance(value, str):
        raise ValueError(f"{name} must be a string")  # noqa: TRY004
    return trimmed(value)
