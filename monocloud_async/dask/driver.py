"""The driver of a run: from its input to its outcomes."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, suppress
from functools import cached_property
from typing import Any

import attrs
from distributed import Client

from .._version import __version__
from ..cli.batch.journal import SKIPPED
from ..cli.batch.stop import Stop
from ..errors import ConfigurationError
from ..retry import RetryPolicy
from .checking import staged
from .cluster import unable
from .connection import LostError, calling, lost
from .coordinator import BEGIN, END, STATE, name_of
from .dispatch import Dispatch
from .inputs import Input
from .job import Job
from .job_file import began_at, kept, key_of
from .kinds import kind_of
from .pace_notes import PaceNotes
from .plan import Bucket, planned
from .results import ClusterResult, StoppedError
from .staging import StagedPiece
from .storage import Storage
from .workplace import Workplace, why_no_keys

# Seconds between checks of the progress.
_LOOK = 0.5
_ROWS = "rows-"


@attrs.frozen
class Progress:
    """The progress of a run.

    Attributes:
        rows: the number of rows.
        counts: the number of rows by status.
        notes: lines to show: the first rows that failed, and why the run waits.
        before: how many rows earlier runs had done, of those seen so far.
    """

    rows: int
    counts: Mapping[str, int]
    notes: Sequence[str] = ()
    before: int = 0


@attrs.frozen(eq=False)
class Watcher:
    """What observes a run, and may stop it.

    Attributes:
        confirm: called with the job's kind and the staged pieces before anything is sent; raises to
            end the run.
        running: called with the number of rows; the run goes on within the context it returns.
        show: called with the progress now and then.
        stop: stops the run.
        max_failures: how many rows may fail; None for no limit.
    """

    confirm: Callable[[Any, Sequence[StagedPiece]], None]
    running: Callable[[int], AbstractAsyncContextManager[None]]
    show: Callable[[Progress], None]
    stop: Stop
    max_failures: int | None = None


class Driver:
    """Drives one run.

    Args:
        client: the Dask client, of this event loop.
        job: what to do.
        rows: the input.
        watcher: observes the run.
    """

    def __init__(self, client: Client, job: Job, rows: Input, watcher: Watcher) -> None:
        # Dask's annotations are incomplete.
        self._client: Any = client
        self._rows = rows
        self._watcher = watcher
        self._run = secrets.token_hex(4)
        self._job = attrs.evolve(job, staging=f"{_ROWS}{self._run}")
        self._paces = PaceNotes(job.domains)
        self._before = 0
        self._noted = 0

    @cached_property
    def _storage(self) -> Storage:
        return Storage(self._job.journal, self._job.storage_options)

    async def check(self) -> Sequence[StagedPiece]:
        """Check the rows and the workers' API keys, and write and send nothing.

        Raises:
            ConfigurationError: an argument is invalid, or the input has mistakes.
        """
        kind_of(self._job)
        self._job = attrs.evolve(self._job, only_checks=True)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._unregister)
            await self._prepare()
            return await staged(self._client, self._job, self._rows)

    async def run(self) -> ClusterResult:
        """Carry out the run.

        Raises:
            ConfigurationError: an argument is invalid, or the input has mistakes; nothing was sent.
            StoppedError: the run was stopped; it can be resumed.
            JournalError: the journal cannot be read or written.
        """
        kind = kind_of(self._job)
        began = await asyncio.to_thread(began_at, self._storage, time.time())
        key = await asyncio.to_thread(key_of, self._storage)
        self._job = attrs.evolve(self._job, began_at=began, key=key)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._clean_up)
            await self._prepare()
            pieces = await staged(self._client, self._job, self._rows)
            self._watcher.confirm(kind, pieces)
            file = await asyncio.to_thread(kept, self._storage, self._job, pieces)
            await asyncio.to_thread(self._take_over)
            return await self._send(pieces, planned(pieces, file.buckets))

    async def _prepare(self) -> None:
        """Prepare the cluster, and check that its workers have the API keys."""
        try:
            # First, so that the scheduler removes what a killed driver leaves.
            await self._begin()
            with calling():
                await self._client.register_plugin(Workplace(self._run, self._job))
                found: Mapping[str, str | None] = await self._client.run(why_no_keys, self._run)
        except LostError:
            raise
        # What they raise, usually because of a missing package or another version.
        except Exception as error:
            what = "the Dask scheduler or a worker cannot take part in the run"
            raise unable(what, error) from None
        for worker, why in found.items():
            if why is not None:
                raise ConfigurationError(f"worker {worker}: {why}")

    async def _begin(self) -> None:
        await self._scheduler(
            BEGIN,
            version=__version__,
            client=self._client.id,
            tenants=len(self._job.domains),
            rate=self._job.rate,
            max_retry_after=RetryPolicy().max_retry_after,
        )

    async def _send(
        self, pieces: Sequence[StagedPiece], buckets: Sequence[Bucket]
    ) -> ClusterResult:
        rows = sum(piece.rows for piece in pieces)
        dispatch = Dispatch(self._client, self._run, self._job.operation, buckets)
        async with self._watcher.running(rows):
            watching = asyncio.create_task(self._watch(dispatch, rows))
            try:
                await dispatch.run()
            finally:
                watching.cancel()
                await asyncio.gather(watching, return_exceptions=True)
            # Show the last notes, too.
            with suppress(LostError):
                await self._look(dispatch, rows)
            return self._ended(dispatch, rows, buckets)

    async def _watch(self, dispatch: Dispatch, rows: int) -> None:
        """Show the progress, and pass a request to stop on to the workers."""
        while True:
            try:
                await self._look(dispatch, rows)
            except Exception as error:
                # It may come from the caller's own function.
                dispatch.end(error)
                return
            await _wait(self._watcher.stop)

    async def _look(self, dispatch: Dispatch, rows: int) -> None:
        watcher, stop = self._watcher, self._watcher.stop
        if dispatch.failure is not None:
            stop.ask(str(dispatch.failure))
        state = await self._scheduler(STATE, stop=stop.why, at_once=stop.at_once.is_set())
        if state is None:
            # It was lost for a while, and the scheduler has stopped the workers.
            raise lost()
        dispatch.found(state["workers"], state["running"])
        notes = [*state["notes"][self._noted :], *self._paces.of(state["paces"])]
        self._noted = len(state["notes"])
        self._before = state["before"]
        watcher.show(Progress(rows, state["counts"], notes, self._before))
        if watcher.max_failures is not None and state["failures"] > watcher.max_failures:
            noun = "row" if watcher.max_failures == 1 else "rows"
            stop.ask(f"more than {watcher.max_failures} {noun} failed")
        if stop.why is not None:
            dispatch.stop(stop.why)

    def _ended(self, dispatch: Dispatch, rows: int, buckets: Sequence[Bucket]) -> ClusterResult:
        counts: Counter[str] = Counter()
        for bucket in dispatch.results.values():
            counts.update(bucket.counts)
        kind = kind_of(self._job)
        counts[SKIPPED] += rows - counts.total()
        result = ClusterResult(
            rows=rows,
            counts={status: count for status, count in counts.items() if count},
            journal=self._job.journal,
            columns=kind.shown,
            types=kind.types,
            storage_options=self._job.storage_options,
            names=[bucket.name for bucket in buckets if bucket.name in dispatch.results],
        )
        self._watcher.show(Progress(rows, result.counts, before=self._before))
        if dispatch.reasons:
            raise StoppedError("; ".join(dispatch.reasons), result) from dispatch.failure
        if any(bucket.stopped and bucket.unsent for bucket in dispatch.results.values()):
            # The driver did not stop them: the scheduler did, when it lost the driver.
            raise lost()
        return result

    async def _scheduler(self, handler: str, **members: object) -> Any:
        with calling():
            return await getattr(self._client.scheduler, handler)(run=self._run, **members)

    async def _clean_up(self) -> None:
        """Remove what only this run needs: also the staged rows, which may hold passwords."""
        await self._unregister()
        await asyncio.to_thread(self._storage.remove_tree, self._job.staging)

    def _take_over(self) -> None:
        """Remove the rows of earlier runs, which can then begin no more buckets."""
        for name in self._storage.names(""):
            if name.startswith(_ROWS) and name != self._job.staging:
                self._storage.remove_tree(name)

    async def _unregister(self) -> None:
        if self._client.status != "running":
            # Dask would try to connect for long, and the workers know that the scheduler is gone.
            return
        # The plugin may be gone from the scheduler or a worker; the run's own outcome counts.
        with suppress(Exception):
            await self._scheduler(END)
            await self._client.unregister_worker_plugin(name_of(self._run))


async def _wait(stop: Stop) -> None:
    """Wait until it is time to look again, or to stop."""
    if stop.asked.is_set():
        await asyncio.sleep(_LOOK)
        return
    with suppress(asyncio.TimeoutError):
        await asyncio.wait_for(stop.asked.wait(), _LOOK)
