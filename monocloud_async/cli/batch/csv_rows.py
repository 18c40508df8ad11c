"""Read CSV as spreadsheets, databases and people write it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from operator import itemgetter
from typing import NamedTuple

from ..._characters import ENDS, trimmed
from .columns import BrokenInputError, Cells, Columns, FromCells, Mistake, Records, listed, needed
from .content import MAX_LINE
from .lines import Lines

_DELIMITERS = ",;\t|"
_QUOTED = re.compile(r'[^"]*(?:""[^"]*)*')
# Excel's first line that names the delimiter.
_SEPARATOR = re.compile(r"\s*\"?\s*sep\s*=(\\t|[^\"\r\n])\"?\1*[\s,;|]*", re.IGNORECASE)
# What spreadsheets and our results files put in front of a would-be formula.
_GUARDED = re.compile(r"'(?=\s*[=+@\uff1d\uff0b\uff20\uff0d-])")
# What keeps a spreadsheet from reading text as a number.
_FORMULA = re.compile(r'="([^"]*)"')


class _Layout(NamedTuple):
    """The layout of a CSV file."""

    delimiter: str
    header: Sequence[str]
    line: int
    least: int
    made: FromCells


def read_csv(first: str, lines: Lines, columns: Columns) -> Records:
    """Return the rows.

    Args:
        first: the first non-blank line, already read.
        lines: the remaining lines.
        columns: the columns to read.
    """
    delimiters = _DELIMITERS
    if found := _SEPARATOR.fullmatch(first):
        named = found[1].replace("\\t", "\t")
        delimiters = named + delimiters.replace(named, "")
        first = next((line for line in lines if trimmed(line)), "")
    layout = _layout(first, lines.number, delimiters, columns)
    return _records(lines, layout, columns)


def _layout(head: str, line: int, delimiters: str, columns: Columns) -> _Layout:
    """Return the layout, by the delimiter that splits the header into the required columns."""
    longest: Sequence[str] = ()
    best: tuple[int, str, list[str]] = (0, "", [])
    for delimiter in delimiters:
        try:
            names = [trimmed(cell) for cell in _cells(head, delimiter, iter(()))]
        except ValueError:
            continue
        score = columns.score(names)
        best = max(best, (score, delimiter, names), key=itemgetter(0))
        longest = max(longest, names, key=len)
    score, delimiter, names = best
    if not score:
        required = needed("column", columns.wanted)
        raise BrokenInputError(
            line, f"the header must have {required}, but it has {listed(longest)}"
        )
    try:
        return _Layout(delimiter, names, line, *columns.of_cells(names))
    except ValueError as error:
        raise BrokenInputError(line, str(error)) from None


def _records(lines: Lines, layout: _Layout, columns: Columns) -> Records:
    # Without a marker any row might be another header, so look only for this one.
    marker, header = columns.marker, "".join(layout.header)
    for text in lines:
        line = lines.number
        if "=" in text[:9] and _SEPARATOR.fullmatch(text.lstrip("\ufeff")):
            continue
        try:
            cells = _cells(text, layout.delimiter, lines)
        except ValueError as error:
            raise BrokenInputError(line, f"invalid CSV: {error}") from None
        content = "".join(cells)
        if not trimmed(content):
            continue
        if (marker and marker in content.casefold() and columns.score(cells)) or content == header:
            if not _is_header(cells, layout.header):
                yield Mistake(line, f"a header that differs from the one on line {layout.line}")
        else:
            yield _record(line, cells, layout)


def _is_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row repeats the header, as in concatenated exports."""
    return [trimmed(cell) for cell in cells] == header


def _record(line: int, cells: Sequence[str], layout: _Layout) -> Cells | Mistake:
    width = len(layout.header)
    # An extra cell usually means an unquoted delimiter, which shifts all following cells into
    # the wrong columns.
    if len(cells) != width and any(map(trimmed, cells[width:])):
        return Mistake(line, f"the row has {len(cells)} cells, but the header has {width}")
    if len(cells) < layout.least:
        return Mistake(line, f"the row has only {len(cells)} cells, but the header has {width}")
    try:
        return Cells(line, layout.made(cells))
    except ValueError as error:
        return Mistake(line, str(error))


def cell_value(cell: str) -> str:
    """Return a cell's value, without blanks and spreadsheet guards around it."""
    return unguarded(trimmed(cell))


def unguarded(cell: str) -> str:
    """Return a cell without the guard that stops a spreadsheet from evaluating it."""
    if found := _FORMULA.fullmatch(cell):
        return trimmed(found[1])
    return trimmed(cell[1:]) if _GUARDED.match(cell) else cell


# The csv module keeps quotes after a blank, and its cell size limit is process-wide.


def _cells(line: str, delimiter: str, following: Iterator[str]) -> list[str]:
    """Split a row into cells; an open quote continues on the next line.

    Raises:
        ValueError: a quote is misplaced.
    """
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    # Fast path: every cell is quoted, and none contains a quote.
    bare = line.rstrip("\r\n")
    plain = bare[1:-1].split(f'"{delimiter}"')
    if bare[0] == bare[-1] == '"' and bare.count('"') == 2 * len(plain):
        return plain
    return _cells_one_by_one(line, delimiter, following)


def _cells_one_by_one(line: str, delimiter: str, following: Iterator[str]) -> list[str]:
    opening = _opening(delimiter)
    cells: list[str] = []
    at = 0
    while at >= 0:
        cell: str | None = None
        if found := opening.match(line, at):
            cell, line, at = _quoted(line, found.end(), following)
        end = line.find(delimiter, at)
        rest = line[at:end] if end >= 0 else line[at:].rstrip("\r\n")
        if cell is not None and trimmed(rest):
            raise ValueError("unexpected text between a closing quote and the delimiter")
        cells.append(rest if cell is None else cell)
        at = end + 1 if end >= 0 else -1
    return cells


@cache
def _opening(delimiter: str) -> re.Pattern[str]:
    """Return a pattern for the start of a quoted cell: blanks and the quote."""
    return re.compile(f'[{ENDS.replace(delimiter, "")}]*"')


def _quoted(line: str, at: int, following: Iterator[str]) -> tuple[str, str, int]:
    """Return the quoted text, the line where the quote closes, and the position there."""
    parts: list[str] = []
    size = 0
    while True:
        found = _QUOTED.match(line, at)
        end = found.end() if found else at
        parts.append(line[at:end])
        if end < len(line):
            return "".join(parts).replace('""', '"'), line, end + 1
        size += end - at
        if size > MAX_LINE:
            raise ValueError(f"a cell is longer than {MAX_LINE // 1024} KiB: is a quote unclosed?")
        line, at = next(following, ""), 0
        if not line:
            raise ValueError("unclosed quote")
