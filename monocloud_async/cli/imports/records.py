"""The records of an input, whatever it is written in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any, NamedTuple, Protocol, cast

from ..._characters import trimmed
from ..batch.columns import BrokenInputError, Mistake
from ..batch.content import Content
from ..batch.lines import Lines

_LINES = "JSON has to be JSON Lines: an object in each line"


class Record(NamedTuple):
    """A record of an input.

    Attributes:
        line: the line that it begins in.
        row: the import row; None where it is left out.
        why: why it is left out.
    """

    line: int
    row: Mapping[str, Any] | None
    why: str = ""


class Source(Protocol):
    """Where records come from; they can be read more than once."""

    name: str

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records.

        Raises:
            BrokenInputError: it cannot be read on.
            InputChangedError: it is not what it was.
        """
        ...


class RowFile:
    """A file of import rows, CSV or JSON Lines.

    Args:
        content: its bytes.
    """

    def __init__(self, content: Content) -> None:
        self.name = content.name
        self._content = content

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records."""
        # It brings the readers of CSV, which import this module.
        from .csv_rows import read_csv

        lines = Lines(self._content.lines())
        first = next((line for line in lines if trimmed(line)), "")
        start = trimmed(first)
        if not start:
            raise BrokenInputError(1, "there is nothing in it")
        if start.startswith("["):
            what = f"{_LINES}, and this is an array: jq -c '.[]' makes them"
            raise BrokenInputError(lines.number, what)
        return _json_lines(first, lines) if start.startswith("{") else read_csv(first, lines)


def _json_lines(first: str, lines: Lines) -> Iterator[Record | Mistake]:
    rest = ((lines.number, line) for line in lines if trimmed(line))
    for line, text in chain([(lines.number, first)], rest):
        try:
            found: object = json.loads(trimmed(text), object_pairs_hook=_once)
        except RecursionError:
            yield Mistake(line, "it is nested too deeply")
        except json.JSONDecodeError as error:
            yield Mistake(line, f"it is not JSON: {error.msg}. {_LINES}: jq -c . makes them")
        except ValueError as error:
            yield Mistake(line, str(error))
        else:
            is_object = isinstance(found, dict)
            yield (
                Record(line, cast("dict[str, Any]", found))
                if is_object
                else Mistake(line, "it is not a JSON object")
            )


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise ValueError("it has a member more than once")
    return members
