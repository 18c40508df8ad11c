"""Import users, with and without kills: ``python -m benchmarks.importing``.

The first part repeatedly kills an import with a journal, and resumes it each time. In the end,
every user must exist, and no change may have been made twice. The second part compares imports
without kills to a plain loop of ``client.users.create`` with as many workers, against the emulator
and a small server. The last part imports with a rate limit that no header announces: 200 calls per
second with a burst of 20, enforced by 429 with ``Retry-After: 1``.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import monocloud_async

from .server import ROOT, running

_WORKERS = 32
_SERVER = "benchmarks.import_server"
# A realistic response time, in seconds; fewer rows suffice with it.
_SLOW = 0.02
_FEWER_WHERE_SLOW = 5
_LIMIT = 200
_BURST = 20
_HASH = "$2b$10$" + "a" * 53
_KEY = "benchmark-key"


def rows(count: int, steps: int) -> Iterator[dict[str, Any]]:
    """Yield import rows of one or four steps."""
    for n in range(count):
        row: dict[str, Any] = {
            "email": f"user-{n:08}@example.com",
            "email_verified": True,
            "name": f"Given Family {n}",
            "given_name": "Given",
            "family_name": f"Family {n}",
            "password_hash": _HASH,
            "password_hash_algorithm": "bcrypt",
        }
        if steps > 1:
            row["emails"] = [{"email": f"second-{n:08}@example.com"}]
            row["claims"] = {"locale": "de-AT"}
            row["private_data"] = {"imported": {"from": "elsewhere", "id": f"id-{n}"}}
        yield row


async def _import(origin: str, count: int, steps: int, journal: str) -> Counter[str]:
    totals: Counter[str] = Counter()
    async with monocloud_async.MonoCloudClient(origin, _KEY) as client:
        run = client.users.import_many(
            rows(count, steps), journal=journal or None, concurrency=_WORKERS
        )
        async for outcome in run:
            totals[outcome.status] += 1
            totals["attempts"] += outcome.attempts
            totals["earlier"] += outcome.earlier
    return totals


async def _loop(origin: str, count: int, steps: int, journal: str) -> Counter[str]:  # noqa: ARG001
    given = rows(count, 1)
    async with monocloud_async.MonoCloudClient(origin, _KEY) as client:

        async def worker() -> None:
            for row in given:
                await client.users.create(
                    **row, is_temporary_password=False, skip_conformance_checks=True
                )

        await asyncio.gather(*(worker() for _ in range(_WORKERS)))
    return Counter(created=count, attempts=count)


_WAYS = {"import": _import, "loop": _loop}


def _child(way: str, origin: str, count: str, steps: str, journal: str) -> None:
    began = time.perf_counter()
    totals = asyncio.run(_WAYS[way](origin, int(count), int(steps), journal))
    seconds = time.perf_counter() - began
    used = resource.getrusage(resource.RUSAGE_SELF)
    cpu = used.ru_utime + used.ru_stime
    print(json.dumps({**totals, "seconds": seconds, "cpu": cpu, "mb": used.ru_maxrss / 1024}))


def _started(way: str, origin: str, count: int, steps: int, journal: str) -> subprocess.Popen[str]:
    arguments = ["--child", way, origin, str(count), str(steps), journal]
    command = [sys.executable, "-m", "benchmarks.importing", *arguments]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def _run(way: str, origin: str, count: int, steps: int, journal: str = "") -> dict[str, Any]:
    with _started(way, origin, count, steps, journal) as process:
        said, _ = process.communicate()
    if process.returncode:
        raise RuntimeError(f"{way} exited with code {process.returncode}")
    found: dict[str, Any] = json.loads(said)
    return found


def _counts(origin: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{origin}/counts", timeout=60) as answer:
        found: dict[str, Any] = json.load(answer)
    return found


def killed(count: int, kills: int, steps: int, seed: int) -> str:
    """Import users with repeated kills, and return a summary."""
    chance = random.Random(seed)
    kill_at = sorted(chance.randrange(count * steps) for _ in range(kills))
    with tempfile.TemporaryDirectory() as directory, running(_SERVER, "0") as origin:
        journal = str(Path(directory, "journal"))
        began = time.perf_counter()
        for requests in kill_at:
            with _started("import", origin, count, steps, journal) as process:
                while _counts(origin)["requests"] < requests and process.poll() is None:
                    time.sleep(0.02)
                time.sleep(chance.uniform(0, 0.3))
                process.send_signal(signal.SIGKILL)
        last = _run("import", origin, count, steps, journal)
        seconds = time.perf_counter() - began
        counts = _counts(origin)
    lost = count - counts["users"]
    more = counts["requests"] - count * steps
    return (
        f"{count:,} rows of {steps} steps, {kills} kills: {lost} lost, {counts['twice']} done "
        f"twice, {last.get('created', 0):,} created, {last.get('existed', 0)} existed, "
        f"{last.get('failed', 0)} failed; made {counts['made']}; {more:,} more requests "
        f"than without kills; {seconds:.1f} s, {last['mb']:.0f} MB"
    )


def compared(name: str, count: int, rounds: int, *server: str) -> str:
    """Import users and create them in a plain loop, in turn, and compare the times."""
    best: dict[str, dict[str, Any]] = {}
    for turn in range(rounds):
        for what, way, journaled in _COMPARED:
            print(f"{what}: round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            with (
                tempfile.TemporaryDirectory() as directory,
                running(*server) as origin,
            ):
                journal = str(Path(directory, "journal")) if journaled else ""
                found = _run(way, origin, count, 1, journal)
            if what not in best or found["seconds"] < best[what]["seconds"]:
                best[what] = found
    return f"{count:,} rows, {name}\n{_table(count, best)}"


_COMPARED = (
    ("loop of users.create", "loop", False),
    ("import", "import", False),
    ("import, journal", "import", True),
)


def _table(count: int, best: dict[str, dict[str, Any]]) -> str:
    first = best[_COMPARED[0][0]]["seconds"]
    lines = [f"{'':22} {'rows/s':>8} {'of loop':>8} {'CPU s':>7} {'MB':>5}"]
    for name, found in best.items():
        rate, share = count / found["seconds"], first / found["seconds"]
        lines.append(f"{name:22} {rate:8,.0f} {share:8.2f} {found['cpu']:7.1f} {found['mb']:5.0f}")
    return "\n".join(lines)


def limited(count: int, steps: int) -> str:
    """Import users with a rate limit, and return how much of the limit was used."""
    with (
        tempfile.TemporaryDirectory() as directory,
        running(_SERVER, "0", str(_LIMIT), str(_BURST)) as origin,
    ):
        found = _run("import", origin, count, steps, str(Path(directory, "journal")))
        counts = _counts(origin)
    passed = counts["requests"] - counts["refused"]
    used = passed / found["seconds"] / _LIMIT
    refused = counts["refused"] / counts["requests"]
    return (
        f"{count:,} rows of {steps} steps with a limit of {_LIMIT}/s: {used:.1%} of it used, "
        f"{refused:.2%} of the requests refused, {found['seconds']:.1f} s"
    )


def main() -> None:
    """Run the benchmark with the options from the command line."""
    if sys.argv[1:2] == ["--child"]:
        _child(*sys.argv[2:])
        return
    options = _options()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    print(f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {_WORKERS} rows in flight")
    if options.kills:
        print(killed(options.rows, options.kills, options.steps, options.seed))
    if options.rounds:
        fewer = options.rows // _FEWER_WHERE_SLOW
        emulator = ("benchmarks.emulator_server", _KEY)
        print(compared("the emulator", fewer, options.rounds, *emulator))
        slow = f"a server that responds after {_SLOW * 1000:g} ms"
        print(compared(slow, fewer, options.rounds, _SERVER, str(_SLOW)))
        print(
            compared(
                "a server that responds immediately", options.rows, options.rounds, _SERVER, "0"
            )
        )
    if options.limited_requests:
        print(limited(options.limited_requests, 1))
        print(limited(options.limited_requests // 4, 4))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.importing", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="(default: 100000)")
    parser.add_argument("--kills", type=int, default=10, help="0 to skip (default: 10)")
    parser.add_argument("--steps", type=int, choices=(1, 4), default=4, help="(default: 4)")
    parser.add_argument(
        "--seed", type=int, default=1, help="random seed for the kills (default: 1)"
    )
    parser.add_argument("--rounds", type=int, default=3, help="0 to skip (default: 3)")
    parser.add_argument(
        "--limited-requests", type=int, default=12_000, help="0 to skip (default: 12000)"
    )
    return parser.parse_args()


if __name__ == "__main__":
    main()
