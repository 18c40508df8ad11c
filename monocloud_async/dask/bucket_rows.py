"""The rows of a bucket, read from where they were staged."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from .._journal_file import JournalError
from .._secret import Secret
from .kind import Kind
from .staging import Staged
from .storage import Storage

_BLOCK = 1024 * 1024


class BucketRow(NamedTuple):
    """One row.

    Attributes:
        number: the row's number in the bucket, 1 for the first.
        line: the line it starts on in its piece.
        key: rows with the same key, usually a user's id, are sent in the order of the input.
        given: the arguments, by name.
        piece: the name of its piece.
    """

    number: int
    line: int
    key: str | None
    # May hold passwords, which must not show in a repr.
    given: Mapping[str, Any]
    piece: str


class BucketRows:
    """The rows of a bucket. Reading blocks.

    Args:
        storage: the journal's storage.
        kind: the job's kind.
        staged: where the rows are.
    """

    def __init__(self, storage: Storage, kind: Kind, staged: Sequence[Staged]) -> None:
        self._storage = storage
        self._kind = kind
        self._secrets = frozenset(kind.secrets)
        self._staged = staged

    @property
    def count(self) -> int:
        """The number of rows."""
        return sum(one.rows for one in self._staged)

    def check(self) -> None:
        """Check that they exist, before their bucket is taken over from another worker.

        Raises:
            JournalError: a newer run of the job has removed them.
        """
        if not all(self._storage.exists(one.path) for one in self._staged[:1]):
            raise JournalError(
                "a newer run of the same job has taken over its journal; this run sends nothing "
                "more"
            )

    def rows(self) -> Iterator[BucketRow]:
        """Yield the rows in the order of the input.

        Raises:
            JournalError: they cannot be read.
        """
        number = 0
        for one in self._staged:
            for text in self._lines(one):
                number += 1
                line, given = self._parsed(text, one)
                for name in self._secrets & given.keys():
                    given[name] = Secret(given[name])
                yield BucketRow(number, line, self._kind.key(given), given, one.name)

    def _parsed(self, text: bytes, one: Staged) -> tuple[int, dict[str, Any]]:
        """Return a row's line and its arguments."""
        try:
            line, given = json.loads(text)
            return line, dict(given)
        except (ValueError, TypeError):
            # The original error holds the row, with a person's data.
            raise JournalError(
                f"{self._storage.url}/{one.path}: the staged rows are damaged: run the same job "
                "again to resume"
            ) from None

    def some(self, numbers: Collection[int]) -> Iterator[BucketRow]:
        """Yield the rows with these numbers."""
        return (row for row in self.rows() if row.number in numbers)

    def _lines(self, one: Staged) -> Iterator[bytes]:
        rest = b""
        for start in range(one.start, one.end, _BLOCK):
            end = min(start + _BLOCK, one.end)
            *lines, rest = (rest + self._storage.read_range(one.path, start, end)).split(b"\n")
            yield from lines
