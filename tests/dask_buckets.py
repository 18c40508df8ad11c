"""Buckets without a cluster: where rows are staged, and attempts at a bucket."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import Any

from monocloud_async import MonoCloudClient, bulk
from monocloud_async.cli.batch.stop import Stop
from monocloud_async.cli.batch.tally import Tally
from monocloud_async.dask.bucket import BucketResult
from monocloud_async.dask.job import Job
from monocloud_async.dask.plan import planned
from monocloud_async.dask.staging import Slot, Staged, StagedPiece, stage_rows

Send = Callable[..., Coroutine[Any, Any, BucketResult]]


def by_slot(staged: Iterable[StagedPiece]) -> dict[Slot, list[Staged]]:
    """Where the rows of each slot are, in the order of the input."""
    found: dict[Slot, list[Staged]] = {}
    for piece in staged:
        for segment in piece.segments:
            for slot, (start, end, rows) in segment.index.items():
                one = Staged(piece.name, segment.path, start, end, rows)
                found.setdefault(slot, []).append(one)
    return found


class Attempt:
    """One attempt of the only bucket's task.

    Attributes:
        counts: the rows by status, as its observer saw them.
        settled: called with each row's new status.
    """

    def __init__(self, send: Send, job: Job, rows: Sequence[Mapping[str, Any]]) -> None:
        self._send = send
        self._job = job
        staged = stage_rows(job, 0, "partition 0", rows)
        assert staged.mistakes == ()
        (self._bucket,) = planned([staged], {0: 1})
        self.stop = Stop()
        self.settled: Callable[[str], None] = lambda _: None
        self._tally = Tally(0)

    async def run(self, client: MonoCloudClient) -> BucketResult:
        return await self._send(self._job, self._bucket, client, self._start, self.stop, self)

    def _start(self, method: Any, rows: Any, stopped: Callable[[], bool]) -> Any:
        concurrency = self._job.concurrency
        return bulk.start(method, rows, concurrency=concurrency, rate=None, stopped=stopped)

    @property
    def counts(self) -> Counter[str]:
        return Counter(self._tally.counts)

    # What a bucket's observer has.

    def begun(self, tally: Tally) -> None:
        self._tally = tally
        for status, count in tally.counts.items():
            for _ in range(count):
                self.settled(status)

    def moved(self, status: str) -> None:
        self.settled(status)

    def failed(self, text: str) -> None:
        pass
