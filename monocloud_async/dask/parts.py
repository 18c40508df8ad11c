"""The parts of a bucket's journal: small objects that are never changed.

Each attempt of a bucket's task first writes a claim, then reads what all attempts before it wrote.
An attempt that finds a newer claim stops: its worker was cut off, and another has taken over. Names
begin with the attempt's epoch, so sorted by name the objects are in the order of the attempts.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .._journal_file import JournalError
from .storage import Storage

_CLAIM, _PART = ".claim", ".json"


class FencedError(JournalError):
    """A newer attempt of the same bucket's task has taken over."""


class Parts:
    """The parts of a bucket, as one attempt sees them.

    Args:
        storage: the journal's storage.
        directory: where the bucket's parts are.
        now: the time in nanoseconds since 1970.

    Attributes:
        epoch: the name of this attempt.

    Raises:
        JournalError: the claim cannot be written.
    """

    def __init__(self, storage: Storage, directory: str, now: int) -> None:
        self._storage = storage
        self._directory = directory
        # Claims are kept apart from the parts, because they are listed often.
        self._claims_directory = f"{directory}/claims"
        self._written = 0
        self.epoch: str = self._claim(now)

    def _claim(self, now: int) -> str:
        claims = self._claims()
        # Clocks differ between machines, but this attempt is newer than all it finds.
        newest = int(claims[-1].partition("-")[0]) if claims else 0
        epoch = f"{max(now, newest + 1):020}-{secrets.token_hex(4)}"
        self._storage.write(f"{self._claims_directory}/{epoch}{_CLAIM}", b"{}")
        return epoch

    def _claims(self) -> Sequence[str]:
        return [name.removesuffix(_CLAIM) for name in self._storage.names(self._claims_directory)]

    def replay(self, take: Callable[[Any], None]) -> None:
        """Pass the content of all parts on in order.

        Args:
            take: takes the content of a part. If it raises ValueError, TypeError or KeyError, the
                content is not that of a part.

        Raises:
            JournalError: a part cannot be read, or something else is in its place.
        """
        found = self._storage.names(self._directory)
        names = [f"{self._directory}/{name}" for name in found if name.endswith(_PART)]
        for name, content in zip(names, self._storage.read_all(names), strict=True):
            try:
                take(json.loads(content))
            except (ValueError, TypeError, KeyError):
                raise JournalError(
                    f"{self._storage.url}/{name} is not part of a journal: remove the journal's "
                    "directory, or use another one"
                ) from None

    def write(self, content: Mapping[str, Any]) -> None:
        """Write a part.

        Raises:
            JournalError: it cannot be written.
        """
        name = f"{self._directory}/{self.epoch}-{self._written:06}{_PART}"
        self._storage.write(name, json.dumps(content, separators=(",", ":")).encode())
        self._written += 1

    def check(self) -> None:
        """Check that no newer attempt has taken over.

        Raises:
            FencedError: one has.
        """
        if max(self._claims(), default=self.epoch) > self.epoch:
            raise FencedError(
                f"another worker has taken over {self._directory}: a newer run uses the journal, "
                "or this worker was cut off from the scheduler; it sends nothing more"
            )
