"""A semaphore is acquired at once or in order of arrival, and no slot is lost or added."""

from __future__ import annotations

import asyncio

import pytest

from monocloud_async._semaphore import Semaphore


async def test_no_more_slots_are_acquired_than_exist() -> None:
    semaphore = Semaphore(2)
    assert [semaphore.try_acquire() for _ in range(3)] == [True, True, False]
    semaphore.release()
    assert [semaphore.try_acquire() for _ in range(2)] == [True, False]


async def test_waiters_are_served_in_order_of_arrival_and_before_newcomers() -> None:
    semaphore = Semaphore(1)
    assert semaphore.try_acquire()
    served: list[int] = []

    async def one(number: int) -> None:
        await semaphore.acquire()
        served.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    for number in range(3):
        semaphore.release()
        assert not semaphore.try_acquire()
        await asyncio.sleep(0)
        assert served == list(range(number + 1))
    await asyncio.gather(*tasks)
    semaphore.release()
    assert semaphore.try_acquire()


@pytest.mark.parametrize("released", ["before", "after", "never"])
async def test_the_slot_of_a_cancelled_waiter_goes_to_the_next(released: str) -> None:
    semaphore = Semaphore(1)
    assert semaphore.try_acquire()
    leaving = asyncio.create_task(semaphore.acquire())
    staying = asyncio.create_task(semaphore.acquire())
    await asyncio.sleep(0)
    if released == "before":
        semaphore.release()
    leaving.cancel()
    if released == "after":
        semaphore.release()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    if released == "never":
        semaphore.release()
    await staying
    assert not semaphore.try_acquire()
    semaphore.release()
    assert semaphore.try_acquire()
