"""The workers of a cluster, and how many buckets of a run each of them has."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

import attrs


@attrs.define(eq=False)
class Place:
    """A worker.

    Attributes:
        address: its address.
        gone: set when the cluster has lost it.
        buckets: the number of buckets that it has.
    """

    address: str
    gone: asyncio.Event = attrs.field(factory=asyncio.Event)
    buckets: int = 0


class Places:
    """The workers that take buckets."""

    def __init__(self) -> None:
        self._all: dict[str, Place] = {}
        self._running: list[Place] = []
        self._some = asyncio.Event()

    @property
    def count(self) -> int:
        """The number of workers that take buckets."""
        return len(self._running)

    def found(self, workers: Collection[str], running: Collection[str]) -> bool:
        """Update the workers of the cluster, and return whether other ones take buckets now.

        Args:
            workers: the addresses of all.
            running: the addresses of those that are neither paused nor about to leave.
        """
        for address in self._all.keys() - set(workers):
            self._all.pop(address).gone.set()
        for address in workers:
            self._all.setdefault(address, Place(address))
        before, self._running = self._running, [self._all[address] for address in running]
        if self._running:
            self._some.set()
        else:
            self._some.clear()
        return {id(place) for place in before} != {id(place) for place in self._running}

    async def idlest(self) -> Place:
        """Return the worker that has the fewest buckets, as soon as there is one."""
        while not self._running:
            await self._some.wait()
        return min(self._running, key=lambda place: place.buckets)
