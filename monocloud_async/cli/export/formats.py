"""How users are written: JSON Lines, or CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ..batch.results import harmless
from .columns import Column, Json

# A number in E.164 is one for a spreadsheet too, whatever stands before it.
_NUMBER = re.compile(r"\+[0-9]{2,15}", re.ASCII)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Format(Protocol):
    """A way to write users."""

    def head(self) -> bytes:
        """Return what stands before all of them."""
        ...

    def body(self, lines: Iterable[Json]) -> bytes:
        """Return what stands for some of them."""
        ...


class JsonLines:
    """A line of JSON for each user.

    Args:
        plain: whether to keep to ASCII, with which nothing can steer a terminal.
    """

    def __init__(self, *, plain: bool = False) -> None:
        self._encode = _encode_ascii if plain else _encode

    def head(self) -> bytes:
        return b""

    def body(self, lines: Iterable[Json]) -> bytes:
        return b"".join(self._line(line) for line in lines)

    def _line(self, line: Json) -> bytes:
        try:
            return f"{self._encode(line)}\n".encode()
        except UnicodeEncodeError:
            # JSON has halves of characters, which UTF-8 has not.
            return f"{_encode_ascii(line)}\n".encode()


class Csv:
    """A row for each user, below the names of the columns."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def head(self) -> bytes:
        return _written([[column.name for column in self._columns]])

    def body(self, lines: Iterable[Json]) -> bytes:
        return _written([_cell(column, line) for column in self._columns] for line in lines)


def _written(rows: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode("utf-8", "backslashreplace")


def _cell(column: Column, line: Json) -> str:
    value: Any = column.of(line)
    if value is None:
        return ""
    if column.kind == "json" or not isinstance(value, str):
        return harmless(_encode(value))
    return value if _NUMBER.fullmatch(value) else harmless(value)
