"""A cluster against rate limiters in virtual time, with the real controller and gates."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, TypeVar

import attrs

from monocloud_async.dask.controller import TenantController
from monocloud_async.dask.leased_gate import LeasedGate
from monocloud_async.dask.shared_pace import SharedPace
from monocloud_async.errors import RateLimitedError
from monocloud_async.response import Headers

T = TypeVar("T")
# Returns what a refusal asks to wait; None for a call that passes.
Limiter = Callable[[float], float | None]
_NO_HEADERS = Headers([])


class _Selector(selectors.DefaultSelector):
    """Moves the loop's clock instead of waiting."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[Any]:
        if timeout is None:
            raise RuntimeError("the simulation waits for nothing")
        self.now += max(timeout, 0.0)
        return []


class _Loop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._virtual = _Selector()
        super().__init__(self._virtual)
        self._clock_resolution = 1e-9

    def time(self) -> float:
        return self._virtual.now


def in_virtual_time(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on a loop whose waits take no time."""
    loop = _Loop()
    try:
        return loop.run_until_complete(main)
    finally:
        loop.close()


def token_bucket(rate: float, burst: float, wait: float = 1.0) -> Limiter:
    """A limiter that refills at a steady rate."""
    tokens, last = burst, 0.0

    def hit(now: float) -> float | None:
        nonlocal tokens, last
        tokens, last = min(burst, tokens + (now - last) * rate), now
        if tokens < 1:
            return wait
        tokens -= 1
        return None

    return hit


@attrs.define
class Ran:
    """What happened at one tenant.

    Attributes:
        limit: calls per second that it allows.
        passed: calls that passed.
        refused: calls that were refused.
        seconds: when its last row was done.
        by_worker: calls that passed, by worker.
        grants: leases granted.
        ages: how many seconds ago turns were granted when they were used.
    """

    limit: float
    passed: int = 0
    refused: int = 0
    seconds: float = 0.0
    by_worker: dict[int, int] = attrs.field(factory=dict[int, int])
    grants: int = 0
    ages: list[float] = attrs.field(factory=list[float], repr=False)

    @property
    def used(self) -> float:
        """The share of the limit that was used."""
        return self.passed / self.seconds / self.limit

    @property
    def share_refused(self) -> float:
        """The share of calls that were refused."""
        return self.refused / (self.passed + self.refused)


@attrs.frozen
class Tenant:
    """A tenant with rows to send.

    Attributes:
        limit: calls per second that it allows.
        burst: the size of its bucket.
        rows: the rows.
    """

    limit: float
    burst: float
    rows: int


@attrs.frozen
class Times:
    """Ranges of seconds.

    Attributes:
        call: how long a call takes.
        message: how long a message between a worker and the controller takes.
        stall: how long a worker stands still, as on a busy machine.
        work: how long it works in between.
    """

    call: tuple[float, float] = (0.004, 0.012)
    message: tuple[float, float] = (0.001, 0.004)
    stall: tuple[float, float] = (0.0, 0.0)
    work: tuple[float, float] = (0.2, 2.0)


class _Cluster:
    """Workers, and one controller for each tenant."""

    def __init__(self, tenants: Sequence[Tenant], workers: int, times: Times, seed: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._random = random.Random(seed)
        self._times = times
        self._tenants = tenants
        self._workers = range(workers)
        self._gates: dict[tuple[str, int], LeasedGate] = {}
        self.ran = [Ran(tenant.limit) for tenant in tenants]
        self._awake = [0.0 for _ in self._workers]
        self._left = [tenant.rows for tenant in tenants]
        self._controllers = [self._controller(number) for number in range(len(tenants))]

    def _controller(self, tenant: int) -> TenantController:
        clock = self._loop.time

        def push(worker: str, message: Mapping[str, Any]) -> None:
            self.ran[tenant].grants += "count" in message
            number = int(worker.rpartition("-")[2])
            self._later(
                lambda: self._when_awake(number, lambda: self._receive(worker, tenant, message))
            )

        return TenantController(SharedPace(None, max_retry_after=60, now=clock()), push, clock)

    def _later(self, call: Callable[[], None]) -> None:
        self._loop.call_later(self._random.uniform(*self._times.message), call)

    def _when_awake(self, worker: int, call: Callable[[], None]) -> None:
        self._loop.call_at(max(self._awake[worker], self._loop.time()), call)

    async def stand_still(self, worker: int) -> None:
        """Let a worker stand still now and then."""
        while True:
            await asyncio.sleep(self._random.uniform(*self._times.work))
            self._awake[worker] = self._loop.time() + self._random.uniform(*self._times.stall)

    def _receive(self, worker: str, tenant: int, message: Mapping[str, Any]) -> None:
        self._gates[worker, tenant].receive(message)

    def _gate(self, worker: int, tenant: int) -> LeasedGate:
        name = f"worker-{worker}"

        def send(message: Mapping[str, Any]) -> None:
            self._later(lambda: self._controllers[tenant].receive(name, **message))

        gate = self._gates[name, tenant] = LeasedGate(send, self._loop.time)
        return gate

    async def run(self, concurrency: int) -> None:
        """Send all rows."""
        sending: list[Coroutine[Any, Any, None]] = []
        for tenant, one in enumerate(self._tenants):
            limiter = token_bucket(one.limit, one.burst)
            for worker in self._workers:
                gate = self._gate(worker, tenant)
                sending += [self._send(worker, tenant, gate, limiter) for _ in range(concurrency)]
        stalls = [asyncio.create_task(self.stand_still(worker)) for worker in self._workers]
        await asyncio.gather(*sending)
        for stall in stalls:
            stall.cancel()

    async def _send(self, worker: int, tenant: int, gate: LeasedGate, limiter: Limiter) -> None:
        ran = self.ran[tenant]
        while self._left[tenant] > 0:
            self._left[tenant] -= 1
            gate.begin()
            while not await self._passes(worker, ran, gate, limiter):
                ran.refused += 1
            gate.end()
            ran.passed += 1
            ran.by_worker[worker] = ran.by_worker.get(worker, 0) + 1
            ran.seconds = self._loop.time()

    async def _passes(self, worker: int, ran: Ran, gate: LeasedGate, limiter: Limiter) -> bool:
        turn = gate.go() if gate.free else await gate.turn()
        ran.ages.append(self._loop.time() - turn.at)
        seconds = self._random.uniform(*self._times.call) / 2
        await asyncio.sleep(seconds)
        refused = limiter(self._loop.time())
        await asyncio.sleep(max(seconds, self._awake[worker] - self._loop.time()))
        if refused is None:
            gate.answered(turn, _NO_HEADERS)
            return True
        error = RateLimitedError(429, {}, _NO_HEADERS, operation="", retry_after=refused)
        gate.refused(turn, error)
        return False


def simulate(
    tenants: Sequence[Tenant],
    *,
    workers: int,
    concurrency: int = 32,
    times: Times = Times(),
    seed: int = 1,
) -> Sequence[Ran]:
    """Return what happens at each tenant when workers send its rows.

    Args:
        tenants: the tenants.
        workers: the number of worker processes.
        concurrency: the most calls in flight for each worker and tenant.
        times: how long calls and messages take.
        seed: of what is random.
    """

    async def main() -> Sequence[Ran]:
        random.seed(seed)
        cluster = _Cluster(tenants, workers, times, seed)
        await cluster.run(concurrency)
        return cluster.ran

    return in_virtual_time(main())
