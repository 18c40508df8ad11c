"""A semaphore is acquired at once or in the order of coming, and no place is lost or made."""

from __future__ import annotations

import asyncio

import pytest

from monocloud_async._semaphore import Semaphore


async def test_no_more_are_taken_than_there_are() -> None:
    semaphore = Semaphore(2)
    assert [semaphore.try_acquire() for _ in range(3)] == [True, True, False]
    semaphore.release()
    assert [semaphore.try_acquire() for _ in range(2)] == [True, False]


async def test_waiters_get_one_in_the_order_of_coming_and_before_newcomers() -> None:
    semaphore = Semaphore(1)
    assert semaphore.try_acquire()
    came: list[int] = []

    async def one(number: int) -> None:
        await semaphore.acquire()
        came.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    for number in range(3):
        semaphore.release()
        assert not semaphore.try_acquire()
        await asyncio.sleep(0)
        assert came == list(range(number + 1))
    await asyncio.gather(*tasks)
    semaphore.release()
    assert semaphore.try_acquire()


@pytest.mark.parametrize("given", ["before", "after", "never"])
async def test_one_that_is_given_up_goes_to_the_next(given: str) -> None:
    semaphore = Semaphore(1)
    assert semaphore.try_acquire()
    leaving = asyncio.create_task(semaphore.acquire())
    staying = asyncio.create_task(semaphore.acquire())
    await asyncio.sleep(0)
    if given == "before":
        semaphore.release()
    leaving.cancel()
    if given == "after":
        semaphore.release()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    if given == "never":
        semaphore.release()
    await staying
    assert not semaphore.try_acquire()
    semaphore.release()
    assert semaphore.try_acquire()
