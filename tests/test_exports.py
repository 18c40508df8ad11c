"""Exports: each user once, at the pace of the run, while others add and remove users."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import AsyncIterator
from datetime import datetime, timezone
from typing import Any

import pytest

import monocloud_sync
from monocloud_async import (
    APIError,
    BadRequestError,
    Export,
    ExportedUser,
    ExportReport,
    InvalidArgumentError,
    MonoCloudClient,
    MonoCloudError,
    NotFoundError,
    PagingError,
    RetryPolicy,
    UnauthorizedError,
)
from monocloud_async.emulator import Emulator, Fault, RateLimit
from monocloud_async.exports.seen import Key, Seen
from monocloud_async.exports.windows import SMALLEST, window_from

from .tenants import comparable, content
from .wire import Step, Wire, answer, problem

FAST = RetryPolicy(base_delay=0.0, max_attempts=20)


def tenant(count: int, per_second: int = 3) -> list[dict[str, Any]]:
    return [
        {
            "user_id": f"u{number}",
            "creation_time": 1_600_000_000 + number // per_second,
            "private_data": {"number": number},
        }
        for number in range(count)
    ]


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(tenant(1_234)) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(emulator.url, emulator.api_key, retry=FAST) as client:
        yield client


def counted(found: list[ExportedUser]) -> Counter[str]:
    return Counter(one.user.user_id for one in found)


def pages(emulator: Emulator) -> int:
    return sum(request.operation == "users.list" for request in emulator.requests)


async def test_every_user_is_exported_once_with_details(
    emulator: Emulator, client: MonoCloudClient
) -> None:
    export = client.users.export()
    assert emulator.requests == []
    before = datetime.now(timezone.utc)
    found = [one async for one in export]
    assert counted(found) == Counter({f"u{number}": 1 for number in range(1_234)})
    one = found[0].user
    assert one.to_dict() == emulator.user(one.user_id).to_dict()
    assert all(before <= one.read_at <= datetime.now(timezone.utc) for one in found)
    assert found[0].groups is None
    assert str(export.report) == "1,234 users exported"
    assert len(emulator.requests) == 1_234 + pages(emulator)
    # Each page overlaps the previous one, which adds about a sixth to the number of pages.
    assert pages(emulator) <= 15


async def test_without_details_only_the_list_is_read(
    emulator: Emulator, client: MonoCloudClient
) -> None:
    found = [one async for one in client.users.export(details=False)]
    assert [one.user.user_id for one in found] == [f"u{number}" for number in range(1_234)]
    assert found[7].user.creation_time
    assert not found[7].user.private_data
    assert len(emulator.requests) == pages(emulator)


@pytest.mark.parametrize("details", [True, False])
async def test_groups_can_be_exported(details: bool) -> None:
    async with Emulator(tenant(30)) as emulator:
        staff = emulator.add_group("Staff", "u7")
        many = [emulator.add_group(f"G{number}", "u8") for number in range(60)]
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            export = client.users.export(details=details, groups=True)
            found = {one.user.user_id: one async for one in export}
    groups = {name: [g.group_id for g in one.groups or ()] for name, one in found.items()}
    assert groups == {f"u{n}": [] for n in range(30)} | {"u7": [staff], "u8": many}
    line = found["u7"].to_dict()
    assert line["groups"] == [staff]
    assert line["read_at"] == int(found["u7"].read_at.timestamp())


async def test_a_filter_selects_users(client: MonoCloudClient) -> None:
    export = client.users.export(filter="u7 OR u8")
    assert counted([one async for one in export]) == Counter(["u7", "u8"])
    assert export.report.total_at_end == 2


def test_the_blocking_client_can_export() -> None:
    users = tenant(200)
    with monocloud_sync.emulator.Emulator(users) as emulator:
        with monocloud_sync.MonoCloudClient(emulator.url, emulator.api_key) as client:
            export = client.users.export(concurrency=3)
            assert counted(list(export)) == Counter(user["user_id"] for user in users)
            assert export.report.exported == 200
            for _ in export:
                break
            assert counted(list(export)) == Counter(user["user_id"] for user in users)


async def test_lines_hold_everything_that_an_import_can_set() -> None:
    async with Emulator() as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            found = [one async for one in client.users.export(groups=True)]
        names = {group["group_id"]: group["name"] for group in emulator.export_all()["groups"]}
        assert names
        lines = [json.loads(json.dumps(one.to_dict())) for one in found]
        given = [comparable(line, [names[group] for group in line["groups"]]) for line in lines]
        assert sorted(given, key=str) == sorted(content(emulator), key=str)


# Changes during an export


@pytest.mark.parametrize(
    ("details", "seed"), [(True, 0), (True, 1), (True, 2), (False, 3), (False, 4)]
)
async def test_no_user_is_lost_or_repeated_while_others_add_and_remove(
    details: bool, seed: int
) -> None:
    # Without details, thousands of users are listed before the first one is yielded.
    async with Emulator(tenant(1_234 if details else 6_000)) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            export = client.users.export(details=details, concurrency=8)
            await check_while_changing(export, emulator, client, random.Random(seed))


async def check_while_changing(
    export: Export, emulator: Emulator, client: MonoCloudClient, chance: random.Random
) -> None:
    ids = [user["user_id"] for user in emulator.export()]
    removed: set[str] = set()
    added: list[str] = []
    found: list[ExportedUser] = []
    async for one in export:
        found.append(one)
        if len(found) % 40 == 0:
            for user_id in chance.sample(ids, chance.choice([1, 3, 20])):
                if user_id not in removed:
                    removed.add(user_id)
                    await client.users.delete(user_id)
            if len(added) < 20:
                added.append((await client.users.create(username=f"n{len(added)}")).user_id)
    counts = counted(found)
    assert set(counts.values()) == {1}
    stayed = {*ids, *added} - removed
    assert not stayed - counts.keys()
    assert export.report.exported == len(found)
    assert export.report.total_at_start == len(ids)
    assert "at the start" in str(export.report)


def remove_at_once(emulator: Emulator, count: int) -> None:
    """Remove the first users directly; during calls, the export would go on."""
    for number in range(count):
        del emulator._service.tenant.accounts[f"u{number}"]


async def test_a_gap_after_a_large_removal_is_closed(
    emulator: Emulator, client: MonoCloudClient
) -> None:
    export = client.users.export(concurrency=1)
    found: list[ExportedUser] = []
    async for one in export:
        found.append(one)
        if len(found) == 500:
            remove_at_once(emulator, 450)
    assert [one.user.user_id for one in found] == [f"u{number}" for number in range(1_234)]
    assert export.report.gaps_closed == 1
    assert str(export.report).endswith("the list had 1,234 users at the start and 784 at the end")


async def test_an_export_ends_when_all_users_are_removed(
    emulator: Emulator, client: MonoCloudClient
) -> None:
    export = client.users.export(concurrency=1)
    found: list[ExportedUser] = []
    async for one in export:
        found.append(one)
        if len(found) == 1:
            remove_at_once(emulator, 1_234)
    assert export.report.vanished + export.report.exported < 500
    assert "deleted before being read" in str(export.report)


async def test_users_created_in_the_same_second_are_exported_once(client: MonoCloudClient) -> None:
    async with Emulator(tenant(500, per_second=500)) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            found: list[ExportedUser] = []
            async for one in client.users.export(details=False):
                found.append(one)
                if len(found) == 200:
                    for number in range(0, 200, 2):
                        await client.users.delete(f"u{number}")
    assert counted(found) == Counter(f"u{number}" for number in range(500))


# Failures


async def test_an_unreadable_user_ends_the_export_or_is_reported(
    emulator: Emulator, client: MonoCloudClient
) -> None:
    emulator.faults.add(Fault(status=418, operation="users.get", user_id="u77"))
    with pytest.raises(APIError, match="418"):
        async for _ in client.users.export():
            pass
    failed: list[tuple[str, MonoCloudError]] = []
    export = client.users.export(on_failure=lambda *failure: failed.append(failure))
    found = [one async for one in export]
    assert len(found) == 1_233
    assert [(user_id, type(error)) for user_id, error in failed] == [("u77", APIError)]
    assert (export.report.exported, export.report.failed) == (1_233, 1)
    assert str(export.report) == "1,233 users exported; 1 could not be read"


async def test_pages_and_users_share_one_pace(emulator: Emulator, client: MonoCloudClient) -> None:
    emulator.rate_limit = RateLimit(2_000, burst=50)
    found = [one async for one in client.users.export(details=False, concurrency=8)]
    found += [one async for one in client.users.export(filter="u2*")]
    assert len(found) == 1_234 + 111
    refused = [one for one in emulator.requests if one.status == 429]
    assert len(refused) < 60


async def test_an_export_survives_faults(emulator: Emulator, client: MonoCloudClient) -> None:
    emulator.faults.add(Fault(status=503, every=7))
    emulator.faults.add(Fault(connection="reset", every=11))
    found = [one async for one in client.users.export()]
    assert counted(found) == Counter(f"u{number}" for number in range(1_234))


async def test_a_wrong_key_ends_the_export(emulator: Emulator) -> None:
    async with MonoCloudClient(emulator.url, "wrong") as client:
        with pytest.raises(UnauthorizedError):
            async for _ in client.users.export():
                pass


async def test_leaving_the_loop_ends_the_export(
    emulator: Emulator, client: MonoCloudClient
) -> None:
    async for _ in client.users.export(concurrency=2):
        break
    assert len(emulator.requests) < 200


@pytest.mark.parametrize(
    "arguments",
    [
        {"details": 1},
        {"groups": None},
        {"filter": ""},
        {"concurrency": 0},
        {"rate": -1},
    ],
)
async def test_invalid_arguments_are_refused_at_once(
    client: MonoCloudClient, arguments: dict[str, Any]
) -> None:
    with pytest.raises(InvalidArgumentError, match="nothing was sent"):
        client.users.export(**arguments)


# Paging quirks of the API


def listed(page: int, size: int, *numbers: int, of: int, **changes: Any) -> Step:
    paging = {
        "page_size": size,
        "current_page": page,
        "total_count": of,
        "has_previous": page > 1,
        "has_next": page * size < of,
        **changes,
    }
    users = [{"user_id": f"u{number}", "creation_time": number} for number in numbers]
    return answer(200, users, x_pagination=json.dumps(paging))


async def reported(*steps: Step) -> tuple[list[str], ExportReport]:
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, "key") as client:
        export = client.users.export(details=False, concurrency=1)
        return [one.user.user_id async for one in export], export.report


async def exported(*steps: Step) -> list[str]:
    return (await reported(*steps))[0]


async def test_a_last_page_may_report_its_own_size() -> None:
    first, last = listed(1, 100, *range(100), of=110), listed(2, 97, *range(97, 110), of=110)
    assert len(await exported(first, last)) == 110
    last = listed(2, 97, *range(97, 110), of=110, page_size=13)
    assert len(await exported(first, last)) == 110


async def test_the_report_mentions_users_that_the_api_counts_but_does_not_list() -> None:
    found, report = await reported(listed(1, 100, 1, 2, 3, of=5, has_next=False))
    assert found == ["u1", "u2", "u3"]
    assert str(report) == "3 users exported; the API counts 2 more than it lists"
    assert (await reported(listed(1, 100, of=0)))[1] == ExportReport(
        total_at_start=0, total_at_end=0
    )


async def test_an_api_may_return_its_last_page_for_a_later_one() -> None:
    first = listed(1, 100, *range(100), of=200)
    # By then users have been removed, and the list ends before the requested page.
    last = listed(1, 97, *range(20, 100), of=80)
    again = listed(1, 100, *range(20, 100), of=80)
    found, report = await reported(first, last, again)
    assert found == [f"u{number}" for number in range(100)]
    assert report.gaps_closed == 1


@pytest.mark.parametrize("status", [400, 404])
async def test_an_api_may_refuse_a_page_after_its_last_one(status: int) -> None:
    first = listed(1, 100, *range(100), of=200)
    again = listed(1, 100, *range(20, 100), of=80)
    found, report = await reported(first, problem(status), again)
    assert found == [f"u{number}" for number in range(100)]
    assert report.gaps_closed == 1


@pytest.mark.parametrize("error", [BadRequestError, NotFoundError])
async def test_a_page_refused_repeatedly_ends_the_export(error: type[APIError]) -> None:
    status = 400 if error is BadRequestError else 404
    first = listed(1, 100, *range(100), of=200)
    with pytest.raises(error):
        await exported(first, *(problem(status), first) * 25)
    with pytest.raises(error):
        await exported(problem(status))


async def test_tiny_pages_are_read_one_after_another() -> None:
    steps = [listed(1, 100, *range(10), of=25, page_size=10, has_next=True)]
    steps += [
        listed(page, 10, *range(page * 10 - 10, min(25, page * 10)), of=25) for page in (2, 3)
    ]
    assert await exported(*steps) == [f"u{number}" for number in range(25)]


async def test_an_api_with_smaller_pages_gets_requests_for_smaller_pages() -> None:
    async with Emulator(tenant(230)) as emulator:
        emulator.faults.add(Fault(status=400, operation="users.list", times=1))
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            found = [one async for one in client.users.export(details=False)]
    assert len(found) == 230
    assert "size=50" in emulator.requests[1].path
    first = listed(1, 50, *range(50), of=60)
    second = listed(2, 47, *range(47, 60), of=60)
    assert await exported(first, second) == [f"u{number}" for number in range(60)]


@pytest.mark.parametrize(
    ("steps", "why"),
    [
        ([listed(2, 100, 1, of=1)], "page 2 returned"),
        ([listed(1, 100, of=1, has_next=True)], "is empty, but the API says that more"),
        (
            [listed(1, 100, *range(100), of=300), listed(2, 97, *range(100), of=300)],
            "same users as the previous page",
        ),
    ],
)
async def test_an_api_that_contradicts_itself_ends_the_export(steps: list[Step], why: str) -> None:
    with pytest.raises(PagingError, match=why):
        await exported(*steps)


# The parts


@pytest.mark.parametrize("largest", [SMALLEST, 30, 50, 77, 100])
def test_each_window_overlaps_the_last_and_advances(largest: int) -> None:
    end, count = 0, 0
    while end < 100_000:
        window = window_from(end, largest)
        assert window.size <= largest
        assert window.start <= max(0, end - 3)
        assert window.end > end
        end, count = window.end, count + 1
    assert largest < 50 or count < 100_000 / largest * 1.3


def test_a_user_older_than_all_remembered_ones_counts_as_seen() -> None:
    seen = Seen(most=10)
    for number in range(100):
        seen.add(Key(number, float(number)))
    assert all(seen.has(Key(number, float(number))) for number in range(100))
    assert seen.has(Key(1_000, 89.0))
    assert not seen.has(Key(1_000, 90.0))
    assert not seen.has(Key(100, 99.0))
    assert seen.joins(Key(1_000, 98.0))
    assert not seen.joins(Key(1_000, 99.0))
    assert not seen.joins(Key(1_000, None))
    seen.is_unsorted()
    assert not seen.has(Key(1_000, 1.0))
    assert not seen.joins(Key(1_000, 98.0))
