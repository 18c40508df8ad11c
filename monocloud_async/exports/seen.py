"""The users that an export saw recently, to tell new rows of the list from known ones."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

# The number of users to remember, which takes a few megabytes.
MOST = 20_000


class Key(NamedTuple):
    """The key that identifies a user.

    Attributes:
        digest: a digest of the id.
        created: seconds since 1970. None if the list does not say.
    """

    digest: int
    created: float | None


class Seen:
    """The most recent users of a list that is sorted by creation time.

    Args:
        most: how many users to remember.
        forgets: whether there were older users that are no longer remembered.
    """

    def __init__(self, most: int = MOST, *, forgets: bool = False) -> None:
        self._most = most
        self._times: OrderedDict[int, float | None] = OrderedDict()
        self._newest: float | None = None
        self._forgets = forgets
        self._sorted = True

    def add(self, key: Key) -> None:
        """Remember a user, and forget the oldest if there are too many."""
        self._times[key.digest] = key.created
        self._newest = _later(self._newest, key.created)
        if len(self._times) > self._most:
            self._times.popitem(last=False)
            self._forgets = True

    def is_unsorted(self) -> None:
        """Record that the list is not sorted after all, so creation times are meaningless."""
        self._sorted = False

    def has(self, key: Key) -> bool:
        """Return whether a user was seen; users older than all remembered ones count as seen."""
        if key.digest in self._times:
            return True
        oldest = next(iter(self._times.values())) if self._forgets and self._sorted else None
        return _before(key.created, oldest)

    def joins(self, first: Key) -> bool:
        """Return whether a row continues the known users without a gap."""
        newest = self._newest if self._sorted else None
        return self.has(first) or _before(first.created, newest)


def _later(first: float | None, second: float | None) -> float | None:
    if first is None or second is None:
        return second if first is None else first
    return max(first, second)


def _before(first: float | None, second: float | None) -> bool:
    return first is not None and second is not None and first < second


def digest_of(user_id: str) -> int:
    """Return an 8-byte digest of a user's id, which fits an SQLite integer."""
    digest = hashlib.blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
