"""The journal of a bucket: outcomes in small objects that are never changed."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..cli.batch.journal import Entry, Journal, Subject
from ..cli.batch.recorder import Limits
from .parts import FencedError, Parts
from .storage import Storage

__all__ = ["OF_PARTS", "FencedError", "PartJournal"]

# Together with the outcomes not yet taken from the run, at most 400 outcomes and the calls in
# flight are lost with a worker.
OF_PARTS = Limits(due=200, seconds=1.0, behind=360)


class PartJournal(Journal):
    """A temporary journal with all outcomes of a bucket, which it also writes to storage.

    Args:
        storage: the journal's storage.
        directory: where the bucket's parts are.
        subject: what it belongs to.
        clock: returns the time in nanoseconds since 1970.

    Raises:
        JournalError: the parts cannot be read, or the claim cannot be written.
    """

    def __init__(
        self,
        storage: Storage,
        directory: str,
        subject: Subject,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        super().__init__(None, subject)
        try:
            self._parts = Parts(storage, directory, clock())
            self._parts.replay(self._replay)
            self._resume()
        except BaseException:
            self.close()
            raise

    @property
    def epoch(self) -> str:
        """The name of this attempt."""
        return self._parts.epoch

    def _replay(self, part: Any) -> None:
        entries = [Entry(*each) for each in part["entries"]]
        if part["begun"]:
            super().begin(part["begun"], entries)
        else:
            super().settle(entries, part["unsent"])

    def record(self, entries: Iterable[Entry]) -> None:
        found = list(entries)
        self._write(found)
        super().record(found)
        self.check()

    def begin(self, numbers: Sequence[int], again: Iterable[Entry]) -> None:
        found = list(again)
        self._write(found, begun=numbers)
        super().begin(numbers, found)

    def settle(self, entries: Iterable[Entry], unsent: Iterable[int]) -> None:
        found, numbers = list(entries), list(unsent)
        if found or numbers:
            self._write(found, unsent=numbers)
        super().settle(found, numbers)

    def check(self) -> None:
        """Check that no newer attempt has taken over.

        Raises:
            FencedError: one has.
        """
        self._parts.check()

    def _write(
        self, entries: Sequence[Entry], *, begun: Sequence[int] = (), unsent: Sequence[int] = ()
    ) -> None:
        self._parts.write({"entries": entries, "begun": begun, "unsent": unsent})
