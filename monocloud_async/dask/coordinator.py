"""The coordinator of all runs on a cluster, in its scheduler: their pace, progress and end."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import attrs
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.scheduler import Scheduler

from .controller import TenantController
from .shared_pace import SharedPace

NAME = "monocloud"
# What workers and the scheduler send each other over the stream that they have already.
TURNS, PROGRESS, STOP = "monocloud-turns", "monocloud-progress", "monocloud-stop"
BEGIN, STATE, END = "monocloud_begin", "monocloud_state", "monocloud_end"
_NOTES = 20
_log = logging.getLogger("monocloud")


@attrs.define(eq=False)
class _Run:
    """A run on the cluster.

    Attributes:
        client: the id of the Dask client that drives it.
        controllers: the controller of each tenant.
        counts: how many rows of each bucket have which status.
        workers: the workers that take part.
        notes: lines for the driver, which it has not read yet.
        why: why the run must stop; None while it goes on.
    """

    client: str
    controllers: Sequence[TenantController]
    counts: dict[str, Mapping[str, int]] = attrs.field(factory=dict[str, Mapping[str, int]])
    workers: set[str] = attrs.field(factory=set[str])
    notes: list[str] = attrs.field(factory=list[str])
    noted: int = 0
    why: str | None = None

    def note(self, lines: Sequence[str]) -> None:
        """Keep lines for the driver."""
        self.notes += lines
        self.noted += len(lines)


class Coordinator(SchedulerPlugin):
    """Coordinates all runs on a cluster. It does no I/O of its own, and holds no key."""

    idempotent = True
    name = NAME

    def __init__(self) -> None:
        self._runs: dict[str, _Run] = {}

    async def start(self, scheduler: Scheduler) -> None:
        """Take messages from workers and drivers."""
        self._scheduler = scheduler
        scheduler.stream_handlers[TURNS] = self._turns
        scheduler.stream_handlers[PROGRESS] = self._progress
        scheduler.handlers[BEGIN] = self._begin
        scheduler.handlers[STATE] = self._state
        scheduler.handlers[END] = self._end

    def remove_worker(
        self,
        scheduler: Scheduler,  # noqa: ARG002
        worker: str,
        **_: object,
    ) -> None:
        """Take back what a worker that is gone had."""
        for run in self._runs.values():
            run.workers.discard(worker)
            for controller in run.controllers:
                controller.leave(worker)

    def remove_client(
        self,
        scheduler: Scheduler,  # noqa: ARG002
        client: str,
    ) -> None:
        """Stop the runs of a driver that is gone."""
        for name, run in list(self._runs.items()):
            if run.client == client:
                self._stop(name, "the driver of the run is gone")
                self._end(name)

    def _begin(
        self, run: str, client: str, tenants: int, rate: float | None, max_retry_after: float
    ) -> None:
        """Begin a run; called by its driver."""
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
        if (found := self._runs.get(run)) is None:
            return
        try:
            found.controllers[tenant].told(worker, **message)
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
    ) -> None:
        """Take the counts of a bucket, which its worker sends for the first time as it begins."""
        found = self._runs.get(run)
        if found is None or found.why is not None:
            self._tell_to_stop(run, worker, found.why if found else "the run has ended")
        if found is not None:
            found.workers.add(worker)
            found.counts[bucket] = counts
            found.note(notes[: max(0, _NOTES - found.noted)])

    def _state(self, run: str, stop: str | None = None) -> Mapping[str, Any]:
        """Return the state of a run, after stopping it if asked to; called by its driver."""
        found = self._runs[run]
        if stop is not None and found.why is None:
            self._stop(run, stop)
        total: Counter[str] = Counter()
        for counts in found.counts.values():
            total.update(counts)
        notes, found.notes = found.notes, []
        return {
            "counts": dict(total),
            "notes": notes,
            "paces": [controller.state() for controller in found.controllers],
            "workers": list(self._scheduler.workers),
        }

    def _stop(self, run: str, why: str) -> None:
        found = self._runs[run]
        found.why = why
        for worker in found.workers:
            self._tell_to_stop(run, worker, why)

    def _tell_to_stop(self, run: str, worker: str, why: str | None) -> None:
        self._scheduler.worker_send(worker, {"op": STOP, "run": run, "why": why})

    def _end(self, run: str) -> None:
        """Forget a run; called by its driver."""
        if found := self._runs.pop(run, None):
            for controller in found.controllers:
                controller.close()
