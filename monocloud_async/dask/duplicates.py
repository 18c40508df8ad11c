"""Find identifiers that several rows of the input have, before anything is sent.

Each task compares the digests of a range, so that together they compare those of all pieces.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from typing import Any, NamedTuple, cast

import attrs
from distributed import Client

from ..cli.batch.source import MOST_MISTAKES
from .identifiers import KINDS, SIZE, SLOTS
from .job import Job
from .staging import StagedPiece
from .storage import Storage
from .task import task

# A task has about this many digests in memory.
_AT_ONCE = 1_000_000
_THREADS = 16
_TYPE = [("digest", ">u8"), ("line", ">u8"), ("kind", "u1")]


@attrs.frozen
class Part:
    """Digests in one object.

    Attributes:
        piece: the number of the piece that they come from.
        path: the object's path in the journal.
        start: their first byte.
        end: their last byte + 1.
    """

    piece: int
    path: str
    start: int
    end: int


class Duplicate(NamedTuple):
    """A row with an identifier of an earlier row.

    Attributes:
        piece: the number of its piece.
        line: its line.
        kind: the kind of identifier.
        of_piece: the number of the earlier row's piece.
        of_line: the earlier row's line.
    """

    piece: int
    line: int
    kind: str
    of_piece: int
    of_line: int


async def find_duplicates(
    client: Client, job: Job, pieces: Sequence[StagedPiece]
) -> tuple[list[str], bool]:
    """Return the first rows with an identifier of an earlier row, and whether there are more.

    Args:
        client: the Dask client.
        job: the job.
        pieces: all pieces, in the order of the input.

    Raises:
        JournalError: the digests cannot be read.
    """
    name = f"{job.operation}-duplicates-{secrets.token_hex(4)}"
    # Dask has no types for what it takes.
    submit = cast("Any", client).submit
    futures = [
        submit(duplicates, job, parts, key=f"{name}-{number}", pure=False)
        for number, parts in enumerate(ranges(pieces))
    ]
    try:
        found: list[Sequence[Duplicate]] = await asyncio.gather(*futures)
    finally:
        for future in futures:
            future.release()
    every = sorted(duplicate for some in found for duplicate in some)
    names = [piece.name for piece in pieces]
    return [_mistake(one, names) for one in every[:MOST_MISTAKES]], len(every) > MOST_MISTAKES


def _mistake(one: Duplicate, names: Sequence[str]) -> str:
    place = f"line {one.of_line}"
    if one.of_piece != one.piece:
        place = f"{names[one.of_piece]}, {place}"
    return f"{names[one.piece]}, line {one.line}: same {one.kind} as {place}"


def ranges(pieces: Sequence[StagedPiece], at_once: int = _AT_ONCE) -> Sequence[Sequence[Part]]:
    """Return what each task compares: a range of digests in all pieces.

    Args:
        pieces: all pieces, in the order of the input.
        at_once: about how many digests a task compares.
    """
    total = sum(one.ends[-1] for piece in pieces for one in piece.identifiers) // SIZE
    count = min(1 << max(0, (total - 1) // at_once).bit_length(), SLOTS)
    wide = SLOTS // count
    found = [_parts(pieces, first, first + wide) for first in range(0, SLOTS, wide)]
    return [parts for parts in found if parts]


def _parts(pieces: Sequence[StagedPiece], first: int, last: int) -> Sequence[Part]:
    places = [
        Part(number, one.path, one.ends[first - 1] if first else 0, one.ends[last - 1])
        for number, piece in enumerate(pieces)
        for one in piece.identifiers
    ]
    return [place for place in places if place.end > place.start]


@task
def duplicates(job: Job, parts: Sequence[Part]) -> Sequence[Duplicate]:
    """Return the first rows with an identifier of an earlier row, at most one more than are shown.

    Args:
        job: the job.
        parts: the digests to compare, in the order of the input.

    Raises:
        JournalError: the digests cannot be read.
    """
    # It has types, but they say little here.
    numpy: Any = import_module("numpy")
    rows = numpy.frombuffer(_read(job, parts), dtype=_TYPE)
    pieces = numpy.repeat([p.piece for p in parts], [(p.end - p.start) // SIZE for p in parts])
    # Stable, so that the first of equal digests is that of the first row.
    order = numpy.argsort(rows["digest"], kind="stable")
    digests = rows["digest"][order]
    again = order[1:][digests[1:] == digests[:-1]]
    again = again[numpy.lexsort((rows["line"][again], pieces[again]))][: MOST_MISTAKES + 1]
    firsts = order[numpy.searchsorted(digests, rows["digest"][again])]
    columns = [pieces[again], rows["line"][again], rows["kind"][again]]
    columns += [pieces[firsts], rows["line"][firsts]]
    return [
        Duplicate(piece, line, KINDS[kind], of_piece, of_line)
        for piece, line, kind, of_piece, of_line in zip(*map(_list, columns), strict=True)
    ]


def _list(array: Any) -> list[int]:
    return cast("list[int]", array.tolist())


def _read(job: Job, parts: Sequence[Part]) -> bytes:
    storage = Storage(job.journal, job.storage_options)

    def read(one: Part) -> bytes:
        return storage.read_range(one.path, one.start, one.end)

    with ThreadPoolExecutor(_THREADS) as threads:
        return b"".join(threads.map(read, parts))
