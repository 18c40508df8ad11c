"""A file of import rows: CSV or JSON Lines, detected from the first line."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from itertools import chain
from typing import Any, cast

from ..._characters import trimmed
from ..batch.columns import BrokenInputError, Mistake
from ..batch.content import Content
from ..batch.lines import Lines
from .csv_rows import read_csv
from .records import Record

_LINES = "JSON input must be JSON Lines, one object per line"


class RowFile:
    """A file of import rows, CSV or JSON Lines.

    Args:
        content: its bytes.
        also: further columns that CSV may have.
    """

    def __init__(self, content: Content, also: Collection[str] = ()) -> None:
        self.name: str = content.name
        self._content = content
        self._also = also

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records."""
        lines = Lines(self._content.lines())
        first = next((line for line in lines if trimmed(line)), "")
        start = trimmed(first)
        if not start:
            raise BrokenInputError(1, "the input is empty")
        if start.startswith("["):
            message = f"{_LINES}, but this is an array; convert it with jq -c '.[]'"
            raise BrokenInputError(lines.number, message)
        if start.startswith("{"):
            return _json_lines(first, lines)
        return read_csv(first, lines, self._also)


def _json_lines(first: str, lines: Lines) -> Iterator[Record | Mistake]:
    rest = ((lines.number, line) for line in lines if trimmed(line))
    for line, text in chain([(lines.number, first)], rest):
        try:
            found: object = json.loads(trimmed(text), object_pairs_hook=_once)
        except RecursionError:
            yield Mistake(line, "the JSON is nested too deeply")
        except json.JSONDecodeError as error:
            yield Mistake(line, f"invalid JSON: {error.msg}. {_LINES}; convert it with jq -c .")
        except ValueError as error:
            yield Mistake(line, str(error))
        else:
            is_object = isinstance(found, dict)
            yield (
                Record(line, cast("dict[str, Any]", found))
                if is_object
                else Mistake(line, "the line is not a JSON object")
            )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("duplicate member")
    return members
