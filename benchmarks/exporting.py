"""Compare exports with bare aiohttp, with the same requests: ``python -m benchmarks.exporting``.

Each contender runs in a separate process. The benchmark measures users per second, and the memory
that the process needs in addition to its imports, for some users and for ten times as many.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import datetime, timezone
from pathlib import Path
from typing import IO, Any

import aiohttp
import attrs
import typer

import monocloud_async
from monocloud_async.cli.export.command import Options, export_users

from .server import ROOT, running

_KEY = "benchmark-key"
_HEADERS = {"X-API-KEY": _KEY, "Accept": "application/json, application/problem+json"}
_WORKERS = 32
_PAGES_AT_ONCE = 8
_SIZE = 100
_MORE = 10

LIST, BARE_LIST = "users.export(details=False)", "bare aiohttp, pages"
WHOLE, BARE_WHOLE = "users.export()", "bare aiohttp, pages and users"
COMMAND, BARE_FILE = "monocloud users export --journal", "bare aiohttp, to a file"
PAIRS = {LIST: BARE_LIST, WHOLE: BARE_WHOLE, COMMAND: BARE_FILE}
Contender = Callable[[str, int], Awaitable[int]]


@attrs.frozen
class Result:
    """One contender's result.

    Attributes:
        rows: the number of users that it read.
        seconds: the duration.
        megabytes: the peak memory, minus the memory that the imports need.
    """

    rows: int
    seconds: float
    megabytes: float

    @property
    def rate(self) -> float:
        """Rows per second."""
        return self.rows / self.seconds


def _ours(*, details: bool) -> Contender:
    async def run(origin: str, _: int) -> int:
        found = 0
        async with monocloud_async.MonoCloudClient(origin, _KEY) as client:
            export = client.users.export(details=details, concurrency=_WORKERS)
            async for _exported in export:
                found += 1
        return found

    return run


def _bare(*, details: bool, file: bool = False) -> Contender:
    async def run(origin: str, users: int) -> int:
        with tempfile.TemporaryFile() as out:
            async with aiohttp.ClientSession(headers=_HEADERS) as session:
                export = _BareExport(session, origin, users, out if file else None)
                return await (export.whole() if details else export.listed())

    return run


class _BareExport:
    """A typical handwritten export: some tasks read pages, and others read users."""

    def __init__(
        self, session: aiohttp.ClientSession, origin: str, users: int, out: IO[bytes] | None
    ) -> None:
        self._session = session
        self._url = f"{origin}/api/users"
        self._pages = iter(range(1, -(-users // _SIZE) + 1))
        self._ids: asyncio.Queue[str | None] = asyncio.Queue(2 * _WORKERS)
        self._out = out
        self._found = 0

    async def listed(self) -> int:
        await asyncio.gather(*(self._count() for _ in range(_PAGES_AT_ONCE)))
        return self._found

    async def whole(self) -> int:
        readers = [asyncio.create_task(self._read()) for _ in range(_WORKERS)]
        await asyncio.gather(*(self._list() for _ in range(2)))
        for _ in readers:
            await self._ids.put(None)
        await asyncio.gather(*readers)
        return self._found

    async def _get(self, target: str) -> bytes:
        async with self._session.get(self._url + target) as response:
            return await response.read()

    async def _page(self, page: int) -> list[dict[str, Any]]:
        target = f"?page={page}&size={_SIZE}&sort=creation_time:1"
        rows: list[dict[str, Any]] = json.loads(await self._get(target))
        return rows

    async def _count(self) -> None:
        for page in self._pages:
            rows = await self._page(page)
            self._found += len(rows)

    async def _list(self) -> None:
        for page in self._pages:
            for row in await self._page(page):
                await self._ids.put(row["user_id"])

    async def _read(self) -> None:
        while user_id := await self._ids.get():
            user = json.loads(await self._get(f"/{user_id}"))
            if self._out:
                self._out.write(json.dumps(user).encode() + b"\n")
            self._found += 1


def _command(origin: str) -> int:
    client = monocloud_async.MonoCloudClient(origin, _KEY)
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory, "users.jsonl")
        options = Options(
            str(file),
            None,
            None,
            True,
            False,
            None,
            Path(directory, "journal"),
            _WORKERS,
            None,
            None,
        )
        try:
            export_users(client, options)
        except typer.Exit:
            with file.open("rb") as written:
                return sum(1 for _ in written)


CONTENDERS: dict[str, Contender] = {
    LIST: _ours(details=False),
    BARE_LIST: _bare(details=False),
    WHOLE: _ours(details=True),
    BARE_WHOLE: _bare(details=True),
    BARE_FILE: _bare(details=True, file=True),
}


def _peak() -> float:
    """Return the peak memory of this program in megabytes.

    Unlike /proc, getrusage includes what the process used before exec.
    """
    try:
        status = Path("/proc/self/status").read_text()
    except FileNotFoundError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def _measured(name: str, origin: str, users: int) -> Result:
    before, started = _peak(), time.perf_counter()
    if name == COMMAND:
        rows = _command(origin)
    else:
        rows = asyncio.run(_awaited(CONTENDERS[name](origin, users)))
    seconds = time.perf_counter() - started
    return Result(rows, seconds, _peak() - before)


async def _awaited(result: Awaitable[int]) -> int:
    return await result


def measured_apart(name: str, origin: str, users: int) -> Result:
    """Measure in a separate program, so that its memory is not mixed with that of others."""
    command = [sys.executable, "-m", "benchmarks.exporting", "--measure", name, origin, str(users)]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    result = Result(**json.loads(done.stdout.splitlines()[-1]))
    if result.rows != users:
        raise RuntimeError(f"{name} returned {result.rows} users instead of {users}")
    return result


def _all(users: int, rounds: int) -> dict[str, list[Result]]:
    results: dict[str, list[Result]] = {name: [] for pair in PAIRS.items() for name in pair}
    with running("benchmarks.export_server", str(users)) as origin:
        for turn in range(rounds):
            print(f"{users:,} users, round {turn + 1} of {rounds}", file=sys.stderr, flush=True)
            for name, found in results.items():
                found.append(measured_apart(name, origin, users))
    return results


def main() -> None:
    """Run the benchmark with the options from the command line."""
    options = _options()
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        del os.environ[name]
    if options.measure:
        name, origin, users = options.measure
        print(json.dumps(attrs.asdict(_measured(name, origin, int(users)))))
        return
    some = _all(options.users, options.rounds)
    many = _all(options.users * _MORE, 1) if options.more else {}
    print(_table(some, many))
    options.json.write_text(json.dumps(_report(some, many), indent=2) + "\n")
    print(f"\nWritten to {options.json}")


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exporting", description=__doc__)
    parser.add_argument("--users", type=int, default=100_000, help="(default: 100000)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    parser.add_argument(
        "--more",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="also run with ten times as many users",
    )
    where = Path(__file__).parent / "exporting.json"
    parser.add_argument("--json", type=Path, default=where, help="file for all samples")
    parser.add_argument("--measure", nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args()


def _table(some: dict[str, list[Result]], many: dict[str, list[Result]]) -> str:
    users = some[LIST][0].rows
    lines = [
        f"Python {platform.python_version()}, {os.cpu_count()} CPUs, {_WORKERS} in flight",
        "",
        f"{'':34} {'rows/s':>8} {'ratio':>6} {f'MB, {users:,}':>14} {f'MB, {users * _MORE:,}':>14}",
    ]
    for pair in PAIRS.items():
        theirs = statistics.median(one.rate for one in some[pair[1]])
        for name in pair:
            rate = statistics.median(one.rate for one in some[name])
            few = max(one.megabytes for one in some[name])
            more = f"{many[name][0].megabytes:14.1f}" if many else ""
            lines.append(f"{name:34} {rate:8,.0f} {rate / theirs:6.2f} {few:14.1f} {more}")
    return "\n".join(lines)


def _report(some: dict[str, list[Result]], many: dict[str, list[Result]]) -> dict[str, object]:
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": os.cpu_count(),
        "workers": _WORKERS,
        "some": {name: [attrs.asdict(one) for one in found] for name, found in some.items()},
        "many": {name: [attrs.asdict(one) for one in found] for name, found in many.items()},
    }


if __name__ == "__main__":
    main()
