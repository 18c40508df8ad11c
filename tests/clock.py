"""A fake clock that advances only when the client sleeps, so that tests need not wait."""

from __future__ import annotations

import attrs

from monocloud_async import MonoCloudClient


class Clock:
    """A clock that advances only in `sleep`, which records each wait."""

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
