"""A run on a Dask cluster: what is sent, what it returns and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import dask.bag
import dask.dataframe
import fsspec
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from distributed import Client

from monocloud_async import dask as on_dask
from monocloud_async.dask import ClusterResult, InputMistakesError, StoppedError, plan
from monocloud_async.dask.driver import Progress
from monocloud_async.dask.plan import Bucket
from monocloud_async.emulator import Fault
from monocloud_async.errors import ConfigurationError, InvalidArgumentError, MonoCloudError
from monocloud_sync.emulator import Emulator

from .conftest import KEY
from .dask_cluster import cluster, processes, threads

PHONES = "phones.set_primary"
USERS = 60
OTHER_KEY = "another-key"
Row = Mapping[str, str]


def user(n: int) -> dict[str, object]:
    phones = [
        {"id": f"{letter}-{n}", "phone": f"+44151{place}{n:06}", "primary": letter == "a"}
        for place, letter in enumerate("abc", 4)
    ]
    return {"user_id": f"u-{n}", "phone_numbers": phones}


SEED = [user(n) for n in range(USERS)]


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(SEED, api_key=KEY) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def other_running() -> Iterator[Emulator]:
    with Emulator(SEED, api_key=OTHER_KEY) as emulator:
        yield emulator


@pytest.fixture
def other(other_running: Emulator) -> Emulator:
    other_running.reset()
    return other_running


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with cluster(ONE=KEY, TWO=OTHER_KEY) as address:
        yield address


@pytest.fixture
def journal(tmp_path: Path) -> str:
    return str(tmp_path / "journal")


def row(n: int, letter: str) -> Row:
    return {"user_id": f"u-{n}", "identifier_id": f"{letter}-{n}"}


# Three rows for each user; the last one sets phone c.
ROWS = [row(n, letter) for letter in "bac" for n in range(USERS)]


def csv(rows: Sequence[Row]) -> str:
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    return "\n".join(lines) + "\n"


def write(folder: Path, rows: Sequence[Row]) -> str:
    """Write rows as CSV, JSON Lines and Parquet, in this order; return the pattern."""
    folder.mkdir(exist_ok=True)
    third = -(-len(rows) // 3)
    (folder / "a.csv").write_text(csv(rows[:third]))
    (folder / "b.jsonl").write_text("\n".join(map(json.dumps, rows[third : 2 * third])))
    table = pyarrow.Table.from_pylist([dict(row) for row in rows[2 * third :]])
    pyarrow.parquet.write_table(table, folder / "c.parquet")
    return f"{folder}/*"


def sent(emulator: Emulator) -> dict[str, list[str]]:
    """Return the phones that were set for each user, in order."""
    found: dict[str, list[str]] = {}
    for request in emulator.requests:
        if request.executed:
            assert request.user_id is not None
            found.setdefault(request.user_id, []).append(request.path.split("/")[-2])
    return found


WANTED = {f"u-{n}": [f"{letter}-{n}" for letter in "bac"] for n in range(USERS)}


def names(journal: str) -> set[str]:
    return {path.name for path in Path(journal).iterdir()}


def contents(journal: str) -> list[bytes]:
    return [path.read_bytes() for path in Path(journal).rglob("*") if path.is_file()]


def frame(result: ClusterResult) -> pandas.DataFrame:
    found: pandas.DataFrame = result.outcomes.compute(scheduler="sync")
    return found.sort_values(["input", "line"], ignore_index=True)


async def ran(rows: object, journal: str, scheduler: object, **more: Any) -> ClusterResult:
    return await on_dask.run(PHONES, rows, journal=journal, cluster=scheduler, **more)


# Inputs


async def test_files_of_all_kinds_are_sent(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    shown: list[Progress] = []
    result = await ran(pattern, journal, scheduler, progress=shown.append)
    assert (result.rows, result.counts) == (180, {"ok": 180})
    assert sent(emulator) == WANTED
    assert emulator.counts.requests == 180
    found = frame(result)
    assert list(found.columns) == [
        *("input", "line", "user_id", "identifier_id", "status", "http_status", "error"),
        *("trace_id", "attempts", "result"),
    ]
    assert [Path(name).name for name in found["input"]] == [
        name for name in ("a.csv", "b.jsonl", "c.parquet") for _ in range(60)
    ]
    # The first line of CSV is its header.
    assert list(found["line"]) == [*range(2, 62), *range(1, 61), *range(1, 61)]
    assert found[["user_id", "identifier_id"]].to_dict("records") == ROWS
    assert set(found["status"]) == {"ok"}
    assert set(found["http_status"]) == {200}
    assert set(found["attempts"]) == {1}
    assert all(trace.startswith("00-") for trace in found["trace_id"])
    assert (shown[-1].rows, shown[-1].counts) == (180, {"ok": 180})


async def test_a_data_frame_is_sent(emulator: Emulator, scheduler: str, journal: str) -> None:
    data = dask.dataframe.from_pandas(pandas.DataFrame(ROWS), npartitions=4, sort=False)
    result = await ran(data, journal, scheduler)
    assert result.counts == {"ok": 180}
    assert sent(emulator) == WANTED
    found = frame(result)
    assert found[["user_id", "identifier_id"]].to_dict("records") == ROWS
    assert list(found["input"].unique()) == [f"partition {n}" for n in range(4)]


async def test_a_bag_is_sent(emulator: Emulator, scheduler: str, journal: str) -> None:
    result = await ran(dask.bag.from_sequence(ROWS, npartitions=3), journal, scheduler)
    assert result.counts == {"ok": 180}
    assert sent(emulator) == WANTED
    assert frame(result)[["user_id", "identifier_id"]].to_dict("records") == ROWS


# The journal


async def test_a_second_run_sends_only_what_failed(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    emulator.faults.add(Fault(status=422, user_id="u-3", problem={"title": "Never"}))
    first = await ran(pattern, journal, scheduler)
    assert first.counts == {"ok": 177, "failed": 3}
    failed = frame(first).query("status == 'failed'")
    assert list(failed["user_id"]) == ["u-3"] * 3
    assert all("Never" in error for error in failed["error"])
    emulator.reset()
    again = await ran(pattern, journal, scheduler)
    assert again.counts == {"ok": 180}
    assert sent(emulator) == {"u-3": ["b-3", "a-3", "c-3"]}
    emulator.reset()
    last = await ran(pattern, journal, scheduler)
    assert last.counts == {"ok": 180}
    assert emulator.counts.requests == 0
    assert len(frame(last)) == 180


async def test_a_journal_of_another_job_is_refused(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    await ran(pattern, journal, scheduler)
    emulator.reset()
    changes: Sequence[tuple[str, Mapping[str, Any]]] = [
        ("other tenants", {"domain": "http://localhost:1"}),
        ("other fixed arguments", {"null": "NULL"}),
    ]
    for why, change in changes:
        with pytest.raises(ConfigurationError, match=f"{why}.*nothing was sent"):
            await ran(pattern, journal, scheduler, **change)
    with pytest.raises(ConfigurationError, match=r"phones\.set_primary, not users\.disable"):
        await on_dask.run(
            "users.disable",
            pattern,
            journal=journal,
            cluster=scheduler,
            ignored=["identifier_id"],
        )
    write(tmp_path / "rows", [*ROWS[:5], row(9, "c")])
    with pytest.raises(ConfigurationError, match=r"another input.*nothing was sent"):
        await ran(pattern, journal, scheduler)
    assert emulator.counts.requests == 0


async def test_the_rows_are_removed_from_the_journal(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    await ran(write(tmp_path / "rows", ROWS), journal, scheduler)
    assert names(journal) == {"job.json", "parts", "results"}


# Mistakes


async def test_mistakes_are_named_with_their_files_and_lines(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    with (tmp_path / "rows" / "a.csv").open("a") as file:
        file.write("u-1,\n")
    with (tmp_path / "rows" / "b.jsonl").open("a") as file:
        file.write('\n{"user_id": "u-1"}\n')
    with pytest.raises(InputMistakesError, match="the input has 2 mistakes; nothing was sent") as e:
        await ran(pattern, journal, scheduler)
    first, second = e.value.mistakes
    assert first.startswith(f"{tmp_path}/rows/a.csv, line 62: ")
    assert second == f"{tmp_path}/rows/b.jsonl, line 61: missing member identifier_id"
    assert emulator.counts.requests == 0
    assert names(journal) == set()


async def test_items_of_a_bag_that_are_no_mappings_are_a_mistake(
    emulator: Emulator, scheduler: str, journal: str
) -> None:
    bag = dask.bag.from_sequence(["u-1", "u-2"], npartitions=2)
    with pytest.raises(ConfigurationError, match="must be mappings of arguments, not str"):
        await ran(bag, journal, scheduler)
    assert emulator.counts.requests == 0


# Tenants and keys


def of_tenants(*emulators: Emulator) -> list[Row]:
    return [{"domain": emulator.url, **row} for row in ROWS for emulator in emulators]


def keys_of(emulator: Emulator) -> Counter[int | None]:
    return Counter(request.status for request in emulator.requests)


async def test_each_tenant_has_a_key_of_its_own(
    emulator: Emulator, other: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", of_tenants(emulator, other))
    (tmp_path / "key").write_text(f"{OTHER_KEY}\n")
    tenants = {emulator.url: "env:ONE", other.url: f"file:{tmp_path / 'key'}"}
    result = await ran(pattern, journal, scheduler, tenants=tenants)
    assert result.counts == {"ok": 360}
    # The wrong key would be refused.
    assert keys_of(emulator) == keys_of(other) == {200: 180}
    assert sent(emulator) == sent(other) == WANTED
    assert Counter(frame(result)["domain"]) == {emulator.url: 180, other.url: 180}


async def test_a_wrong_key_stops_its_tenant_alone(
    emulator: Emulator, other: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", of_tenants(emulator, other))
    wrong = {emulator.url: "env:ONE", other.url: "env:ONE"}
    with pytest.raises(StoppedError) as stopped:
        await ran(pattern, journal, scheduler, tenants=wrong)
    result = stopped.value.result
    assert result is not None
    assert sent(emulator) == WANTED
    assert sent(other) == {}
    assert result.counts["ok"] == 180
    assert sum(result.counts.values()) == result.rows == 360
    found = frame(result)
    assert Counter(found.query("status == 'ok'")["domain"]) == {emulator.url: 180}
    assert len(found) == 360
    # The right key resumes.
    right = {**wrong, other.url: "env:TWO"}
    assert (await ran(pattern, journal, scheduler, tenants=right)).counts == {"ok": 360}
    assert sent(other) == WANTED
    assert emulator.counts.requests == 180


async def test_workers_without_the_key_send_nothing(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    message = r"^worker tcp://127\.0\.0\.1:\d+: NO_SUCH_KEY is not set on a worker; nothing was"
    with pytest.raises(ConfigurationError, match=message):
        await ran(pattern, journal, scheduler, api_key="env:NO_SUCH_KEY")
    assert emulator.counts.requests == 0


async def test_a_key_itself_is_refused_and_not_shown(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    with pytest.raises(ConfigurationError, match="env:NAME or file:PATH") as refused:
        await ran(pattern, journal, scheduler, api_key=KEY)
    assert KEY not in str(refused.value)
    with pytest.raises(ConfigurationError, match="env:NAME or file:PATH") as refused:
        await ran(pattern, journal, scheduler, tenants={emulator.url: KEY})
    assert KEY not in str(refused.value)
    assert emulator.counts.requests == 0


# What the cluster has in memory and in its logs


def plugins_and_tasks(dask_scheduler: Any) -> str:
    plugins = [*dask_scheduler.worker_plugins.values(), *dask_scheduler.nanny_plugins.values()]
    tasks = [(ts.key, str(ts.run_spec), str(ts.exception)) for ts in dask_scheduler.tasks.values()]
    events = [str(event) for topic in dask_scheduler.get_events().values() for event in topic]
    return str((plugins, tasks, events))


async def test_the_key_is_in_no_state_log_event_or_file(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    emulator.faults.add(Fault(status=500, user_id="u-3"), Fault(status=422, user_id="u-4"))
    dumps: list[str] = []
    async with Client(scheduler, asynchronous=True, set_as_default=False) as client:
        looking = asyncio.Event()
        running = asyncio.create_task(
            ran(pattern, journal, scheduler, max_attempts=2, progress=lambda _: looking.set())
        )
        await looking.wait()
        dumps.append(await client.run_on_scheduler(plugins_and_tasks))
        result = await running
        await client.dump_cluster_state(str(tmp_path / "dump"), format="yaml")
        dumps.append((tmp_path / "dump.yaml").read_text())
        dumps.append(str(await client.get_worker_logs()))
        dumps.append(str(await client.get_scheduler_logs()))
        dumps.append(await client.run_on_scheduler(plugins_and_tasks))
    assert result.counts["failed"] > 0
    assert "Workplace" in dumps[0]
    assert "phones.set_primary" in dumps[0]
    files = contents(journal)
    assert len(files) >= 3
    for dump in dumps:
        assert KEY not in dump
    assert not any(KEY.encode() in content for content in files)


# Ends


async def test_too_many_failures_stop_the_run_with_exact_totals(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    emulator.faults.add(Fault(status=422, user_id="u-3"), Fault(delay=0.05))
    with pytest.raises(StoppedError, match="more than 0 rows failed") as stopped:
        await ran(pattern, journal, scheduler, max_failures=0, concurrency=2)
    result = stopped.value.result
    assert result is not None
    counts = result.counts
    assert sum(counts.values()) == result.rows == 180
    assert counts["failed"] >= 1
    assert counts["skipped"] > 100
    statuses = emulator.counts.requests_by_status
    assert counts["ok"] == statuses[200]
    assert counts["failed"] == statuses[422]
    assert Counter(frame(result)["status"]) == counts
    emulator.faults.clear()
    assert (await ran(pattern, journal, scheduler)).counts == {"ok": 180}
    assert emulator.executions == 180


class CallersError(RuntimeError):
    """Raised by the caller's function."""


