"""Many time limits share one timer, and each behaves like asyncio.timeout."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from monocloud_async._time_limit import TimeLimits

FOREVER = 1000.0


async def hang(limits: TimeLimits, seconds: float) -> None:
    with limits.limit(seconds):
        await asyncio.Event().wait()


async def test_a_limit_that_expires_raises_a_timeout() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    with pytest.raises(asyncio.TimeoutError):
        await hang(limits, 0.01)
    # The task can continue, because it was not left cancelled.
    await asyncio.sleep(0)


async def test_work_that_ends_in_time_is_not_interrupted() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    with limits.limit(0.01):
        pass
    await asyncio.sleep(0.03)


async def test_each_of_many_limits_expires_at_its_own_time() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    ended: list[float] = []

    async def one(seconds: float) -> None:
        with pytest.raises(asyncio.TimeoutError):
            await hang(limits, seconds)
        ended.append(seconds)

    seconds = [0.3, 0.1, 0.4, 0.2]
    await asyncio.gather(*(one(each) for each in seconds))
    assert ended == sorted(seconds)


async def test_an_error_in_the_block_is_raised_unchanged() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    with pytest.raises(KeyError), limits.limit(FOREVER):
        raise KeyError


async def test_a_cancellation_is_not_a_timeout() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    task = asyncio.create_task(hang(limits, FOREVER))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_cancellation_at_the_moment_of_expiry_is_still_a_cancellation() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    task = asyncio.create_task(hang(limits, 0.0))
    # The timer fires in the same turn of the loop in which the task is cancelled.
    asyncio.get_running_loop().call_later(0, lambda: task.cancel())
    with pytest.raises(asyncio.CancelledError):
        await task


async def held(limits: TimeLimits, wait: asyncio.Future[None]) -> None:
    with limits.limit(FOREVER):
        await wait


def end(limits: TimeLimits) -> None:
    """Do what the timer does once the limits have expired."""
    for limit in list(limits._running):
        limits.remove(limit)
        limit.end()


@pytest.mark.parametrize("has_result", [False, True])
@pytest.mark.parametrize("cancelled_first", [False, True])
async def test_a_cancellation_before_or_after_expiry_is_still_a_cancellation(
    cancelled_first: bool, has_result: bool
) -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    wait: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    task = asyncio.create_task(held(limits, wait))
    await asyncio.sleep(0)
    if has_result:
        # The awaited result may arrive at the same moment too.
        wait.set_result(None)
    if not cancelled_first:
        end(limits)
    task.cancel()
    if cancelled_first:
        end(limits)
    with pytest.raises(asyncio.CancelledError):
        await task


@pytest.mark.parametrize("has_result", [False, True])
@pytest.mark.parametrize("cancelled_first", [None, False, True])
async def test_an_expired_limit_does_not_affect_the_next(
    cancelled_first: bool | None, has_result: bool
) -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    wait: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    passed = asyncio.Event()

    async def again() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await hang(limits, FOREVER)
        passed.set()
        await held(limits, wait)

    task = asyncio.create_task(again())
    await asyncio.sleep(0)
    end(limits)
    await passed.wait()
    if has_result:
        wait.set_result(None)
    if cancelled_first:
        task.cancel()
    end(limits)
    if cancelled_first is False:
        task.cancel()
    with pytest.raises(asyncio.TimeoutError if cancelled_first is None else asyncio.CancelledError):
        await task


@pytest.mark.parametrize("outer_first", [False, True])
async def test_nested_limits_can_expire_together(outer_first: bool) -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    outer, inner = limits.limit(FOREVER), limits.limit(FOREVER)

    async def nested() -> None:
        with outer, inner:
            await asyncio.Event().wait()

    task = asyncio.create_task(nested())
    await asyncio.sleep(0)
    for limit in (outer, inner) if outer_first else (inner, outer):
        limits.remove(limit)
        limit.end()
    with pytest.raises(asyncio.TimeoutError):
        await task


async def test_an_inner_limit_can_expire_alone() -> None:
    limits = TimeLimits(asyncio.get_running_loop())
    with limits.limit(FOREVER):
        with pytest.raises(asyncio.TimeoutError):
            await hang(limits, 0.01)
        await asyncio.sleep(0)


async def test_a_thousand_limits_use_one_timer(monkeypatch: pytest.MonkeyPatch) -> None:
    loop = asyncio.get_running_loop()
    limits = TimeLimits(loop)
    timers: list[float] = []
    call_at = loop.call_at

    def counted(when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
        timers.append(when)
        return call_at(when, *args, **kwargs)

    monkeypatch.setattr(loop, "call_at", counted)
    for _ in range(1000):
        with limits.limit(10.0):
            pass
    assert len(timers) == 1
    with limits.limit(5.0):
        pass
    assert len(timers) == 2
