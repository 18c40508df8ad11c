"""What an input can be written in: CSV or JSON Lines, told apart by how it begins."""

from __future__ import annotations

from ..._characters import trimmed
from .columns import BrokenInputError, Columns, Records
from .content import Content
from .csv_rows import read_csv
from .json_rows import read_array, read_json_lines
from .lines import Lines


def read(content: Content, columns: Columns) -> Records:
    """Return what each line of an input with something in it says.

    Args:
        content: the input.
        columns: what is wanted of it.

    Raises:
        BrokenInputError: it cannot be read from its beginning; the iterator raises it too.
    """
    lines = Lines(content.lines())
    first = next((line for line in lines if trimmed(line)), "")
    start = trimmed(first)
    if not start:
        raise BrokenInputError(1, "there is nothing in it")
    if start.startswith("["):
        return read_array(lines)
    if start.startswith("{"):
        return read_json_lines(start, lines, columns)
    return read_csv(first, lines, columns)