async def test_an_error_of_the_callers_function_ends_the_run(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    emulator.faults.add(Fault(delay=0.2))

    def show(progress: Progress) -> None:
        raise CallersError

    with pytest.raises(CallersError):
        await ran(pattern, journal, scheduler, progress=show, concurrency=1)
    assert emulator.counts.requests < 90
    emulator.faults.clear()
    assert (await ran(pattern, journal, scheduler)).counts == {"ok": 180}


async def test_two_runs_at_once_do_not_disturb_each_other(
    emulator: Emulator, other: Emulator, scheduler: str, tmp_path: Path
) -> None:
    data = dask.dataframe.from_pandas(pandas.DataFrame(ROWS), npartitions=2, sort=False)
    first, second = await asyncio.gather(
        ran(data, str(tmp_path / "first"), scheduler),
        ran(data, str(tmp_path / "second"), scheduler, domain=other.url, api_key="env:TWO"),
    )
    assert first.counts == second.counts == {"ok": 180}
    assert sent(emulator) == sent(other) == WANTED


# What is left after a run


def left_on_scheduler(dask_scheduler: Any) -> tuple[Any, ...]:
    coordinator = dask_scheduler.plugins["monocloud"]
    return (
        [name for name in dask_scheduler.worker_plugins if name.startswith("monocloud")],
        list(coordinator._runs),
        list(dask_scheduler.tasks),
        # The client that asks, and one of Dask's own.
        len(dask_scheduler.clients) - 2,
    )


def left_on_worker(dask_worker: Any) -> tuple[Any, ...]:
    # Pickled by value, since the workers do not import the tests.
    import gc
    import threading

    from monocloud_async import MonoCloudClient
    from monocloud_async.dask.leased_gate import LeasedGate
    from monocloud_async.dask.workplace import Workplace

    gc.collect()
    objects = gc.get_objects()
    kinds = (MonoCloudClient, LeasedGate, Workplace)
    busy = [t.name for t in threading.enumerate() if "Dask-Default" in t.name]
    return (
        [name for name in dask_worker.plugins if name.startswith("monocloud")],
        sorted(type(each).__name__ for each in objects if isinstance(each, kinds)),
        len(busy),
        len(dask_worker.state.tasks),
    )


async def test_a_run_leaves_nothing_in_the_cluster(
    emulator: Emulator, scheduler: str, tmp_path: Path
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    async with Client(scheduler, asynchronous=True, set_as_default=False) as client:
        await ran(pattern, str(tmp_path / "0"), scheduler)
        before = await client.run(left_on_worker)
        for n in range(1, 4):
            await ran(pattern, str(tmp_path / str(n)), scheduler)
        assert await client.run_on_scheduler(left_on_scheduler) == ([], [], [], 0)
        after = await client.run(left_on_worker)
    for address, found in after.items():
        assert found[0] == []
        # Dask may hold on to a plugin whose setup failed in another test.
        assert found[1] in ([], ["Workplace"] * before[address][1].count("Workplace"))
        assert found[3] == 0
    assert [one[2] for one in after.values()] == [one[2] for one in before.values()]


# Other clusters


async def test_workers_may_be_threads_of_one_process(
    emulator: Emulator, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    async with threads() as one:
        result = await ran(pattern, journal, one)
    assert result.counts == {"ok": 180}
    assert sent(emulator) == WANTED


async def test_a_scheduler_that_has_ended_the_run_is_lost(
    emulator: Emulator, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    emulator.faults.add(Fault(delay=0.05))
    async with threads() as one:
        scheduler = cast("Any", one).scheduler
        running = asyncio.create_task(ran(pattern, journal, one, concurrency=1))
        while emulator.counts.requests < 20:  # noqa: ASYNC110  (no event announces it)
            await asyncio.sleep(0.005)
        # As if the driver's connection was lost, and is back before the driver notices.
        coordinator = scheduler.plugins["monocloud"]
        for run in list(coordinator._runs.values()):
            coordinator.remove_client(scheduler, run.client)
        with pytest.raises(MonoCloudError, match=r"to the Dask scheduler is lost.* to resume"):
            await running
        emulator.faults.clear()
        assert (await ran(pattern, journal, one)).counts == {"ok": 180}


async def test_a_client_may_stand_for_the_cluster(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    async with Client(scheduler, asynchronous=True, set_as_default=False) as client:
        assert (await ran(pattern, journal, client)).counts == {"ok": 6}
        assert client.status == "running"


async def test_a_scheduler_that_cannot_be_reached_is_a_mistake(
    emulator: Emulator, tmp_path: Path, journal: str, unused_port: int, monkeypatch: Any
) -> None:
    monkeypatch.setattr("monocloud_async.dask.cluster._SECONDS", 0.2)
    pattern = write(tmp_path / "rows", ROWS[:6])
    address = f"tcp://127.0.0.1:{unused_port}"
    message = f"cannot connect to the Dask scheduler at {address}: .*; nothing was sent"
    with pytest.raises(ConfigurationError, match=message):
        await ran(pattern, journal, address)
    for wrong in ("127.0.0.1:no-port", 5):
        with pytest.raises(ConfigurationError, match="nothing was sent"):
            await ran(pattern, journal, wrong)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"max_failures": -1}, "max_failures must be a whole number, 0 or more"),
        ({"max_failures": True}, "max_failures must be a whole number, 0 or more"),
        ({"max_attempts": 0}, "max_attempts"),
        ({"timeout": 0}, "timeout"),
        ({"concurrency": 0}, "concurrency must be"),
        ({"rate": 0}, "rate must be"),
    ],
)
async def test_an_invalid_limit_is_a_mistake_before_anything_starts(
    tmp_path: Path, journal: str, options: dict[str, Any], message: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    # Nothing listens there, and nothing connects.
    address = "tcp://127.0.0.1:1"
    with pytest.raises(ValueError, match=message):
        await ran(pattern, journal, address, domain="acme.example", **options)
    assert fsspec.filesystem("file").ls(str(tmp_path), detail=False) == [str(tmp_path / "rows")]


@pytest.mark.parametrize("workers", [0, -1, "2", True])
async def test_a_cluster_needs_workers(tmp_path: Path, journal: str, workers: Any) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    message = f"workers must be a whole number, 1 or more, or None, not {workers!r}; nothing was"
    with pytest.raises(InvalidArgumentError, match=message):
        await ran(pattern, journal, None, domain="acme.example", workers=workers)


async def test_another_kind_of_server_is_a_mistake(
    emulator: Emulator, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    address = emulator.url.replace("http://", "tcp://")
    with pytest.raises(ConfigurationError) as wrong:
        await ran(pattern, journal, address)
    assert str(wrong.value) == (
        f"cannot connect to the Dask scheduler at {address}: another kind of server responds "
        "there; nothing was sent: check its address"
    )


HIDE = "import sys; sys.modules['monocloud_async.dask.{}'] = None"


@pytest.mark.full
async def test_a_scheduler_without_the_package_is_a_mistake(
    emulator: Emulator, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    with processes(0, preload=HIDE.format("coordinator")) as other:
        message = r"the Dask scheduler cannot .*nothing was sent: install monocloud\[dask\]"
        with pytest.raises(ConfigurationError, match=message):
            await ran(pattern, journal, other.address)


@pytest.mark.full
async def test_workers_without_the_package_are_a_mistake(
    emulator: Emulator, tmp_path: Path, journal: str
) -> None:
    pattern = write(tmp_path / "rows", ROWS[:6])
    with processes(0) as other:
        other.add_worker(preload=HIDE.format("workplace"))
        async with Client(other.address, asynchronous=True, set_as_default=False) as client:
            await client.wait_for_workers(1)
        with pytest.raises(ConfigurationError, match=r"install monocloud\[dask\]") as lacking:
            await ran(pattern, journal, other.address)
    assert "nothing was sent" in str(lacking.value)
    assert emulator.counts.requests == 0


async def test_a_second_run_of_the_same_journal_takes_over(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr("monocloud_async.dask.plan._ROWS", 20)
    pattern = write(tmp_path / "rows", ROWS)
    emulator.faults.add(Fault(delay=0.05))
    first = asyncio.create_task(ran(pattern, journal, scheduler, concurrency=1))
    while emulator.counts.requests < 20:  # noqa: ASYNC110  (no event announces it)
        await asyncio.sleep(0.005)
    second = await ran(pattern, journal, scheduler)
    assert second.counts == {"ok": 180}
    with pytest.raises(StoppedError, match="a newer run"):
        await first
    assert set(sent(emulator)) == set(WANTED)
    # What the first run had in flight or had not recorded yet is sent again.
    assert emulator.executions < 240
    assert names(journal) == {"job.json", "parts", "results"}


@pytest.mark.parametrize("place", ["workplace", "driver"])
async def test_another_version_of_the_sdk_is_a_mistake(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str, place: str, monkeypatch: Any
) -> None:
    # The workers are processes of their own; the scheduler is in this one.
    monkeypatch.setattr(f"monocloud_async.dask.{place}.__version__", "0.0.1")
    pattern = write(tmp_path / "rows", ROWS)
    message = r"monocloud is \S+ there and 0\.0\.1 here; nothing was sent: install .*the version"
    with pytest.raises(ConfigurationError, match=message):
        await ran(pattern, journal, scheduler)
    assert emulator.counts.requests == 0


async def test_what_is_sent_to_workers_is_small(
    emulator: Emulator, scheduler: str, tmp_path: Path, journal: str, monkeypatch: Any
) -> None:
    pattern = write(tmp_path / "rows", ROWS)
    sizes: list[int] = []

    def planned(*given: Any) -> Sequence[Bucket]:
        found = plan.planned(*given)
        sizes.extend(len(pickle.dumps(bucket)) for bucket in found)
        return found

    monkeypatch.setattr("monocloud_async.dask.driver.planned", planned)
    monkeypatch.setattr("monocloud_async.dask.plan._ROWS", 20)
    await ran(pattern, journal, scheduler)
    assert len(sizes) == 16
    # They say where the rows are: in each of three files, not which.
    assert max(sizes) < 2_000
