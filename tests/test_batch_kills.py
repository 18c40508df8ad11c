"""A batch that is killed again and again: every row is applied, and none is lost."""

from __future__ import annotations

import random
import re
import signal
import sqlite3
import time
from collections.abc import Sequence
from pathlib import Path

import pytest

from monocloud_async.emulator import Fault, RateLimit
from monocloud_sync.emulator import Emulator

from .commands import run, started
from .conftest import API_KEY, DOMAIN, KEY
from .test_batch import MANY, primaries, results, rows, statuses, user, wait_for

CONCURRENCY = 64
KILLS = 10
FULL = (pytest.mark.full, pytest.mark.timeout(180))
# 5% of requests are reset, half of them after they were carried out; 2% get a 503.
FAULTS = (
    Fault(connection="reset", executed=False, probability=0.025, seed=1),
    Fault(connection="reset", executed=True, probability=0.025, seed=2),
    Fault(status=503, probability=0.02, seed=3),
)


def pairs(chance: random.Random, count: int, users: int) -> Sequence[tuple[str, str]]:
    """Return a row for each user and more rows for random users, in random order."""
    numbers = [*range(users), *(chance.randrange(users) for _ in range(count - users))]
    chance.shuffle(numbers)
    return [(f"u-{n}", f"{chance.choice('ab')}-{n}") for n in numbers]


@pytest.mark.slow
@pytest.mark.parametrize("count", [4_000, pytest.param(20_000, marks=FULL)])
def test_a_batch_killed_ten_times_applies_every_row(count: int, tmp_path: Path) -> None:
    chance = random.Random(20_000)
    users = count * 9 // 10
    wanted = pairs(chance, count, users)
    path, report = tmp_path / "rows.csv", tmp_path / "results.csv"
    path.write_text(rows(wanted))
    args = (*MANY, str(path), "--journal", str(tmp_path / "journal"), "--results", str(report))
    limit = RateLimit(2000, burst=100)
    seed = [user(n) for n in range(users)]
    with Emulator(seed, api_key=KEY, faults=FAULTS, rate_limit=limit, journal=1) as emulator:
        settings = {DOMAIN: emulator.url, API_KEY: KEY}
        # Kill early enough that the command cannot finish first.
        for kill_at in sorted(chance.randrange(count * 7 // 10) for _ in range(KILLS)):
            with started(*args, "--concurrency", str(CONCURRENCY), **settings) as process:
                if emulator.counts.requests >= kill_at:
                    # This kill is due at once: let it hit the command's start, or shortly after.
                    time.sleep(chance.uniform(0, min(1.0, count / 8_000)))
                wait_for(kill_at, emulator, process)
                process.kill()
                assert process.wait() == -signal.SIGKILL
                assert not report.exists()
        with started(*args, "--concurrency", str(CONCURRENCY), **settings) as process:
            printed, errors = process.communicate()
        assert process.returncode == 0, errors
        counts = emulator.counts
        struck = emulator.faults.struck()
        applied = primaries(emulator)
    totals = rf"{count:,} rows: {count:,} ok, 0 failed, 0 skipped \((all|[\d,]+ of them) in "
    assert re.match(totals, printed)
    assert applied == dict(wanted)
    assert statuses(report) == {"ok": count}
    assert [(row["user_id"], row["identifier_id"]) for row in results(report)] == wanted
    # A call that neither failed nor was refused is sent once, unless a kill lost its entry.
    sent_twice = counts.requests_by_status[200] - count
    assert 0 <= sent_twice <= KILLS * (CONCURRENCY + 100)
    assert struck > 0.05 * count


def peak(path: Path, emulator: Emulator, count: int) -> int:
    """Run a batch of rows for a thousand users; return its peak memory in KiB."""
    path.write_text(
        rows((f"u-{n % 1000}", f"{'ab'[n // 1000 % 2]}-{n % 1000}") for n in range(count))
    )
    journal, used = path.with_suffix(".journal"), path.with_suffix(".used")
    # The parent would see only the memory that it had itself when it forked the child.
    measuring = (
        "import atexit, pathlib, resource\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        f"atexit.register(lambda: pathlib.Path({str(used)!r}).write_text(str(peak())))"
    )
    settings = {DOMAIN: emulator.url, API_KEY: KEY}
    done = run(*MANY, path, "--journal", journal, before=measuring, env=settings, seconds=170)
    assert done.returncode == 0, done.stderr
    with sqlite3.connect(journal) as connection:
        found = connection.execute("SELECT status, count(*) FROM entry GROUP BY status")
        assert found.fetchall() == [("ok", count)]
    connection.close()
    return int(used.read_text())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("fewer", "count", "most"),
    [(2_000, 6_000, 1_200), pytest.param(5_000, 100_000, 10 * 1024, marks=FULL)],
)
def test_memory_does_not_grow_with_the_number_of_rows(
    fewer: int, count: int, most: int, tmp_path: Path
) -> None:
    with Emulator([user(n) for n in range(1000)], api_key=KEY, journal=1) as emulator:
        few = peak(tmp_path / "few.csv", emulator, fewer)
        emulator.reset()
        many = peak(tmp_path / "many.csv", emulator, count)
        assert emulator.executions == count
        # The last row of each user sets phone b, in the sixth round as in the hundredth.
        assert set(primaries(emulator).values()) == {f"b-{n}" for n in range(1000)}
    assert many < few + most
