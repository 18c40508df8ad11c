"""The coordinator of all runs on a cluster, in its scheduler: their pace, progress and end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, cast

import attrs
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.scheduler import Scheduler

from .._version import __version__
from ..errors import ConfigurationError
from .controller import TenantController
from .shared_pace import SharedPace

NAME = "monocloud"
# The messages that workers and the scheduler exchange over their existing stream.
TURNS, PROGRESS, STOP = "monocloud-turns", "monocloud-progress", "monocloud-stop"
BEGIN, STATE, END = "monocloud_begin", "monocloud_state", "monocloud_end"
# How many failed rows of a run are shown.
NOTES = 20
_NO_MORE = "Not showing further failures; the results have them all."
_log = logging.getLogger("monocloud")


def name_of(run: str) -> str:
    """Return the name of a run's worker plugin."""
    return f"{NAME}-{run}"


def check_version(version: str) -> None:
    """Check that a driver uses this version of the SDK.

    Raises:
        ConfigurationError: it uses another one.
    """
    if version != __version__:
        raise ConfigurationError(f"monocloud is {__version__} there and {version} here")


@attrs.define(eq=False)
class _Run:
    """A run on the cluster.

    Attributes:
        client: the id of the Dask client that drives it.
        controllers: the controller of each tenant.
        counts: how many rows of each bucket have which status.
        before: how many rows of each bucket were done before this run.
        failures: how many rows of each bucket have failed in this run, but not before.
        workers: the workers that take part.
        notes: lines for the driver, all of the run.
        why: why the run must stop; None while it goes on.
        at_once: whether calls in flight are cut off, too.
    """

    client: str
    controllers: Sequence[TenantController]
    counts: dict[str, Mapping[str, int]] = attrs.field(factory=dict[str, Mapping[str, int]])
    before: dict[str, int] = attrs.field(factory=dict[str, int])
    failures: dict[str, int] = attrs.field(factory=dict[str, int])
    workers: set[str] = attrs.field(factory=set[str])
    notes: list[str] = attrs.field(factory=list[str])
    noted: int = 0
    why: str | None = None
    at_once: bool = False

    def note(self, lines: Sequence[str]) -> None:
        """Keep lines for the driver, unless there were many."""
        left = NOTES - self.noted
        self.notes += lines[: max(0, left)]
        self.noted += len(lines)
        if 0 < left <= len(lines):
            self.notes.append(_NO_MORE)


class Coordinator(SchedulerPlugin):
    """Coordinates all runs on a cluster. It does no I/O of its own, and holds no key."""

    idempotent = True
    name = NAME

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}
        # Tasks of the event loop, which itself keeps weak references only.
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, scheduler: Scheduler) -> None:
        """Take messages from workers and drivers."""
        self._scheduler = scheduler
        # Dask's annotations are incomplete.
        untyped = cast("Any", scheduler)
        untyped.stream_handlers[TURNS] = self._turns
        untyped.stream_handlers[PROGRESS] = self._progress
        untyped.handlers[BEGIN] = self._begin
        untyped.handlers[STATE] = self._state
        untyped.handlers[END] = self._end

    def remove_worker(
        self,
        scheduler: Scheduler,  # noqa: ARG002
        worker: str,
        **_: object,
    ) -> None:
        """Take back the turns of a worker that has left."""
        for run in self._runs.values():
            run.workers.discard(worker)
            for controller in run.controllers:
                controller.leave(worker)

    def remove_client(
        self,
        scheduler: Scheduler,  # noqa: ARG002
        client: str,
    ) -> None:
        """Stop the runs of a driver that has left."""
        for name, run in list(self._runs.items()):
            if run.client == client:
                self._stop(name, "the driver of the run is gone")
                self._end(name)
                task = asyncio.ensure_future(self._unregister(name))
                self._tasks.add(task)
                task.add_done_callback(self._tasks.discard)

    async def _unregister(self, run: str) -> None:
        """Remove a run's plugin from all workers, as its driver would."""
        # The plugin may be gone already, and so may workers.
        with suppress(ValueError, OSError):
            await self._scheduler.unregister_worker_plugin(None, name_of(run))

    def _begin(
        self,
        run: str,
        version: str,
        client: str,
        tenants: int,
        rate: float | None,
        max_retry_after: float,
    ) -> None:
        """Begin a run; called by its driver."""
        check_version(version)
        clock = time.monotonic
        self._runs[run] = _Run(
            client,
            [
                TenantController(
                    SharedPace(rate, max_retry_after=max_retry_after, now=clock()),
                    partial(self._push, run, tenant),
                    clock,
                )
                for tenant in range(tenants)
            ],
        )

    def _push(self, run: str, tenant: int, worker: str, message: Mapping[str, Any]) -> None:
        whole = {"op": TURNS, "run": run, "tenant": tenant, "message": message}
        self._scheduler.worker_send(worker, whole)

    def _turns(self, worker: str, run: str, tenant: int, message: Mapping[str, Any]) -> None:
        """Take a message of a worker's gate."""
        if (found := self._runs.get(run)) is None or worker not in self._scheduler.workers:
            return
        try:
            found.controllers[tenant].receive(worker, **message)
        except Exception:
            # An error here would cut the worker off.
            _log.exception("cannot take a message of the worker %s", worker)

    def _progress(
        self,
        worker: str,
        run: str,
        bucket: str,
        counts: Mapping[str, int],
        notes: Sequence[str] = (),
        before: int | None = None,
        failures: int = 0,
    ) -> None:
        """Take the counts of a bucket, which its worker first sends as it begins."""
        if worker not in self._scheduler.workers:
            # It has just been removed.
            return
        found = self._runs.get(run)
        if found is None or found.why is not None:
            self._tell_to_stop(run, worker, found.why if found else "the run has ended")
        if found is not None:
            found.workers.add(worker)
            found.counts[bucket] = counts
            found.note(notes)
            if before is not None:
                # A later attempt in the same run also finds what this run has done.
                found.before.setdefault(bucket, before)
            found.failures[bucket] = failures

    def _state(
        self, run: str, stop: str | None = None, at_once: bool = False
    ) -> Mapping[str, Any] | None:
        """Return the state of a run, after stopping it if asked to; called by its driver.

        It is None if the run has ended: the scheduler has lost the driver in the meantime.
        """
        if (found := self._runs.get(run)) is None:
            return None
        if stop is not None and (found.why is None or (at_once and not found.at_once)):
            self._stop(run, stop, at_once=at_once)
        total: Counter[str] = Counter()
        for counts in found.counts.values():
            total.update(counts)
        return {
            "counts": dict(total),
            "notes": found.notes,
            "before": sum(found.before.values()),
            "failures": sum(found.failures.values()),
            "paces": [controller.state() for controller in found.controllers],
            "workers": list(self._scheduler.workers),
            "running": [worker.address for worker in self._scheduler.running],
        }

    def _stop(self, run: str, why: str, *, at_once: bool = False) -> None:
        found = self._runs[run]
        found.why, found.at_once = why, at_once
        for worker in found.workers:
            self._tell_to_stop(run, worker, why, at_once=at_once)

    def _tell_to_stop(
        self, run: str, worker: str, why: str | None, *, at_once: bool = False
    ) -> None:
        message = {"op": STOP, "run": run, "why": why, "at_once": at_once}
        self._scheduler.worker_send(worker, message)

    def _end(self, run: str) -> None:
        """Forget a run; called by its driver."""
        if found := self._runs.pop(run, None):
            for controller in found.controllers:
                controller.close()
