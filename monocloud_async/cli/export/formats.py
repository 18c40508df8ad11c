"""How users are written: JSON Lines, or CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ..batch.reports import harmless
from .columns import Column, Json

# A number in E.164 is one for a spreadsheet too, whatever stands before it.
_NUMBER = re.compile(r"\+[0-9]{2,15}", re.ASCII)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Line(Protocol):
    """What is written of a user."""

    def to_dict(self) -> Json:
        """Return it as JSON."""
        ...

    def text(self) -> bytes | None:
        """Return the JSON in one line, if it came in one."""
        ...


class Format(Protocol):
    """A way to write users."""

    def head(self) -> bytes:
        """Return what stands before all of them."""
        ...

    def body(self, lines: Iterable[Line]) -> bytes:
        """Return what stands for some of them."""
        ...


class JsonLines:
    """A line of JSON for each user.

    Args:
        plain: whether to keep to ASCII, with which nothing can steer a terminal.
    """

    def __init__(self, *, plain: bool = False) -> None:
        self._plain = plain
        self._encode = _encode_ascii if plain else _encode

    def head(self) -> bytes:
        return b""

    def body(self, lines: Iterable[Line]) -> bytes:
        return b"".join(self._line(line) for line in lines)

    def _line(self, line: Line) -> bytes:
        text = line.text()
        if text is not None and (text.isascii() or not self._plain):
            return text + b"\n"
        try:
            return f"{self._encode(line.to_dict())}\n".encode()
        except UnicodeEncodeError:
            # JSON has halves of characters, which UTF-8 has not.
            return f"{_encode_ascii(line.to_dict())}\n".encode()


class Csv:
    """A row for each user, below the names of the columns."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self._columns = columns

    def head(self) -> bytes:
        return _written([[column.name for column in self._columns]])

    def body(self, lines: Iterable[Line]) -> bytes:
        rows = (line.to_dict() for line in lines)
        return _written([_cell(column, row) for column in self._columns] for row in rows)


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
