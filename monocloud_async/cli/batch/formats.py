"""Detect the format of an input, CSV or JSON Lines, from its first line."""

from __future__ import annotations

from ..._characters import trimmed
from .columns import BrokenInputError, Columns, Records
from .content import Content
from .csv_rows import read_csv
from .json_rows import read_array, read_json_lines
from .lines import Lines


def read(content: Content, columns: Columns) -> Records:
    """Read the non-blank lines of an input.

    Args:
        content: the input.
        columns: the columns to read.

    Raises:
        BrokenInputError: the input cannot be read; the iterator raises it too.
    """
    lines = Lines(content.lines())
    first = next((line for line in lines if trimmed(line)), "")
    start = trimmed(first)
    if not start:
        raise BrokenInputError(1, "the input is empty")
    if start.startswith("["):
        return read_array(lines)
    if start.startswith("{"):
        return read_json_lines(start, lines, columns)
    return read_csv(first, lines, columns)
