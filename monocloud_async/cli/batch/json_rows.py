"""Read JSON Lines."""

from __future__ import annotations

import json
import math
from itertools import chain
from typing import Any, cast

from ..._characters import trimmed
from .columns import (
    BrokenInputError,
    Cells,
    Columns,
    FromMembers,
    Mistake,
    Pairs,
    Records,
    listed,
    needed,
)
from .lines import Lines

_LINES = "JSON input must be JSON Lines, one object per line"


def read_array(lines: Lines) -> Records:
    """Reject an array, which could only be read as a whole."""
    raise BrokenInputError(
        lines.number, f"{_LINES}, but this is an array; convert it with jq -c '.[]'"
    )


def read_json_lines(first: str, lines: Lines, columns: Columns) -> Records:
    """Return the rows.

    Args:
        first: the first non-blank line, already read.
        lines: the remaining lines.
        columns: the columns to read.
    """
    head = lines.number
    try:
        members = _members(first)
        names = [name for name, _ in members]
        if not columns.score(names):
            required = needed("member", columns.wanted)
            raise BrokenInputError(
                head, f"the first row must have {required}, but it has {listed(names)}"
            )
        convert = columns.of_members(members)
    except ValueError as error:
        raise BrokenInputError(head, str(error)) from None
    return _records(first, lines, convert)


def _records(first: str, lines: Lines, convert: FromMembers) -> Records:
    rest = ((lines.number, line) for line in lines if trimmed(line))
    for line, text in chain([(lines.number, first)], rest):
        try:
            yield Cells(line, convert(_members(text)))
        except ValueError as error:
            yield Mistake(line, str(error))


def _members(text: str) -> Pairs:
    text = trimmed(text)
    try:
        found: object = json.loads(text, object_pairs_hook=Pairs)
    except json.JSONDecodeError as error:
        message = f"invalid JSON: {error.msg}"
        # An object that continues on the next line, or two objects or a comma on one line.
        if error.pos >= len(text) or error.msg == "Extra data":
            message += f". {_LINES}; convert it with jq -c ."
        raise ValueError(message) from None
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    if not isinstance(found, Pairs):
        raise ValueError("the line is not a JSON object")  # noqa: TRY004
    return found


def plain_json(value: object) -> object:
    """Return a member's value with objects as dicts.

    Raises:
        ValueError: an object has a duplicate member, or a number is not finite.
    """
    if isinstance(value, Pairs):
        members = {name: plain_json(part) for name, part in value}
        if len(members) < len(value):
            raise ValueError("an object has a duplicate member")
        return members
    if isinstance(value, list):
        parts = cast("list[Any]", value)  # type: ignore[redundant-cast]
        return [plain_json(part) for part in parts]
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError("a number is not finite")
    return value
