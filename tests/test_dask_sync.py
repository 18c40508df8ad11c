"""Runs on a Dask cluster from blocking code."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from pathlib import Path

import pytest

import monocloud_async.dask
import monocloud_sync.dask
from monocloud_async import ConfigurationError
from monocloud_sync.emulator import Emulator

from .conftest import KEY
from .dask_cluster import cluster
from .test_dask_command import HEADER, PHONES, user

# They start clusters or kill attempts: the tests of buckets and runs cover the rest faster.
pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([user(n) for n in range(20)], api_key=KEY) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with cluster() as address:
        yield address


def test_a_run_blocks_until_its_end(emulator: Emulator, scheduler: str, tmp_path: Path) -> None:
    text = "".join(f"u-{n},b-{n}\n" for n in range(20))
    (tmp_path / "rows.csv").write_text(HEADER + text)
    seen: list[monocloud_sync.dask.Progress] = []
    result = monocloud_sync.dask.run(
        PHONES,
        str(tmp_path / "*.csv"),
        journal=str(tmp_path / "journal"),
        cluster=scheduler,
        progress=seen.append,
    )
    assert (result.rows, result.counts) == (20, {"ok": 20})
    assert seen[-1].counts == {"ok": 20}
    outcomes = result.outcomes.compute(scheduler="synchronous").sort_values("line")
    assert list(outcomes["user_id"]) == [f"u-{n}" for n in range(20)]


def test_errors_are_those_of_the_asynchronous_run(emulator: Emulator, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"no files match .*; nothing was sent"):
        monocloud_sync.dask.run(PHONES, f"{tmp_path}/*.csv", journal=str(tmp_path / "journal"))


@pytest.mark.parametrize("name", ["run", "import_users"])
def test_it_has_the_signature_of_the_asynchronous_run(name: str) -> None:
    twins = (getattr(monocloud_sync.dask, name), getattr(monocloud_async.dask, name))
    blocking, asynchronous = map(inspect.signature, twins)
    assert blocking.parameters == asynchronous.parameters


def test_an_import_blocks_until_its_end(emulator: Emulator, scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "users.csv").write_text("email\nmira@b.example\nann@b.example\n")
    journal = str(tmp_path / "journal")
    path = str(tmp_path / "users.csv")
    result = monocloud_sync.dask.import_users(path, journal=journal, cluster=scheduler)
    assert result.counts == {"created": 2}
