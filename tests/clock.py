"""A clock that only waits move: what a client waits for is read from it, not sat out."""

from __future__ import annotations

import attrs

from monocloud_async import MonoCloudClient


class Clock:
    """A clock that only waits move, and a sleep that keeps what it was asked."""

    def __init__(self) -> None:
        self.now = 0.0
        self.waits: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds


def timed(client: MonoCloudClient, clock: Clock) -> MonoCloudClient:
    client._use(attrs.evolve(client._caller, clock=clock, sleep=clock.sleep), owner=True)
    return client
