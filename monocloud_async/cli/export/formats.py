"""Write users as JSON Lines, or as CSV that is safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from ..batch.reports import harmless
from .columns import Column, Json

# Spreadsheets also read an E.164 number as a number, even with a guard.
_NUMBER = re.compile(r"\+[0-9]{2,15}", re.ASCII)
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode
_encode_ascii = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


class Line(Protocol):
    """A user to be written."""

    def to_dict(self) -> Json:
        """Return the user as a dict."""
        ...

    def text(self) -> bytes | None:
        """Return the JSON as one line, if it was received like that."""
        ...


class Format(Protocol):
    """A way to write users."""

    def head(self) -> bytes:
        """Return the bytes that precede all users."""
        ...

    def body(self, lines: Iterable[Line]) -> bytes:
        """Return the bytes for some users."""
        ...


class JsonLines:
    """One line of JSON per user.

    Args:
        plain: whether to write pure ASCII, which is free of terminal escapes.
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
            # JSON allows lone surrogates, which UTF-8 cannot encode.
            return f"{_encode_ascii(line.to_dict())}\n".encode()


class Csv:
    """A header, then one row per user."""

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
