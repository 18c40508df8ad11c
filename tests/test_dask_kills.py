"""Workers, schedulers and drivers of a run die: nothing is lost, and little is sent again."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dask.bag
import pytest
from distributed import Client

from monocloud_async import dask as on_dask
from monocloud_async.dask import ClusterResult
from monocloud_async.emulator import Fault
from monocloud_async.errors import MonoCloudError
from monocloud_sync.emulator import Emulator

from .conftest import KEY
from .dask_cluster import Cluster, processes

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


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    with processes() as started:
        yield started


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


async def ready(cluster: Cluster) -> None:
    async with Client(cluster.address, asynchronous=True, set_as_default=False) as client:
        await client.wait_for_workers(len(cluster.workers))


async def quiet(emulator: Emulator, seconds: float) -> None:
    """Wait until no request has come for some time."""
    last = -1
    while last != (last := emulator.counts.requests):  # noqa: ASYNC110  (nor its absence)
        await asyncio.sleep(seconds)


@pytest.mark.slow
async def test_a_killed_scheduler_ends_the_run_and_a_new_cluster_resumes_it(
    emulator: Emulator, cluster: Cluster, journal: str
) -> None:
    emulator.faults.add(Fault(delay=0.02))
    await ready(cluster)
    running = asyncio.create_task(ran(cluster, journal))
    await reached(emulator, 200)
    cluster.scheduler.kill()
    killed = time.monotonic()
    with pytest.raises(MonoCloudError, match="the connection to the Dask scheduler is lost"):
        await running
    assert time.monotonic() - killed < 10
    await quiet(emulator, 0.5)
    sent = emulator.counts.requests
    assert sent < USERS
    with processes() as other:
        result = await ran(other, journal)
    assert result.counts == {"ok": USERS}
    counts = executed(emulator)
    assert set(counts) == ALL
    assert counts.total() <= USERS + 4 * MOST_AGAIN
