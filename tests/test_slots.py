"""Slots are taken at once or in the order of coming, and none is lost or made."""

from __future__ import annotations

import asyncio

import pytest

from monocloud_async._slots import Slots


async def test_no_more_are_taken_than_there_are() -> None:
    slots = Slots(2)
    assert [slots.take() for _ in range(3)] == [True, True, False]
    slots.give_back()
    assert [slots.take() for _ in range(2)] == [True, False]


async def test_whoever_waits_gets_one_in_the_order_of_coming_and_before_newcomers() -> None:
    slots = Slots(1)
    assert slots.take()
    came: list[int] = []

    async def one(number: int) -> None:
        await slots.wait()
        came.append(number)

    tasks = [asyncio.create_task(one(number)) for number in range(3)]
    await asyncio.sleep(0)
    for number in range(3):
        slots.give_back()
        assert not slots.take()
        await asyncio.sleep(0)
        assert came == list(range(number + 1))
    await asyncio.gather(*tasks)
    slots.give_back()
    assert slots.take()


@pytest.mark.parametrize("given", ["before", "after", "never"])
async def test_one_that_is_given_up_goes_to_the_next(given: str) -> None:
    slots = Slots(1)
    assert slots.take()
    leaving = asyncio.create_task(slots.wait())
    staying = asyncio.create_task(slots.wait())
    await asyncio.sleep(0)
    if given == "before":
        slots.give_back()
    leaving.cancel()
    if given == "after":
        slots.give_back()
    await asyncio.wait([leaving])
    assert leaving.cancelled()
    if given == "never":
        slots.give_back()
    await staying
    assert not slots.take()
    slots.give_back()
    assert slots.take()
