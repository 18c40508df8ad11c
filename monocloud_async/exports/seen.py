"""The users that an export has had of late, which tell new rows of a list from those it knows."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from typing import NamedTuple

# How many users are remembered: some megabytes.
MOST = 20_000


class Key(NamedTuple):
    """What a user is known by.

    Attributes:
        digest: of the id.
        created: seconds since 1970; None where the list does not say.
    """

    digest: int
    created: float | None


class Seen:
    """The last users of a list that is sorted by when they were created.

    Args:
        most: how many are remembered.
        forgets: whether others, older ones, were there before.
    """

    def __init__(self, most: int = MOST, *, forgets: bool = False) -> None:
        self._most = most
        self._times: OrderedDict[int, float | None] = OrderedDict()
        self._newest: float | None = None
        self._forgets = forgets
        self._sorted = True

    def add(self, key: Key) -> None:
        """Remember a user, and forget the one that is remembered for longest."""
        self._times[key.digest] = key.created
        self._newest = _later(self._newest, key.created)
        if len(self._times) > self._most:
            self._times.popitem(last=False)
            self._forgets = True

    def is_unsorted(self) -> None:
        """Take note of a list that is not sorted after all: times tell nothing then."""
        self._sorted = False

    def has(self, key: Key) -> bool:
        """Return whether a user was there before; all that are older than those remembered were."""
        if key.digest in self._times:
            return True
        oldest = next(iter(self._times.values())) if self._forgets and self._sorted else None
        return _before(key.created, oldest)

    def joins(self, first: Key) -> bool:
        """Return whether no user is missing between those that were there and a row of the list."""
        newest = self._newest if self._sorted else None
        return self.has(first) or _before(first.created, newest)


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)


def _before(one: float | None, other: float | None) -> bool:
    return one is not None and other is not None and one < other


def digest_of(user_id: str) -> int:
    """Return what a user is known by: 8 bytes, as SQLite has room for."""
    digest = hashlib.blake2b(user_id.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big", signed=True)
