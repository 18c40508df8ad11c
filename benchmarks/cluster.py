"""Batches on a Dask cluster of this machine: ``python -m benchmarks.cluster``.

- limited: 1, 2, 4 and 8 workers against one limit of 200 calls per second (burst 20).
- unlimited: rows per second with 1 and 2 workers, beside a run in one process.
- kills: workers and a scheduler killed at random; what was lost and what was sent twice.
- simulated: 200 tenants, and 1,000 workers, in virtual time with the real controller.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import attrs
import psutil  # type: ignore[import-untyped, unused-ignore]

import monocloud_async
import monocloud_async.dask
from monocloud_async.dask import ClusterResult, Progress
from monocloud_async.errors import MonoCloudError

from .cluster_simulation import Tenant, Times, simulate
from .server import ROOT, running

_SERVER = "benchmarks.cluster_server"
_KEY = "benchmark-key"
_PHONE = "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"
_LIMIT, _BURST = 200, 20
_FILES = 8


def write_rows(directory: Path, count: int) -> str:
    """Write rows to some files, and return their pattern."""
    directory.mkdir()
    for number in range(_FILES):
        lines = (f"U{n:09d},{_PHONE}\n" for n in range(number, count, _FILES))
        with (directory / f"{number}.csv").open("w") as file:
            file.write("user_id,identifier_id\n")
            file.writelines(lines)
    return f"{directory}/*.csv"


def counts(origin: str) -> Mapping[str, float]:
    """Return what the server has counted."""
    with urllib.request.urlopen(f"{origin}/counts", timeout=10) as response:
        found: Mapping[str, float] = json.load(response)
        return found


async def _run(origin: str, rows: str, journal: Path, **more: Any) -> ClusterResult:
    return await monocloud_async.dask.run(
        "phones.set_primary", rows, journal=str(journal), domain=origin, **more
    )


def limited(count: int, workers: int) -> str:
    """Run workers against one limit, and return a summary."""
    with (
        tempfile.TemporaryDirectory() as name,
        running(_SERVER, str(_LIMIT), str(_BURST)) as origin,
    ):
        rows = write_rows(Path(name, "rows"), count)
        asyncio.run(_run(origin, rows, Path(name, "journal"), workers=workers))
        seen = counts(origin)
    used = seen["applied"] / seen["seconds"] / _LIMIT
    refused = seen["refused"] / (seen["refused"] + seen["applied"])
    return f"{workers} workers, {count:,} rows: {used:.1%} of the limit used, {refused:.2%} refused"


def unlimited(count: int, workers: int) -> str:
    """Run workers against a server without a limit, and return a summary."""
    start, start_here, _ = _measured(100, workers)
    whole, whole_here, rate = _measured(count, workers)
    of_workers = 1e6 * (whole - start) / count
    here = 1e6 * (whole_here - start_here) / count
    return (
        f"{workers} workers, {count:,} rows: {rate:,.0f} rows/s; CPU time of a row: "
        f"{of_workers:.0f} us in the workers, {here:.0f} us in the driver and the scheduler"
    )


def _measured(count: int, workers: int) -> tuple[float, float, float]:
    """Return the CPU time of the workers, that of this process, and the rows per second."""
    with tempfile.TemporaryDirectory() as name, running(_SERVER) as origin:
        rows = write_rows(Path(name, "rows"), count)
        before = _cpu()
        asyncio.run(_run(origin, rows, Path(name, "journal"), workers=workers))
        after, seen = _cpu(), counts(origin)
    children, own = (b - a for a, b in zip(before, after, strict=True))
    return children, own, seen["applied"] / seen["seconds"]


def _cpu() -> tuple[float, float]:
    """Return the CPU time of processes that have ended, and that of this one."""
    found = [resource.getrusage(who) for who in (resource.RUSAGE_CHILDREN, resource.RUSAGE_SELF)]
    children, own = (one.ru_utime + one.ru_stime for one in found)
    return children, own


def one_process(count: int) -> str:
    """Run the same rows in this process, without a cluster or a journal."""

    async def main(origin: str) -> None:
        given = ((f"U{n:09d}", _PHONE) for n in range(count))
        async with monocloud_async.MonoCloudClient(origin, _KEY) as client:
            async for outcome in client.phones.set_primary_many(given):
                if outcome.error:
                    raise outcome.error

    with running(_SERVER) as origin:
        asyncio.run(main(origin))
        seen = counts(origin)
    return f"one process: {seen['applied'] / seen['seconds']:,.0f} rows/s"


@contextmanager
def _cluster(workers: int) -> Iterator[tuple[str, subprocess.Popen[bytes], int]]:
    """Run a scheduler and workers as processes of their own.

    Yields the scheduler's address, the scheduler, and the id of the process that keeps the workers.
    """
    with ExitStack() as stack, tempfile.TemporaryDirectory() as directory:
        file = f"{directory}/scheduler.json"
        options = ("--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", file)
        scheduler = stack.enter_context(_process("distributed.cli.dask_scheduler", *options))
        while not Path(file).exists():
            time.sleep(0.1)
        address = json.loads(Path(file).read_text())["address"]
        workers_options = (address, "--nworkers", str(workers), "--nthreads", "1", "--no-dashboard")
        keeper = stack.enter_context(_process("distributed.cli.dask_worker", *workers_options))
        yield address, scheduler, keeper.pid


@contextmanager
def _process(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", module, *arguments]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "MONOCLOUD_MANAGEMENT_API_KEY": _KEY},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    ) as process:
        try:
            yield process
        finally:
            os.killpg(process.pid, signal.SIGTERM)


@attrs.define(eq=False)
class _Killer:
    """Kills processes when enough rows are done.

    Attributes:
        at: after how many rows to kill a worker.
        scheduler_at: after how many rows to kill the scheduler; None for never.
        chance: chooses the worker.
        keeper: the process that keeps the workers running.
        scheduler: the scheduler.
    """

    at: list[int]
    scheduler_at: int | None
    chance: random.Random
    keeper: int = 0
    scheduler: subprocess.Popen[bytes] | None = None

    def __call__(self, progress: Progress) -> None:
        done = sum(progress.counts.values())
        if self.scheduler_at is not None and done >= self.scheduler_at and self.scheduler:
            self.scheduler_at = None
            self.scheduler.kill()
        elif self.at and done >= self.at[0]:
            self.at.pop(0)
            children = psutil.Process(self.keeper).children(recursive=True)
            workers = [one for one in children if "spawn_main" in " ".join(one.cmdline())]
            self.chance.choice(workers).kill()


def killed(count: int, kills: int, workers: int, seed: int) -> str:
    """Kill workers at random and the scheduler once, and return a summary."""
    chance = random.Random(seed)
    killer = _Killer(
        sorted(chance.randrange(count) for _ in range(kills)), chance.randrange(count), chance
    )
    runs, began = 0, time.perf_counter()
    with tempfile.TemporaryDirectory() as name, running(_SERVER, "2000", "200") as origin:
        rows = write_rows(Path(name, "rows"), count)
        result: ClusterResult | None = None
        while result is None:
            runs += 1
            with _cluster(workers) as (address, killer.scheduler, killer.keeper):
                journal = Path(name, "journal")
                with suppress(MonoCloudError):
                    result = asyncio.run(
                        _run(origin, rows, journal, cluster=address, progress=killer)
                    )
        seen = counts(origin)
    lost, twice = count - seen["users"], seen["applied"] - seen["users"]
    return (
        f"{count:,} rows, {workers} workers, {kills} of them killed and the scheduler once: "
        f"{lost:,.0f} lost, {twice:,.0f} sent twice, totals {result.counts}; {runs} runs, "
        f"{time.perf_counter() - began:.0f} s"
    )


def simulated_tenants(seed: int) -> str:
    """Run 200 tenants in virtual time, and return a summary."""
    chance = random.Random(seed)
    limits = [round(5 * 100 ** chance.random(), 1) for _ in range(200)]
    tenants = [Tenant(limit, max(5.0, limit / 10), int(limit * 30 + 300)) for limit in limits]
    ran = simulate(tenants, workers=4, concurrency=8, seed=seed)
    used, refused = sorted(one.used for one in ran), max(one.share_refused for one in ran)
    leases = sum(one.grants for one in ran) / max(one.seconds for one in ran)
    return (
        f"200 tenants with limits of 5 to 500 calls/s, 4 workers, 30 s or more: used {used[0]:.1%} "
        f"at least, {used[len(used) // 2]:.1%} median; refused {refused:.2%} at "
        f"most; {leases:,.0f} leases/s"
    )


def simulated_workers(workers: int, seed: int) -> str:
    """Run many workers against one limit in virtual time, and return a summary."""
    limit, rows = 2000.0, 60_000
    (ran,) = simulate(
        [Tenant(limit, 200, rows)],
        workers=workers,
        concurrency=8,
        times=Times(message=(0.002, 0.02)),
        seed=seed,
    )
    shares, ages = sorted(ran.by_worker.values()), sorted(ran.ages)
    return (
        f"{workers:,} workers, {limit:,.0f} calls/s, {rows:,} rows: {ran.used:.1%} used, "
        f"{ran.share_refused:.2%} refused; {ran.grants / ran.seconds:,.0f} leases/s; a turn is "
        f"{1000 * ages[len(ages) // 2]:.0f} ms old when used (p95 "
        f"{1000 * ages[len(ages) * 95 // 100]:.0f}); rows of a worker {shares[0]} to {shares[-1]}"
    )


def main() -> None:
    """Run the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = ("limited", "unlimited", "kills", "simulated")
    parser.add_argument("parts", nargs="*", choices=[*parts, []], default=[])
    parser.add_argument("--rows", type=int, default=6000, help="of each limited run")
    parser.add_argument("--unlimited-rows", type=int, default=100_000)
    parser.add_argument("--kill-rows", type=int, default=50_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    wanted = options.parts or parts
    os.environ["MONOCLOUD_MANAGEMENT_API_KEY"] = _KEY
    if "limited" in wanted:
        for workers in (1, 2, 4, 8):
            print(limited(options.rows, workers), flush=True)
    if "unlimited" in wanted:
        print(one_process(options.unlimited_rows), flush=True)
        for workers in (1, 2):
            print(unlimited(options.unlimited_rows, workers), flush=True)
    if "kills" in wanted:
        print(killed(options.kill_rows, 10, 4, options.seed), flush=True)
    if "simulated" in wanted:
        print(simulated_tenants(options.seed), flush=True)
        for workers in (10, 100, 1000):
            print(simulated_workers(workers, options.seed), flush=True)


if __name__ == "__main__":
    main()
