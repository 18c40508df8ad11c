"""One pace for a tenant over many workers: in virtual time, and message by message."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from benchmarks.cluster_simulation import Tenant, Times, in_virtual_time, simulate
from monocloud_async.bulk.pacing import Turn
from monocloud_async.dask.controller import TenantController
from monocloud_async.dask.leased_gate import LeasedGate
from monocloud_async.dask.shared_pace import Report, SharedPace
from monocloud_async.errors import ConfigurationError, RateLimitedError, TransportError
from monocloud_async.response import Headers

NOTHING = Headers([])


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_workers_use_one_limit_together(workers: int) -> None:
    (ran,) = simulate([Tenant(200, 20, 6000)], workers=workers)
    assert ran.used > 0.89
    assert ran.share_refused < 0.01


def test_workers_share_the_limit_fairly() -> None:
    (ran,) = simulate([Tenant(200, 20, 4000)], workers=8)
    assert min(ran.by_worker.values()) > 0.9 * max(ran.by_worker.values())


@pytest.mark.parametrize("message", [(0.0005, 0.001), (0.02, 0.05)])
def test_slow_messages_cost_little_of_the_limit(message: tuple[float, float]) -> None:
    times = Times(call=(0.02, 0.04), message=message)
    (ran,) = simulate([Tenant(200, 20, 6000)], workers=4, times=times)
    # Until the limit is known, each look at it takes longer.
    assert ran.used > 0.7
    assert ran.share_refused < 0.02


def test_workers_that_stand_still_now_and_then_cost_little() -> None:
    times = Times(stall=(0.05, 0.3))
    (ran,) = simulate([Tenant(200, 20, 4000)], workers=4, times=times)
    assert ran.used > 0.65
    assert ran.share_refused < 0.02


def test_many_workers_begin_gently() -> None:
    (ran,) = simulate([Tenant(500, 50, 5000)], workers=200, concurrency=8)
    assert ran.refused < 150


def test_a_slow_tenant_does_not_hold_up_others() -> None:
    slow, fast = simulate([Tenant(5, 5, 100), Tenant(200, 20, 4000)], workers=2)
    assert slow.used > 0.8
    assert fast.used > 0.88


class Wire:
    """A controller and its workers, whose messages are handed over by hand.

    Attributes:
        now: the time in seconds.
        sent: the messages to each worker that it has not received.
    """

    def __init__(self, rate: float | None = None) -> None:
        self.now = 100.0
        self.sent: dict[str, list[Mapping[str, Any]]] = {}
        self.gates: dict[str, LeasedGate] = {}
        pace = SharedPace(rate, max_retry_after=60, now=self.now)
        self.controller = TenantController(pace, self._push, lambda: self.now)

    def _push(self, worker: str, message: Mapping[str, Any]) -> None:
        self.sent.setdefault(worker, []).append(message)

    def gate(self, worker: str) -> LeasedGate:
        gate = LeasedGate(lambda m: self.controller.receive(worker, **m), lambda: self.now)
        self.gates[worker] = gate
        return gate

    def deliver(self, worker: str) -> Sequence[Mapping[str, Any]]:
        messages = self.sent.pop(worker, [])
        for message in messages:
            self.gates[worker].receive(message)
        return messages


async def taken(wire: Wire, worker: str, count: int) -> list[Turn]:
    """Wait for turns, and hand over the messages that bring them."""
    gate = wire.gates[worker]
    waiting = [asyncio.create_task(gate.turn()) for _ in range(count)]
    while not all(task.done() for task in waiting):
        await asyncio.sleep(0)
        wire.deliver(worker)
        if not wire.sent:
            await asyncio.sleep(0.01)
            wire.now += 0.01
    return [task.result() for task in waiting]


async def until_asked() -> None:
    """Let a task ask for a turn: it begins, then all that ask at once send one message."""
    for _ in range(3):
        await asyncio.sleep(0)


def refusal(seconds: float | None = 1) -> RateLimitedError:
    return RateLimitedError(429, {}, NOTHING, operation="", retry_after=seconds)


def test_a_turn_arrives_by_message() -> None:
    async def main() -> None:
        wire = Wire()
        wire.gate("a")
        turns = await taken(wire, "a", 3)
        assert [turn.stretch for turn in turns] == [0, 0, 0]

    in_virtual_time(main())


def test_a_fixed_rate_is_kept_over_all_workers() -> None:
    async def main() -> None:
        wire = Wire(rate=10.0)
        wire.gate("a")
        wire.gate("b")
        began = wire.now
        await asyncio.gather(taken(wire, "a", 10), taken(wire, "b", 10))
        assert wire.now - began >= 1.7

    in_virtual_time(main())


def test_a_refusal_voids_the_turns_of_other_workers() -> None:
    async def main() -> None:
        wire = Wire()
        one, other = wire.gate("a"), wire.gate("b")
        (turn,) = await taken(wire, "a", 1)
        waiting = asyncio.create_task(other.turn())
        await until_asked()
        one.refused(turn, refusal())
        # The turn was granted before the refusal, and both messages arrive after it.
        granted, notice = wire.deliver("b")
        assert (granted["count"], notice["stretch"]) == (1, 1)
        assert (await waiting).stretch == 0
        held = asyncio.create_task(other.turn())
        await until_asked()
        assert "b" not in wire.sent
        wire.now += 1.2
        await asyncio.sleep(1.2)
        wire.deliver("b")
        assert (await held).stretch == 1
        wire.controller.close()

    in_virtual_time(main())


def test_a_void_turn_is_not_used() -> None:
    async def main() -> None:
        wire = Wire()
        gate = wire.gate("a")
        gate.receive({"stretch": 1})
        gate.receive({"count": 2, "at": wire.now, "stretch": 0, "rate": 1.0})
        assert not gate.free

    in_virtual_time(main())


def test_turns_that_are_not_used_go_back() -> None:
    async def main() -> None:
        wire = Wire(rate=1.0)
        gate = wire.gate("a")
        turn = asyncio.create_task(gate.turn())
        await until_asked()
        turn.cancel()
        await asyncio.sleep(0)
        wire.deliver("a")
        assert gate.free
        wire.now += 1.0
        await asyncio.sleep(1.1)
        assert not gate.free
        await asyncio.sleep(0.1)
        assert wire.controller.pace.in_use == 0
        wire.controller.close()

    in_virtual_time(main())


def test_a_worker_that_is_gone_holds_nothing() -> None:
    pace = SharedPace(None, max_retry_after=60, now=0.0)
    pace.report("gone", Report(asked=32, in_flight=32), 0.0)
    assert sum(grant.count for grant in pace.grants(0.0)) == 32
    pace.report("here", Report(asked=5, in_flight=5), 0.1)
    assert list(pace.grants(0.1)) == []
    pace.leave("gone")
    assert [(grant.worker, grant.count) for grant in pace.grants(0.2)] == [("here", 5)]
    assert pace.pacing.in_flight == 5


def test_a_restarted_worker_at_the_same_address_begins_anew() -> None:
    pace = SharedPace(None, max_retry_after=60, now=0.0)
    pace.report("a", Report(asked=20, in_flight=1), 0.0)
    list(pace.grants(0.0))
    pace.leave("a")
    pace.report("a", Report(asked=1, in_flight=1), 1.0)
    assert [grant.count for grant in pace.grants(1.0)] == [1]


def test_an_outage_at_one_worker_holds_up_all() -> None:
    pace = SharedPace(None, max_retry_after=60, now=0.0)
    for worker in ("a", "b"):
        pace.report(worker, Report(asked=1, in_flight=1), 0.0)
    grants = list(pace.grants(0.0))
    for grant in grants:
        pace.failed(grant.worker, Turn(grant.at, grant.stretch), None, 0.1)
    for worker in ("a", "b"):
        pace.report(worker, Report(asked=2, in_flight=1), 0.1)
    assert list(pace.grants(0.1)) == []
    # One of them tries again, and the other waits for what it finds.
    assert [grant.count for grant in pace.grants(1.0)] == [1]


def in_an_outage() -> tuple[SharedPace, float]:
    """Return a pace whose worker ``a`` has the turn that probes a server that is down."""
    pace = SharedPace(None, max_retry_after=60, now=0.0)
    pace.report("a", Report(asked=1, in_flight=1), 0.0)
    assert list(pace.grants(0.0))
    pace.failed("a", Turn(0.0, 0), None, 0.1)
    pace.report("a", Report(asked=2, in_flight=1), 0.1)
    assert list(pace.grants(0.2)) == []
    assert list(pace.grants(1.0))
    pace.report("b", Report(asked=1, in_flight=1), 1.0)
    assert list(pace.grants(2.0)) == []
    return pace, 2.0


def test_a_probe_that_is_not_sent_does_not_prolong_an_outage() -> None:
    pace, now = in_an_outage()
    pace.report("a", Report(asked=2, in_flight=1, returned=((0, 1),)), now)
    assert [grant.worker for grant in pace.grants(now)] == ["b"]


def test_the_probe_of_a_dead_worker_does_not_prolong_an_outage() -> None:
    pace, now = in_an_outage()
    pace.leave("a")
    assert [grant.worker for grant in pace.grants(now)] == ["b"]


def test_a_turn_that_another_worker_returns_is_not_the_probe() -> None:
    pace, now = in_an_outage()
    pace.report("b", Report(asked=1, in_flight=1, returned=((0, 1),)), now)
    assert list(pace.grants(now)) == []


def test_a_used_up_window_is_reported() -> None:
    async def main() -> None:
        wire = Wire()
        gate = wire.gate("a")
        first, second = await taken(wire, "a", 2)
        gate.answered(first, NOTHING)
        headers = Headers([("RateLimit-Remaining", "0"), ("RateLimit-Reset", "3")])
        gate.answered(second, headers)
        assert wire.controller.pace.stretch == 1
        assert wire.controller.state()["waits"] == pytest.approx(3, abs=0.1)
        wire.controller.close()

    in_virtual_time(main())


def test_a_gate_without_its_controller_fails() -> None:
    async def main() -> None:
        gate = Wire().gate("a")
        waiting = asyncio.create_task(gate.turn())
        await asyncio.sleep(0)
        gate.fail(ConfigurationError("the connection is lost"))
        with pytest.raises(ConfigurationError, match="is lost"):
            await waiting
        with pytest.raises(ConfigurationError, match="is lost"):
            await gate.turn()
        # What ends later changes nothing.
        gate.end()
        gate.failed(Turn(0.0, 0), TransportError("", operation="", may_have_been_applied=False))

    in_virtual_time(main())
