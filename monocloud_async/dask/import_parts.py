"""The journal of a bucket of an import: how far each row got, in small objects."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Any

from ..imports.journal import Entry, ImportJournal
from ..imports.recorder import Limits
from .parts import Parts
from .storage import Storage

OF_PARTS = Limits(due=200, seconds=1.0)


class ImportPartJournal(ImportJournal):
    """A temporary journal with all entries of a bucket, which it also writes to storage.

    ``has_other`` knows the users of this bucket only, which is enough: rows that share an
    identifier are refused before anything is sent, so no user that a row of another bucket created
    has an identifier by which a row of this one could find it.

    Args:
        storage: the journal's storage.
        directory: where the bucket's parts are.
        origin: the tenant's origin.
        key: the key of the digests of rows.
        began_at: when the import started, in seconds since 1970.
        clock: returns the time in nanoseconds since 1970.

    Raises:
        JournalError: the parts cannot be read, or the claim cannot be written.
    """

    def __init__(
        self,
        storage: Storage,
        directory: str,
        origin: str,
        key: bytes,
        began_at: float,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(None, origin)
        self._key = key
        self.began_at = began_at
        try:
            self._parts = Parts(storage, directory, clock())
            self._parts.replay(self._replay)
        except BaseException:
            self.close()
            raise

    def _replay(self, part: Any) -> None:
        entries = [
            Entry(number, bytes.fromhex(digest), *rest) for number, digest, *rest in part["entries"]
        ]
        if entries:
            super().record(entries)
        if part["begun"] > self.begun:
            super().begin(part["begun"])

    def begin(self, rows: int) -> None:
        """Record the number of rows that may be started.

        Raises:
            FencedError: a newer attempt of the bucket has taken over.
            JournalError: the journal cannot be written.
        """
        self._parts.write({"entries": [], "begun": rows})
        super().begin(rows)
        self.check()

    def record(self, entries: Sequence[Entry]) -> None:
        """Write entries, replacing earlier entries of the same rows.

        Raises:
            FencedError: a newer attempt of the bucket has taken over.
            JournalError: the journal cannot be written.
        """
        plain = [(number, digest.hex(), *rest) for number, digest, *rest in entries]
        self._parts.write({"entries": plain, "begun": 0})
        super().record(entries)
        self.check()

    def check(self) -> None:
        """Check that no newer attempt has taken over.

        Raises:
            FencedError: one has.
        """
        self._parts.check()

    def numbers(self, status: str) -> Collection[int]:
        """Return the numbers of the rows with a status."""
        with self._reporting_errors():
            found = self._db.execute("SELECT number FROM entry WHERE status = ?", (status,))
            return {number for (number,) in found}
