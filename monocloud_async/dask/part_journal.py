"""The journal of a bucket: outcomes in small objects that are never changed.

Each attempt of a bucket's task first writes a claim, then reads what all attempts before it wrote.
An attempt that finds a newer claim stops: its worker was cut off, and another has taken over. Names
begin with the attempt's epoch, so sorted by name the objects are in the order of the attempts.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from .._journal_file import JournalError
from ..cli.batch.journal import Entry, Journal, Subject
from ..cli.batch.recorder import Limits
from .storage import Storage

# Together with the outcomes not yet taken from the run, at most 400 outcomes and the calls in
# flight are lost with a worker.
OF_PARTS = Limits(due=200, seconds=1.0, behind=360)
_CLAIM, _PART = ".claim", ".json"


class FencedError(JournalError):
    """A newer attempt of the same bucket's task has taken over."""


class PartJournal(Journal):
    """A temporary journal with all outcomes of a bucket, which it also writes to storage.

    Args:
        storage: the journal's storage.
        directory: where the bucket's parts are.
        subject: what it belongs to.
        clock: returns the time in nanoseconds since 1970.

    Attributes:
        epoch: the name of this attempt.

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
        self._storage = storage
        self._directory = directory
        # Apart from the parts, since it is listed often.
        self._claims_directory = f"{directory}/claims"
        self._written = 0
        try:
            self.epoch: str = self._claim(clock())
            self._fill()
        except BaseException:
            self.close()
            raise

    def _claim(self, now: int) -> str:
        claims = self._claims()
        # Clocks differ between machines, but this attempt is newer than all it finds.
        newest = int(claims[-1].partition("-")[0]) if claims else 0
        epoch = f"{max(now, newest + 1):020}-{secrets.token_hex(4)}"
        self._storage.write(f"{self._claims_directory}/{epoch}{_CLAIM}", b"{}")
        return epoch

    def _claims(self) -> Sequence[str]:
        return [name.removesuffix(_CLAIM) for name in self._storage.names(self._claims_directory)]

    def _fill(self) -> None:
        found = self._storage.names(self._directory)
        names = [f"{self._directory}/{name}" for name in found if name.endswith(_PART)]
        for name, content in zip(names, self._storage.read_all(names), strict=True):
            self._replay(name, content)
        self._resume()

    def _replay(self, name: str, content: bytes) -> None:
        try:
            part = json.loads(content)
            entries = [Entry(*each) for each in part["entries"]]
            begun, unsent = part["begun"], part["unsent"]
        except (ValueError, TypeError, KeyError):
            raise JournalError(
                f"{self._storage.url}/{name} is not part of a journal: remove the journal's "
                "directory, or use another one"
            ) from None
        if begun:
            super().begin(begun, entries)
        else:
            super().settle(entries, unsent)

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
        if max(self._claims(), default=self.epoch) > self.epoch:
            raise FencedError(
                f"another worker has taken over {self._directory}: this one was cut off from the "
                "scheduler and sends nothing more"
            )

    def _write(
        self, entries: Sequence[Entry], *, begun: Sequence[int] = (), unsent: Sequence[int] = ()
    ) -> None:
        part: dict[str, Any] = {"entries": entries, "begun": begun, "unsent": unsent}
        name = f"{self._directory}/{self.epoch}-{self._written:06}{_PART}"
        self._storage.write(name, json.dumps(part, separators=(",", ":")).encode())
        self._written += 1
