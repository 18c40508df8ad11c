"""The workplace of a run in a worker process: clients, gates, and the buckets it works on."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

import attrs
from distributed import Worker, get_worker, secede
from distributed.diagnostics.plugin import WorkerPlugin

from .._secret import Secret
from .._version import __version__
from ..bulk import start
from ..bulk.run import Run
from ..cli.batch.stop import Stop
from ..cli.batch.tally import Tally
from ..client import MonoCloudClient
from ..errors import ConfigurationError, MonoCloudError
from ..retry import RetryPolicy
from .bucket import BucketResult, send_bucket
from .coordinator import NOTES, PROGRESS, STOP, TURNS, check_version, name_of
from .import_bucket import import_bucket
from .job import Job, read_key
from .leased_gate import LeasedGate
from .plan import Bucket
from .task import task

# Seconds between messages about the progress.
_PROGRESS = 0.25
_LOST = "the connection to the Dask scheduler is lost; run the same job again to resume"


class Workplace(WorkerPlugin):
    """What a worker process needs for a run. Its pickle holds no key: each worker reads its own.

    Args:
        run: the run's id.
        job: what to do.
    """

    def __init__(self, run: str, job: Job) -> None:
        self.name: str = name_of(run)
        self._run = run
        self._job = job
        self._version = __version__

    async def setup(self, worker: Worker) -> None:
        """Listen to the coordinator.

        Raises:
            ConfigurationError: the worker has another version of the SDK than the driver.
        """
        check_version(self._version)
        self._worker = worker
        self._clients: dict[int, MonoCloudClient] = {}
        self._gates: dict[int, LeasedGate] = {}
        self._stops: set[Stop] = set()
        self._idle = asyncio.Event()
        self._idle.set()
        self._why: str | None = None
        # Dask's annotations are incomplete.
        handlers = cast("Any", worker).stream_handlers
        handlers[TURNS] = _Router(worker).turns
        handlers[STOP] = _Router(worker).stop

    async def teardown(self, worker: Worker) -> None:  # noqa: ARG002
        """Let calls in flight end, record them, and close the clients."""
        self.stop(_LOST)
        for gate in self._gates.values():
            gate.fail(ConfigurationError(_LOST))
        await self._idle.wait()
        for client in self._clients.values():
            await client.aclose()

    def receive(self, tenant: int, message: Mapping[str, Any]) -> None:
        """Take a message for a tenant's gate."""
        if gate := self._gates.get(tenant):
            gate.receive(message)

    def stop(self, why: str, *, at_once: bool = False) -> None:
        """Start no more rows.

        Args:
            why: the reason.
            at_once: whether to cut off calls in flight, too.
        """
        self._why = self._why or why
        for stop in self._stops:
            stop.ask(why, at_once=at_once)

    async def send(self, bucket: Bucket, stopped: str | None) -> BucketResult:
        """Send the rows of a bucket, and return how that ended.

        Args:
            bucket: the bucket.
            stopped: why to send none of them, and only count them.
        """
        tenant, stop = bucket.tenant, Stop()
        self._stops.add(stop)
        self._idle.clear()
        if why := stopped or self._why:
            stop.ask(why)
        progress = _Progress(self._tell, bucket.name)
        # The coordinator answers if the run has been stopped.
        progress.tell()
        try:
            client = self._client(tenant)
            send = import_bucket if self._job.user_import else send_bucket
            return await send(
                self._job,
                bucket,
                client,
                lambda method, rows, stopped: self._started(tenant, method, rows, stopped),
                stop,
                progress,
            )
        finally:
            progress.tell()
            self._stops.discard(stop)
            if not self._stops:
                self._idle.set()

    def why_no_keys(self) -> str | None:
        """Return why the API keys cannot be read, if so."""
        try:
            for source in self._job.tenants.values():
                read_key(source)
        except ConfigurationError as error:
            return str(error)
        return None

    def _started(
        self, tenant: int, method: Any, rows: object, stopped: Callable[[], bool]
    ) -> Run[Any]:
        gate = self._gates.get(tenant)
        if gate is None:
            gate = self._gates[tenant] = LeasedGate(
                lambda message: self._send_turns(tenant, message), time.monotonic
            )
        concurrency = self._job.concurrency
        return start(method, rows, concurrency=concurrency, rate=None, stopped=stopped, gate=gate)

    def _client(self, tenant: int) -> MonoCloudClient:
        if (client := self._clients.get(tenant)) is None:
            job = self._job
            domain, source = list(job.tenants.items())[tenant]
            client = self._clients[tenant] = MonoCloudClient(
                domain,
                self._key(source),
                timeout=job.timeout,
                retry=RetryPolicy(max_attempts=job.max_attempts),
                max_connections=max(job.concurrency, 100),
                allow_insecure_http=job.allow_insecure_http,
            )
        return client

    def _key(self, source: str) -> Secret:
        try:
            return read_key(source)
        except ConfigurationError as error:
            # This worker has joined late: all others were checked before.
            why = str(error).replace("; nothing was sent", "")
            raise MonoCloudError(
                f"worker {self._worker.address}: {why}, then run the same job again to resume"
            ) from None

    def _send_turns(self, tenant: int, message: Mapping[str, Any]) -> None:
        self._message(TURNS, tenant=tenant, message=message)

    def _tell(self, **progress: object) -> None:
        self._message(PROGRESS, **progress)

    def _message(self, op: str, **members: object) -> None:
        self._worker.batched_send({"op": op, "run": self._run, **members})


