"""Measure the cost of a journal on the command line: ``python -m benchmarks.journal``.

Each round runs `monocloud phones set-primary-many` on the same rows without a journal, with one,
and with a journal and a results file, each in a separate process, against the small local server.
The time covers the whole process: startup, checking the file, the run, and writing the results.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import attrs

from monocloud_async._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE

from .server import ROOT, running

_COMMAND = (sys.executable, "-m", "monocloud_async.cli", "phones", "set-primary-many")
_WAYS = {
    "no journal": (),
    "journal": ("--journal", "journal"),
    "journal and results": ("--journal", "journal", "--results", "results.csv"),
}


@attrs.frozen
class Used:
    """What a process used: seconds, CPU seconds, and peak memory in MiB."""

    seconds: float
    cpu: float
    memory: float


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.journal", description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000, help="(default: 100,000)")
    parser.add_argument("--rounds", type=int, default=3, help="(default: 3)")
    options = parser.parse_args()
    used: dict[str, list[Used]] = defaultdict(list)
    with running() as origin, tempfile.TemporaryDirectory() as directory:
        path = Path(directory, "rows.csv")
        _write_rows(path, options.rows)
        for _ in range(options.rounds):
            for way, args in _WAYS.items():
                used[way].append(_run(origin, path, args))
    print(f"{options.rows:,} rows, medians of {options.rounds} rounds")
    print(f"{'':20} {'rows/s':>10} {'CPU s':>10} {'peak MiB':>10}")
    for way, all_used in used.items():
        print(f"{way:20} {_medians(all_used, options.rows)}")


def _write_rows(path: Path, rows: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write("user_id,identifier_id\n")
        file.writelines(f"user-{n:08},ab66b6a2-df6b-4f9d-{n:012}\n" for n in range(rows))


def _run(origin: str, path: Path, args: Sequence[str]) -> Used:
    for name in path.parent.glob("journal*"):
        name.unlink()
    env = {**os.environ, "PYTHONPATH": str(ROOT), DOMAIN_VARIABLE: origin, API_KEY_VARIABLE: "key"}
    silent = [(os.POSIX_SPAWN_OPEN, end, os.devnull, os.O_WRONLY, 0) for end in (1, 2)]
    before = time.perf_counter()
    # posix_spawn, because its child can be waited for with wait4, which returns resource usage.
    paths = [str(path.parent / arg) if index % 2 else arg for index, arg in enumerate(args)]
    command = [*_COMMAND, str(path), *paths]
    process = os.posix_spawn(command[0], command, env, file_actions=silent)
    _, status, used = os.wait4(process, 0)
    if status:
        raise RuntimeError(f"{command} exited with code {os.waitstatus_to_exitcode(status)}")
    seconds = time.perf_counter() - before
    return Used(seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _medians(used: Sequence[Used], rows: int) -> str:
    seconds = statistics.median(one.seconds for one in used)
    cpu = statistics.median(one.cpu for one in used)
    memory = statistics.median(one.memory for one in used)
    return f"{rows / seconds:>10,.0f} {cpu:>10.1f} {memory:>10.0f}"


if __name__ == "__main__":
    main()
