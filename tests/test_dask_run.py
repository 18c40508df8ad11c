"""A run on a Dask cluster: what is sent, what it returns and what it leaves behind."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dask.bag
import dask.dataframe
import pandas
import pyarrow
import pyarrow.parquet
import pytest
from distributed import Client

from monocloud_async import dask as on_dask
from monocloud_async.dask import ClusterResult, InputMistakesError, StoppedError
from monocloud_async.dask.driver import Progress
from monocloud_async.emulator import Fault
from monocloud_async.errors import ConfigurationError
from monocloud_sync.emulator import Emulator

from .conftest import API_KEY, KEY
from .dask_cluster import cluster

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
