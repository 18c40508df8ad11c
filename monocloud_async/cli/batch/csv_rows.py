"""The rows of CSV, as spreadsheets, databases and people write it."""

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
# What tells Excel the delimiter, alone in the first line.
_SEPARATOR = re.compile(r"\s*\"?\s*sep\s*=(\\t|[^\"\r\n])\"?\1*[\s,;|]*", re.IGNORECASE)
# What a spreadsheet, or a results file, puts before what would be a formula.
_GUARDED = re.compile(r"'(?=\s*[=+@\uff1d\uff0b\uff20\uff0d-])")
# What keeps a spreadsheet from taking text for a number.
_FORMULA = re.compile(r'="([^"]*)"')


class _Layout(NamedTuple):
    """Where in a CSV file is what."""

    delimiter: str
    header: Sequence[str]
    line: int
    least: int
    made: FromCells


def read_csv(first: str, lines: Lines, columns: Columns) -> Records:
    """Return the rows.

    Args:
        first: the first line with something in it, which has been read.
        lines: the others.
        columns: what is wanted of them.
    """
    delimiters = _DELIMITERS
    if found := _SEPARATOR.fullmatch(first):
        told = found[1].replace("\\t", "\t")
        delimiters = told + delimiters.replace(told, "")
        first = next((line for line in lines if trimmed(line)), "")
    layout = _layout(first, lines.number, delimiters, columns)
    return _records(lines, layout, columns)


def _layout(head: str, line: int, delimiters: str, columns: Columns) -> _Layout:
    """Return where is what, by the delimiter with which the header has the wanted columns."""
    most: Sequence[str] = ()
    best: tuple[int, str, list[str]] = (0, "", [])
    for delimiter in delimiters:
        try:
            names = [trimmed(cell) for cell in _cells(head, delimiter, iter(()))]
        except ValueError:
            continue
        score = columns.score(names)
        best = max(best, (score, delimiter, names), key=itemgetter(0))
        most = max(most, names, key=len)
    score, delimiter, names = best
    if not score:
        what = needed("column", columns.wanted)
        raise BrokenInputError(line, f"the header must have {what}, and it has {listed(most)}")
    try:
        return _Layout(delimiter, names, line, *columns.of_cells(names))
    except ValueError as error:
        raise BrokenInputError(line, str(error)) from None


def _records(lines: Lines, layout: _Layout, columns: Columns) -> Records:
    # Without a marker, any row might be another header: only this one is looked for.
    marker, header = columns.marker, "".join(layout.header)
    for text in lines:
        line = lines.number
        if "=" in text[:9] and _SEPARATOR.fullmatch(text.lstrip("\ufeff")):
            continue
        try:
            cells = _cells(text, layout.delimiter, lines)
        except ValueError as error:
            raise BrokenInputError(line, f"it is not CSV: {error}") from None
        said = "".join(cells)
        if not trimmed(said):
            continue
        if (marker and marker in said.casefold() and columns.score(cells)) or said == header:
            if not _is_header(cells, layout.header):
                yield Mistake(line, f"it is a header, and not that of line {layout.line}")
        else:
            yield _record(line, cells, layout)


def _is_header(cells: Sequence[str], header: Sequence[str]) -> bool:
    """Return whether a row is the header again, as where exports were joined."""
    return [trimmed(cell) for cell in cells] == header


def _record(line: int, cells: Sequence[str], layout: _Layout) -> Cells | Mistake:
    width = len(layout.header)
    # A cell too many is most often one with a delimiter that is not quoted: what follows is
    # shifted, and would be taken for what it is not.
    if len(cells) != width and any(map(trimmed, cells[width:])):
        return Mistake(line, f"it has {len(cells)} cells, and the header has {width}")
    if len(cells) < layout.least:
        return Mistake(line, f"it has only {len(cells)} cells, and the header has {width}")
    try:
        return Cells(line, layout.made(cells))
    except ValueError as error:
        return Mistake(line, str(error))


def cell_value(cell: str) -> str:
    """Return what a cell says, without the blanks and what spreadsheets put around it."""
    return unguarded(trimmed(cell))


def unguarded(cell: str) -> str:
    """Return a cell without what keeps a spreadsheet from taking it for a formula or a number."""
    if found := _FORMULA.fullmatch(cell):
        return trimmed(found[1])
    return trimmed(cell[1:]) if _GUARDED.match(cell) else cell


# The module csv sends on quotes after a blank, and has one limit of a cell for the whole process.


def _cells(line: str, delimiter: str, more: Iterator[str]) -> list[str]:
    """Return the cells of a row, which goes on in further lines where a quote is open.

    Raises:
        ValueError: a quote is where it cannot be.
    """
    if '"' not in line:
        return line.rstrip("\r\n").split(delimiter)
    # The ordinary case, and quick: each cell is in quotes, and none has one in it.
    bare = line.rstrip("\r\n")
    plain = bare[1:-1].split(f'"{delimiter}"')
    if bare[0] == bare[-1] == '"' and bare.count('"') == 2 * len(plain):
        return plain
    return _cells_one_by_one(line, delimiter, more)


def _cells_one_by_one(line: str, delimiter: str, more: Iterator[str]) -> list[str]:
    opening = _opening(delimiter)
    cells: list[str] = []
    at = 0
    while at >= 0:
        cell: str | None = None
        if found := opening.match(line, at):
            cell, line, at = _quoted(line, found.end(), more)
        end = line.find(delimiter, at)
        rest = line[at:end] if end >= 0 else line[at:].rstrip("\r\n")
        if cell is not None and trimmed(rest):
            raise ValueError("something stands between a closing quote and the delimiter")
        cells.append(rest if cell is None else cell)
        at = end + 1 if end >= 0 else -1
    return cells


@cache
def _opening(delimiter: str) -> re.Pattern[str]:
    """Return what is at the beginning of a cell in quotes: blanks, and the quote."""
    return re.compile(f'[{ENDS.replace(delimiter, "")}]*"')


def _quoted(line: str, at: int, more: Iterator[str]) -> tuple[str, str, int]:
    """Return what is in quotes, the line in which they end, and where in it."""
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
            raise ValueError(f"a cell is longer than {MAX_LINE // 1024} KiB: is a quote left open?")
        line, at = next(more, ""), 0
        if not line:
            raise ValueError("a quote is not closed")
