"""Workers, schedulers and drivers of a run die: nothing is lost, and little is sent again."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dask.bag
import pytest
from distributed import Client

from monocloud_async import dask as on_dask
from monocloud_async.dask import ClusterResult, StoppedError
from monocloud_async.emulator import Fault
from monocloud_async.errors import MonoCloudError
from monocloud_sync.emulator import Emulator

from .conftest import API_KEY, KEY
from .dask_cluster import Cluster, processes

# They start clusters or kill attempts: the tests of buckets and runs cover the rest faster.
pytestmark = pytest.mark.full

PHONES = "phones.set_primary"
USERS = 1000
CONCURRENCY = 8
# Of a bucket whose worker was killed: see run's docstring.
MOST_AGAIN = 400 + CONCURRENCY


def user(n: int) -> dict[str, object]:
    return {"user_id": f"u-{n}", "phone_numbers": [{"id": f"b-{n}", "phone": f"+441514{n:06}"}]}


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([user(n) for n in range(USERS)], api_key=KEY) as emulator:
        yield emulator


ROWS = [{"user_id": f"u-{n}", "identifier_id": f"b-{n}"} for n in range(USERS)]
EMAILS = [{"user_id": f"u-{n}", "email": f"u-{n}@example.com"} for n in range(USERS)]
JSON = Mapping[str, Any]


@pytest.fixture(autouse=True)
def _four_buckets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monocloud_async.dask.plan._ROWS", USERS // 4)


@pytest.fixture(scope="module")
def shared() -> Iterator[Cluster]:
    with processes(0) as started:
        yield started


@pytest.fixture
async def cluster(shared: Cluster) -> Cluster:
    """A cluster of two workers; it has new ones in place of those that died."""
    await with_workers(shared, 2)
    return shared


async def until(client: Client, see: Callable[[Any], object], wanted: object) -> None:
    """Wait until the scheduler is in a state, which no event announces."""
    while await client.run_on_scheduler(see) != wanted:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


def has_workers(dask_scheduler: Any) -> int:
    return len(dask_scheduler.workers)


async def with_workers(cluster: Cluster, count: int) -> None:
    """Start or end workers until there are so many."""
    cluster.workers[:] = [worker for worker in cluster.workers if worker.poll() is None]
    for worker in cluster.workers[count:]:
        worker.terminate()
        await asyncio.to_thread(worker.wait)
    for _ in range(count - len(cluster.workers)):
        cluster.add_worker()
    del cluster.workers[count:]
    async with Client(cluster.address, asynchronous=True, set_as_default=False) as client:
        await until(client, has_workers, count)


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "journal")


async def ran(
    cluster: Cluster,
    journal: str,
    rows: Sequence[JSON] = ROWS,
    operation: str = PHONES,
    **more: Any,
) -> ClusterResult:
    bag = dask.bag.from_sequence(rows, npartitions=2)
    more = {"concurrency": CONCURRENCY, **more}
    return await on_dask.run(operation, bag, journal=journal, cluster=cluster.address, **more)


def executed(emulator: Emulator) -> Counter[str | None]:
    """Return how often a change was made for each user."""
    return Counter(request.user_id for request in emulator.requests if request.executed)


ALL = {f"u-{n}" for n in range(USERS)}


async def reached(emulator: Emulator, requests: int) -> None:
    """Wait until an emulator has received this many requests."""
    while emulator.counts.requests < requests:  # noqa: ASYNC110  (no event announces it)
        await asyncio.sleep(0.005)


async def quiet(emulator: Emulator, seconds: float) -> None:
    """Wait until no request has come for some time."""
    last = -1
    while last != (last := emulator.counts.requests):  # noqa: ASYNC110  (nor its absence)
        await asyncio.sleep(seconds)


# Workers


async def test_a_killed_worker_loses_no_row(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    running = asyncio.create_task(ran(cluster, journal))
    await reached(emulator, 200)
    cluster.workers[0].kill()
    result = await running
    assert (result.rows, result.counts) == (USERS, {"ok": USERS})
    counts = executed(emulator)
    assert set(counts) == ALL
    assert 0 <= counts.total() - USERS <= 2 * MOST_AGAIN
    found = result.outcomes.compute(scheduler="sync")
    assert set(found["user_id"]) == ALL
    assert (len(found), set(found["status"])) == (USERS, {"ok"})


async def test_a_killed_worker_applies_once_what_may_be_sent_once(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    running = asyncio.create_task(ran(cluster, journal, EMAILS, "emails.add"))
    await reached(emulator, 200)
    cluster.workers[0].kill()
    result = await running
    assert result.counts == {"ok": USERS}
    assert executed(emulator) == dict.fromkeys(ALL, 1)


def taking_part(dask_scheduler: Any) -> int:
    """Return how many workers have begun a bucket."""
    runs = dask_scheduler.plugins["monocloud"]._runs.values()
    return sum(len(run.workers) for run in runs)


async def test_a_worker_that_joins_late_gets_buckets(
    emulator: Emulator, shared: Cluster, journal: str
) -> None:
    await with_workers(shared, 1)
    emulator.faults.add(Fault(delay=0.1))
    async with Client(shared.address, asynchronous=True, set_as_default=False) as client:
        running = asyncio.create_task(ran(shared, journal, concurrency=2))
        await reached(emulator, 20)
        shared.add_worker(threads=3)
        await until(client, taking_part, 2)
        emulator.faults.clear()
        result = await running
    assert result.counts == {"ok": USERS}
    assert executed(emulator) == dict.fromkeys(ALL, 1)


async def test_a_retired_worker_hands_its_buckets_over(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    async with Client(cluster.address, asynchronous=True, set_as_default=False) as client:
        running = asyncio.create_task(ran(cluster, journal))
        await reached(emulator, 200)
        workers = list((await client.scheduler.identity())["workers"])
        await client.retire_workers(workers[:1], close_workers=True)
        result = await running
    assert result.counts == {"ok": USERS}
    counts = executed(emulator)
    assert set(counts) == ALL
    assert counts.total() - USERS <= 2 * MOST_AGAIN


# The driver


async def test_a_cancelled_driver_stops_the_workers(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    running = asyncio.create_task(ran(cluster, journal))
    await reached(emulator, 200)
    running.cancel()
    began = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert time.monotonic() - began < 5
    sent = emulator.counts.requests
    await quiet(emulator, 0.3)
    assert emulator.counts.requests == sent < USERS
    assert (await ran(cluster, journal)).counts == {"ok": USERS}
    # What was in flight has been recorded.
    assert executed(emulator) == dict.fromkeys(ALL, 1)


DRIVER = """
import asyncio, sys
import dask.bag
from monocloud_async import dask as on_dask
rows = [{"user_id": f"u-{n}", "identifier_id": f"b-{n}"} for n in range(1000)]
bag = dask.bag.from_sequence(rows, npartitions=2)
asyncio.run(on_dask.run(
    "phones.set_primary", bag, journal=sys.argv[1], cluster=sys.argv[2], concurrency=8
))
"""


def runs_and_plugins(dask_scheduler: Any) -> tuple[int, list[str]]:
    runs = dask_scheduler.plugins["monocloud"]._runs
    plugins = [name for name in dask_scheduler.worker_plugins if name.startswith("monocloud")]
    return len(runs), plugins


async def test_a_killed_driver_stops_the_workers(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    arguments = [sys.executable, "-c", DRIVER, journal, cluster.address]
    process = await asyncio.to_thread(subprocess.Popen, arguments)
    await reached(emulator, 200)
    process.kill()
    await asyncio.to_thread(process.wait)
    await quiet(emulator, 0.3)
    assert emulator.counts.requests < USERS
    async with Client(cluster.address, asynchronous=True, set_as_default=False) as client:
        await until(client, runs_and_plugins, (0, []))
    assert (await ran(cluster, journal)).counts == {"ok": USERS}
    assert executed(emulator) == dict.fromkeys(ALL, 1)


# The scheduler


async def test_a_killed_scheduler_ends_the_run_and_a_new_cluster_resumes_it(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    with processes() as doomed:
        await with_workers(doomed, 2)
        running = asyncio.create_task(ran(doomed, journal))
        await reached(emulator, 200)
        doomed.scheduler.kill()
        killed = time.monotonic()
        with pytest.raises(MonoCloudError, match="the connection to the Dask scheduler is lost"):
            await running
        assert time.monotonic() - killed < 10
        await quiet(emulator, 0.3)
    assert emulator.counts.requests < USERS
    result = await ran(cluster, journal)
    assert result.counts == {"ok": USERS}
    counts = executed(emulator)
    assert set(counts) == ALL
    assert counts.total() <= USERS + 4 * MOST_AGAIN


# Keys of workers that join late


async def test_a_worker_that_joins_late_without_the_key_stops_the_run(
    emulator: Emulator, shared: Cluster, journal: str
) -> None:
    await with_workers(shared, 1)
    emulator.faults.add(Fault(delay=0.1))
    running = asyncio.create_task(ran(shared, journal, concurrency=2))
    await reached(emulator, 20)
    shared.add_worker(key="")
    message = (
        rf"^worker tcp://\S+: {API_KEY} is not set on a worker: set it in the environment of all "
        "workers, or use file:PATH, then run the same job again to resume$"
    )
    with pytest.raises(StoppedError, match=message) as stopped:
        await running
    result = stopped.value.result
    assert result is not None
    assert result.counts["skipped"] > 0
    assert result.counts["ok"] == emulator.executions
    emulator.faults.clear()
    await with_workers(shared, 1)
    assert (await ran(shared, journal)).counts == {"ok": USERS}
    assert executed(emulator) == dict.fromkeys(ALL, 1)
