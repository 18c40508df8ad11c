"""Stage a piece of an input: check its rows, and write them grouped by slot."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain
from zlib import crc32

import attrs

from ..cli.batch.columns import BrokenInputError, Mistake, Records
from ..cli.batch.confirming import SHOWN
from ..cli.batch.source import MOST_MISTAKES
from .identifiers import Identifiers, IdentifierWriter
from .job import Job
from .kind import Kind, Ready
from .kinds import kind_of
from .pieces import Piece, records_of
from .storage import Storage
from .task import task

# A tenant's number and a slot's: a bucket takes several slots, all next to each other.
Slot = tuple[int, int]
MOST_BYTES = 64 * 1024 * 1024


@attrs.frozen
class Segment:
    """Staged rows in one object.

    Attributes:
        path: the object's path in the journal.
        index: each slot's first byte, last byte + 1 and number of rows.
    """

    path: str
    index: Mapping[Slot, tuple[int, int, int]]


@attrs.frozen
class StagedPiece:
    """A piece that has been read to its end and checked.

    Attributes:
        name: its name in messages and results.
        rows: the number of rows.
        digest: a digest of the rows, without the arguments that are secrets.
        mistakes: the first mistakes, up to ``MOST_MISTAKES``; if there are any, nothing is staged.
        more: whether there are more mistakes.
        segments: where the rows are.
        passed_over: the columns that are ignored.
        identifiers: where the digests of the rows' identifiers are.
        requests: the first requests that the rows would send, if they are only checked.
    """

    name: str
    rows: int
    digest: str
    mistakes: tuple[Mistake, ...] = ()
    more: bool = False
    segments: tuple[Segment, ...] = ()
    passed_over: tuple[str, ...] = ()
    identifiers: tuple[Identifiers, ...] = ()
    requests: tuple[str, ...] = ()


@attrs.frozen
class Staged:
    """The rows of a bucket in one segment.

    Attributes:
        name: the name of the piece that they come from.
        path: the segment's path in the journal.
        start: their first byte.
        end: their last byte + 1.
        rows: their number.
    """

    name: str
    path: str
    start: int
    end: int
    rows: int


@task
def stage(job: Job, number: int, piece: Piece) -> StagedPiece:
    """Check a file and write its rows to the journal, unless it has mistakes.

    Args:
        job: the job.
        number: the piece's number, which is part of its objects' names.
        piece: the file.

    Raises:
        ConfigurationError: an option is invalid, or the file cannot be read.
        JournalError: the rows cannot be written.
    """
    kind = kind_of(job)
    try:
        with records_of(piece, kind) as records:
            return _Stage(job, kind, number, piece.name).carry_out(records)
    except BrokenInputError as error:
        return StagedPiece(piece.name, 0, "", (error.mistake,))


def stage_rows(
    job: Job, number: int, name: str, rows: Iterable[object], names: Sequence[str] = ()
) -> StagedPiece:
    """Check rows of a table and write them to the journal, unless they have mistakes.

    None and other missing values count as absent; only ``job.null`` clears a field.

    Args:
        job: the job.
        number: the piece's number, which is part of its objects' names.
        name: its name in messages and results, such as ``partition 3``.
        rows: the rows, each a mapping by column.
        names: the names of the columns, if all rows have the same.

    Raises:
        ConfigurationError: an option is invalid.
        JournalError: the rows cannot be written.
    """
    kind = kind_of(job)
    records = (kind.record(line, row) for line, row in enumerate(rows, 1))
    try:
        if names:
            kind.used(names)
    except BrokenInputError as error:
        return StagedPiece(name, 0, "", (error.mistake,))
    return _Stage(job, kind, number, name).carry_out(records)


class _Stage:
    def __init__(self, job: Job, kind: Kind, number: int, name: str) -> None:
        self._job = job
        self._kind = kind
        self._name = name
        self._writer, self._identifiers = _writers(job, number)
        self._requests: list[str] = []
        self._digest = hashlib.sha256()
        self._rows = 0
        self._mistakes: list[Mistake] = []

    def carry_out(self, records: Records) -> StagedPiece:
        """Stage the rows."""
        for item in self._checked(records):
            self._rows += 1
            if isinstance(item, Mistake):
                self._mistakes.append(item)
                if len(self._mistakes) > MOST_MISTAKES:
                    break
            elif not self._mistakes:
                self._add(*item)
        return self._result()

    def _checked(self, records: Records) -> Iterator[tuple[int, Ready] | Mistake]:
        try:
            for item in records:
                found = item if isinstance(item, Mistake) else self._kind.ready(item)
                yield found if isinstance(found, Mistake) else (item.line, found)
        except BrokenInputError as error:
            yield error.mistake

    def _add(self, line: int, row: Ready) -> None:
        key = str(self._rows) if row.key is None else row.key
        slot = crc32(key.encode()) % self._job.slots
        public = _line([row.tenant, row.public])
        self._digest.update(public)
        # What the digest covers alone decides where a segment ends, and so the order of the rows.
        self._writer.add((row.tenant, slot), _line([line, row.given]), len(public))
        self._identifiers.add(row.tenant, line, row.identifiers)
        if self._job.only_checks and len(self._requests) < SHOWN:
            request = self._kind.summary(row.given)
            self._requests += [f"{self._name}, line {line}: {request}"] if request else []

    def _result(self) -> StagedPiece:
        passed_over = tuple(self._kind.passed_over)
        if self._mistakes:
            first, more = self._mistakes[:MOST_MISTAKES], len(self._mistakes) > MOST_MISTAKES
            self._writer.undo()
            self._identifiers.undo()
            return StagedPiece(
                self._name, self._rows, "", tuple(first), more, passed_over=passed_over
            )
        segments, digest = self._writer.end(), self._digest.hexdigest()
        return StagedPiece(
            self._name,
            self._rows,
            digest,
            segments=segments,
            passed_over=passed_over,
            identifiers=self._identifiers.end(),
            requests=tuple(self._requests),
        )


def _writers(job: Job, piece: int) -> tuple[SegmentWriter | NoWriter, IdentifierWriter | NoWriter]:
    if job.only_checks:
        return NoWriter(), NoWriter()
    storage = Storage(job.journal, job.storage_options)
    return (
        SegmentWriter(storage, piece, job.staging),
        IdentifierWriter(storage, piece, job.key, job.staging),
    )


class NoWriter:
    """Writes nothing."""

    def add(self, *row: object) -> None:
        """Drop a row."""

    def end(self) -> tuple[()]:
        """Return nothing."""
        return ()

    def undo(self) -> None:
        """Do nothing."""


class SegmentWriter:
    """Writes the staged rows of a piece, in as few objects as memory allows.

    Args:
        storage: the journal's storage.
        piece: the piece's number.
        directory: where to write them.
    """

    def __init__(self, storage: Storage, piece: int, directory: str) -> None:
        self._storage = storage
        self._directory = directory
        self._piece = piece
        self._groups: dict[Slot, list[bytes]] = {}
        self._size = 0
        self._segments: list[Segment] = []

    def add(self, slot: Slot, line: bytes, size: int) -> None:
        """Add a row of a slot.

        Args:
            slot: the slot.
            line: the row.
            size: its size without secrets in bytes; the same rows must have the same sizes.
        """
        self._groups.setdefault(slot, []).append(line)
        self._size += size
        if self._size >= MOST_BYTES:
            self._flush()

    def end(self) -> tuple[Segment, ...]:
        """Write the remaining rows, and return all segments."""
        if self._groups:
            self._flush()
        return tuple(self._segments)

    def undo(self) -> None:
        """Remove what was written."""
        for segment in self._segments:
            self._storage.remove(segment.path)

    def _flush(self) -> None:
        path = f"{self._directory}/{self._piece:05}.{len(self._segments):03}.rows"
        index: dict[Slot, tuple[int, int, int]] = {}
        at = 0
        for slot in sorted(self._groups):
            group = self._groups[slot]
            index[slot] = (at, at := at + sum(map(len, group)), len(group))
        groups = (self._groups[slot] for slot in index)
        # At once, without a temporary file: a killed worker would leave it, with passwords.
        self._storage.write(path, b"".join(chain.from_iterable(groups)))
        self._segments.append(Segment(path, index))
        self._groups, self._size = {}, 0


def _line(value: object) -> bytes:
    # Only members that an import ignores, such as times of exported users, are sometimes not JSON.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str).encode() + b"\n"