@attrs.frozen
class _Router:
    """Passes messages of the coordinator on to the runs of a worker."""

    worker: Worker

    def turns(self, run: str, tenant: int, message: Mapping[str, Any]) -> None:
        if name_of(run) in self.worker.plugins:
            _place(self.worker, run).receive(tenant, message)

    def stop(self, run: str, why: str, at_once: bool = False) -> None:
        if name_of(run) in self.worker.plugins:
            _place(self.worker, run).stop(why, at_once=at_once)


def _place(worker: Worker, run: str) -> Workplace:
    return cast("Workplace", worker.plugins[name_of(run)])


class _Progress:
    """Reports how many rows of a bucket have which status, now and then."""

    def __init__(self, tell: Callable[..., None], bucket: str) -> None:
        self._tell = tell
        self._bucket = bucket
        self._notes: list[str] = []
        self._noted = 0
        self._tally: Tally | None = None
        self._timer: asyncio.TimerHandle | None = None

    def begun(self, tally: Tally) -> None:
        """Take the tally of the bucket."""
        self._tally = tally

    def failed(self, text: str) -> None:
        """Pass the first failures on to the driver."""
        if self._noted < NOTES:
            self._noted += 1
            self._notes.append(text)
            self._soon()

    def moved(self, status: str) -> None:  # noqa: ARG002  (the tally has it)
        """Report the tally soon."""
        self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(_PROGRESS, self.tell)

    def tell(self) -> None:
        """Report now."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        tally = self._tally
        self._tell(
            bucket=self._bucket,
            counts=dict(tally.counts) if tally else {},
            notes=self._notes,
            before=tally.before if tally else None,
            failures=tally.failures if tally else 0,
        )
        self._notes = []


@task
def why_no_keys(run: str, dask_worker: Worker) -> str | None:
    """Return why a worker cannot read the API keys, if so; the message shows none."""
    return _place(dask_worker, run).why_no_keys()


@task
def send_on_worker(run: str, bucket: Bucket, stopped: str | None) -> BucketResult:
    """Send a bucket on the worker that runs this task, without taking one of its threads."""
    worker = get_worker()
    place = _place(worker, run)
    secede()  # type: ignore[no-untyped-call]
    loop: asyncio.AbstractEventLoop = cast("Any", worker).loop.asyncio_loop
    sending = asyncio.run_coroutine_threadsafe(place.send(bucket, stopped), loop)
    return sending.result()
