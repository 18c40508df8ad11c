"""Dispatch: hands the buckets of a run to the workers of a cluster."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Iterator, Sequence
from typing import Any

from distributed import Client, KilledWorker

from ..errors import MonoCloudError
from .bucket import BucketResult
from .connection import LostError, awaiting
from .plan import Bucket
from .workplace import send_on_worker

# Two buckets at a time keep a worker busy while one of them begins or ends.
_AT_ONCE = 2
# Workers may die, but not for ever over the same rows.
_MOST_DEATHS = 10


class Dispatch:
    """Hands out buckets, at all times a few of each tenant: a slow one does not hold up others.

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
        self._workers: Counter[str] = Counter()
        self._tasks: set[asyncio.Task[None]] = set()
        self._ended = asyncio.Event()
        self._stopped: dict[int, str] = {}
        self.results: dict[str, BucketResult] = {}
        self.failure: Exception | None = None
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

    def found(self, workers: Sequence[str]) -> None:
        """Take the workers that the cluster has now."""
        if set(workers) != set(self._workers):
            self._workers = Counter({worker: self._workers[worker] for worker in workers})
            self._fill()

    def end(self, error: Exception) -> None:
        """End at once, with an error."""
        self._error = self._error or error
        self._ended.set()

    def stop(self, why: str) -> None:
        """Send no more rows. Buckets that were not begun are still opened, to count their rows."""
        for tenant in self._waiting:
            self._stopped.setdefault(tenant, why)

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
            most = max(1, -(-_AT_ONCE * max(1, len(self._workers)) // active))
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
            self.failure = self.failure or error
            self.stop(str(error))
        else:
            self.results[bucket.name] = result
            if result.fatal:
                self._stopped.setdefault(bucket.tenant, result.fatal)
        finally:
            self._open[bucket.tenant] -= 1
        self._fill()

    async def _result(self, bucket: Bucket) -> BucketResult:
        for death in range(_MOST_DEATHS):
            worker = self._idlest()
            future = self._client.submit(
                send_on_worker,
                self._run,
                bucket,
                self._stopped.get(bucket.tenant),
                key=f"{self._operation}-{self._run}-{bucket.name}-{death}",
                workers=[worker] if worker else None,
                allow_other_workers=bool(worker),
                pure=False,
            )
            self._workers[worker] += 1
            try:
                with awaiting():
                    found: BucketResult = await future
                return found
            except KilledWorker:
                continue
            finally:
                if worker in self._workers:
                    self._workers[worker] -= 1
        raise MonoCloudError(
            f"workers died again and again while they sent the rows of {bucket.name}: see their "
            "logs, for example for a memory limit, then run the same job again to resume"
        )

    def _idlest(self) -> str:
        return min(self._workers, key=lambda one: self._workers[one], default="")
