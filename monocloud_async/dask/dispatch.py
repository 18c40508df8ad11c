"""Dispatch: hands the buckets of a run to the workers of a cluster."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Any

from distributed import Client, KilledWorker

from ..errors import MonoCloudError
from .bucket import BucketResult
from .connection import LostError, awaiting
from .places import Place, Places
from .plan import Bucket
from .workplace import send_on_worker

# Two buckets at a time keep a worker busy while one of them begins or ends.
_AT_ONCE = 2
# How many workers may die over the same rows before the run gives up.
_MOST_DEATHS = 20


class Dispatch:
    """Hands out buckets, always a few of each tenant, so that no slow one holds up others.

    Args:
        client: the Dask client.
        run: the run's id.
        operation: the name of the tasks on Dask's dashboard.
        buckets: the buckets.

    Attributes:
        results: how the buckets ended, by name.
        failure: the error that stopped the run, if one did.
    """

    def __init__(self, client: Client, run: str, operation: str, buckets: Sequence[Bucket]) -> None:
        # Dask's annotations are incomplete.
        self._client: Any = client
        self._run = run
        self._operation = operation
        self._waiting: dict[int, deque[Bucket]] = {}
        for bucket in buckets:
            self._waiting.setdefault(bucket.tenant, deque()).append(bucket)
        self._open: Counter[int] = Counter()
        self._places = Places()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._stopped: dict[int, str] = {}
        self.results: dict[str, BucketResult] = {}
        self.failure: MonoCloudError | None = None
        self._error: Exception | None = None

    async def run(self) -> None:
        """Send all buckets.

        Raises:
            LostError: the connection to the scheduler is lost.
            Exception: what ``end`` was given.
        """
        self._fill()
        try:
            await self._ended.wait()
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._error is not None:
            raise self._error

    def found(self, workers: Sequence[str], running: Sequence[str]) -> None:
        """Update the workers of the cluster: all of them, and those that take tasks."""
        if self._places.found(workers, running):
            self._fill()

    def end(self, error: Exception) -> None:
        """End at once, with an error."""
        self._error = self._error or error
        self._ended.set()

    def stop(self, why: str) -> None:
        """Send no more rows. Buckets that were not begun are still opened, to count their rows."""
        for tenant in self._waiting:
            self._stopped.setdefault(tenant, why)
        if not self._places.count:
            # Do not wait for workers only to count.
            self._ended.set()

    @property
    def reasons(self) -> Sequence[str]:
        """Why tenants were stopped, each reason once."""
        return list(dict.fromkeys(self._stopped.values()))

    def _fill(self) -> None:
        for bucket in self._next():
            self._open[bucket.tenant] += 1
            task = asyncio.create_task(self._send(bucket))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        if not self._open.total() and not any(self._waiting.values()):
            self._ended.set()

    def _next(self) -> Iterator[Bucket]:
        """Yield the buckets to begin now."""
        while tenants := [t for t, waiting in self._waiting.items() if waiting]:
            tenant = min(tenants, key=lambda one: self._open[one])
            active = len(tenants) + sum(
                1 for t, n in self._open.items() if n and not self._waiting[t]
            )
            most = max(1, -(-_AT_ONCE * max(1, self._places.count) // active))
            if self._open[tenant] >= most:
                return
            yield self._waiting[tenant].popleft()

    async def _send(self, bucket: Bucket) -> None:
        try:
            result = await self._result(bucket)
        except LostError as error:
            self.end(error)
            return
        except Exception as error:
            self.failure = self.failure or _explained(error)
            self.stop(str(self.failure))
        else:
            self.results[bucket.name] = result
            if result.fatal:
                self._stopped.setdefault(bucket.tenant, result.fatal)
        finally:
            self._open[bucket.tenant] -= 1
        self._fill()

    async def _result(self, bucket: Bucket) -> BucketResult:
        for attempt in range(_MOST_DEATHS):
            place = await self._places.idlest()
            place.buckets += 1
            try:
                if (found := await self._on(place, bucket, attempt)) is not None:
                    return found
            finally:
                place.buckets -= 1
        raise MonoCloudError(
            f"workers died again and again while they sent the rows of {bucket.name}: see their "
            "logs, for example for a memory limit, then run the same job again to resume"
        )

    async def _on(self, place: Place, bucket: Bucket, attempt: int) -> BucketResult | None:
        """Send a bucket on a worker, and return None if the worker dies."""
        future = self._client.submit(
            send_on_worker,
            self._run,
            bucket,
            self._stopped.get(bucket.tenant),
            key=f"{self._operation}-{self._run}-{bucket.name}-{attempt}",
            # On this worker only: to Dask, workers that send look idle, and it would overload them.
            workers=[place.address],
            pure=False,
        )
        sending = asyncio.ensure_future(_awaited(future))
        gone = asyncio.ensure_future(place.gone.wait())
        try:
            await asyncio.wait((sending, gone), return_when=asyncio.FIRST_COMPLETED)
            return sending.result() if sending.done() else None
        finally:
            sending.cancel()
            gone.cancel()
            future.release()


def _explained(error: Exception) -> MonoCloudError:
    """Return the error of a task; one that is not the SDK's is explained."""
    if isinstance(error, MonoCloudError):
        return error
    found = MonoCloudError(
        f"a worker failed: {type(error).__name__}: {error}: see its logs, then run the same job "
        "again to resume"
    )
    found.__cause__ = error
    return found


async def _awaited(future: Any) -> BucketResult | None:
    with suppress(KilledWorker), awaiting():
        found: BucketResult = await future
        return found
    return None
