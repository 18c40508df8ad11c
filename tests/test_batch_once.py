"""Rows that must not be sent twice, after a lost answer, a signal or kill -9."""

from __future__ import annotations

import hashlib
import random
import signal
import sqlite3
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monocloud_async.cli.batch.journal import (
    FAILED,
    OK,
    UNKNOWN,
    Entry,
    Journal,
    Subject,
    hash_of,
)
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .commands import started
from .conftest import KEY
from .test_batch import PATIENT, many, twice, wait_for
from .test_batch_run import lines, ran

USERS = 600
STOPPED = "may have been applied: the run stopped while it was in flight"
LOST = "may have been applied: an earlier run was killed and may have sent it"
HINT = "may have been applied and will not be resent: check them, then resend with --retry-unknown"


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([{"user_id": f"u-{n}"} for n in range(USERS)], api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "ids.csv"
    path.write_text("user_id\n" + "".join(f"u-{n}\n" for n in range(USERS)))
    return path


def files(path: Path) -> tuple[str, ...]:
    names = ("--journal", path.parent / "journal", "--results", path.parent / "results.jsonl")
    return tuple(map(str, names))


def rows_of(path: Path) -> list[dict[str, Any]]:
    return lines(path.parent / "results.jsonl")


def executed(emulator: Emulator) -> Counter[str | None]:
    """Return how many changes were carried out for each user."""
    return Counter(request.user_id for request in emulator.requests if request.executed)


def test_a_row_with_a_lost_response_is_sent_again_only_on_request(
    emulator: Emulator, path: Path
) -> None:
    path.write_text("user_id\nu-1\nu-2\nu-3\n")
    emulator.faults.add(
        Fault(connection="reset", executed=True, user_id="u-2"), Fault(status=400, user_id="u-3")
    )
    args = ("passwords.reset", path, *files(path))
    done = ran(*args)
    assert (done.returncode, done.stdout) == (1, "3 rows: 1 ok, 1 failed, 1 unknown, 0 skipped\n")
    assert done.stderr.endswith("\n1 row " + HINT + "\n")
    assert "line 3: passwords.reset: " in done.stderr
    emulator.faults.clear()
    for _ in range(2):
        done = ran(*args)
        assert done.returncode == 1
        assert done.stdout.startswith("3 rows: 2 ok, 0 failed, 1 unknown, 0 skipped")
        assert [row["status"] for row in rows_of(path)] == [OK, UNKNOWN, OK]
        assert "may have been applied" in rows_of(path)[1]["error"]
    assert executed(emulator) == {"u-1": 1, "u-2": 1, "u-3": 1}
    done = ran(*args, "--retry-unknown")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("3 rows: 3 ok, 0 failed, 0 unknown, 0 skipped")
    assert executed(emulator)["u-2"] == 2


def test_rows_that_may_have_been_applied_count_as_failures(emulator: Emulator, path: Path) -> None:
    emulator.faults.add(Fault(connection="reset", executed=True))
    done = ran("passwords.reset", path, *files(path), "--max-failures", "0", "--concurrency", "1")
    assert done.returncode == 1
    assert "more than 0 rows failed" in done.stderr
    unknown = sum(row["status"] == UNKNOWN for row in rows_of(path))
    assert 1 <= unknown == emulator.executions <= 3


def test_calls_cut_off_by_a_signal_are_unknown_and_unsent_rows_are_sent_later(
    emulator: Emulator, path: Path
) -> None:
    emulator.faults.add(Fault(status=200, delay=30, after=100, executed=True))
    args = ("passwords.reset", str(path), *files(path))
    with started("run", *args, "--concurrency", "4", before=PATIENT) as process:
        wait_for(104, emulator, process)
        first_line = twice(process, signal.SIGINT, signal.SIGTERM)
        printed, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    assert printed == "600 rows: 100 ok, 0 failed, 4 unknown, 496 skipped\n"
    assert f"4 rows {HINT}\n" in first_line + errors
    assert Counter(row["error"] for row in rows_of(path) if row["status"] == UNKNOWN) == {
        STOPPED: 4
    }
    emulator.faults.clear()
    done = ran(*args)
    assert (done.returncode, done.stderr) == (1, f"4 rows {HINT}\n")
    assert done.stdout.startswith(
        "600 rows: 596 ok, 0 failed, 4 unknown, 0 skipped (100 of them in "
    )
    assert emulator.counts.requests == USERS
    assert set(executed(emulator).values()) == {1}


def test_a_run_that_fails_before_retrying_leaves_rows_unchanged(
    emulator: Emulator, path: Path
) -> None:
    path.write_text("user_id\nu-1\nu-2\nu-3\n")
    emulator.faults.add(Fault(connection="reset", executed=True, user_id="u-1"))
    emulator.faults.add(Fault(status=400, user_id="u-3"))
    args = ("passwords.reset", path, *files(path), "--concurrency", "1")
    assert ran(*args).stdout == "3 rows: 1 ok, 1 failed, 1 unknown, 0 skipped\n"
    before = rows_of(path)
    emulator.faults.clear()
    emulator.faults.add(Fault(status=403))
    done = ran(*args, "--retry-unknown")
    assert done.returncode == 1
    assert done.stdout.startswith("3 rows: 1 ok, 1 failed, 1 unknown, 0 skipped")
    assert rows_of(path) == before


@pytest.mark.parametrize("seed", [1, pytest.param(2, marks=pytest.mark.slow)])
def test_kills_at_any_moment_neither_repeat_nor_silently_lose_a_row(
    emulator: Emulator, path: Path, seed: int
) -> None:
    chance = random.Random(seed)
    emulator.faults.add(Fault(status=200, delay=0.002, probability=0.5))
    emulator.faults.add(Fault(status=400, probability=0.05))
    args = ("passwords.reset", str(path), *files(path), "--concurrency", "8")
    kills = 0
    for _ in range(4):
        with started("run", *args) as process:
            wait_for(emulator.counts.requests + chance.randrange(1, 90), emulator, process)
            kills += process.poll() is None
            process.kill()
            process.wait()
    emulator.faults.clear()
    done = ran(*args)
    counts = Counter(row["status"] for row in rows_of(path))
    assert kills >= 2
    assert counts.keys() <= {OK, UNKNOWN}
    assert done.returncode == bool(counts[UNKNOWN])
    assert f"600 rows: {counts[OK]} ok, 0 failed, {counts[UNKNOWN]} unknown, 0 skipped" in (
        done.stdout
    )
    times = executed(emulator)
    assert set(times.values()) == {1}
    for row in rows_of(path):
        assert row["status"] == UNKNOWN or times[row["user_id"]] == 1
        assert row["status"] == OK or row["error"] == LOST
    # Rows recorded as started, calls in flight, and outcomes not yet in the journal.
    assert counts[UNKNOWN] <= kills * (64 + 8 + 32 + 110)


def test_removals_interrupted_by_a_kill_are_resolved_by_the_next_run(
    emulator: Emulator, path: Path
) -> None:
    emulator.faults.add(Fault(status=200, delay=30, after=100, executed=True))
    args = ("users.delete", str(path), *files(path), "--yes", "--concurrency", "4")
    with started("run", *args) as process:
        wait_for(104, emulator, process)
        process.kill()
        process.wait()
    emulator.faults.clear()
    done = ran(*args)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("600 rows: 600 ok, 0 failed, 0 unknown, 0 skipped")
    assert not emulator.export()
    errors = Counter(row["error"] for row in rows_of(path))
    assert errors.pop(None) < 600
    assert list(errors) == ["not found; an earlier attempt may have removed it"]


def test_removing_something_that_never_existed_is_a_failure(emulator: Emulator, path: Path) -> None:
    path.write_text("user_id,identifier_id\nnobody,p\nu-1,p\nu-2,p\n")
    emulator.faults.add(Fault(connection="reset", executed=True, user_id="u-1"))
    emulator.faults.add(Fault(status=400, user_id="u-2"))
    args = ("emails.remove", path, *files(path), "--yes", "--max-attempts", "1")
    done = ran(*args)
    assert (done.returncode, done.stdout) == (1, "3 rows: 0 ok, 2 failed, 1 unknown, 0 skipped\n")
    assert done.stderr.endswith(
        "1 row may have been applied: run the same command with the same journal to find out\n"
    )
    emulator.faults.clear()
    assert ran(*args).stdout.startswith("3 rows: 1 ok, 2 failed, 0 unknown, 0 skipped")
    assert [row["status"] for row in rows_of(path)] == [FAILED, OK, FAILED]


def test_an_older_value_does_not_replace_a_newer_one_that_may_be_set(
    emulator: Emulator, path: Path
) -> None:
    path.write_text("user_id,password\nu-1,olderWord!1\nu-1,newerWord!1\n")
    emulator.faults.add(Fault(status=400, user_id="u-1", times=1))
    emulator.faults.add(Fault(connection="reset", executed=True, user_id="u-1"))
    args = ("passwords.set", path, *files(path))
    assert ran(*args).stdout == "2 rows: 0 ok, 1 failed, 1 unknown, 0 skipped\n"
    emulator.faults.clear()
    assert ran(*args).stdout.startswith("2 rows: 0 ok, 0 failed, 1 unknown, 1 skipped")
    assert emulator.executions == 1


def test_an_older_value_does_not_replace_one_that_a_killed_run_may_have_set(
    emulator: Emulator, path: Path
) -> None:
    path.write_text("user_id,password\nu-1,olderWord!1\nu-2,otherWord!1\nu-1,newerWord!1\n")
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    killed = Journal(path.parent / "journal", Subject(digest, emulator.url, "passwords.set", 3))
    killed.begin([1, 2, 3], [])
    killed.record([Entry(1, hash_of("u-1"), FAILED, 400, "no", attempts=1)])
    killed.close()
    for _ in range(2):
        done = ran("passwords.set", path, *files(path))
        assert done.stdout.startswith("3 rows: 0 ok, 0 failed, 2 unknown, 1 skipped")
        assert emulator.executions == 0
    done = ran("passwords.set", path, *files(path), "--retry-unknown")
    assert done.stdout.startswith("3 rows: 2 ok, 0 failed, 0 unknown, 1 skipped")


# The journal


def subject(**more: Any) -> Subject:
    return Subject("digest", "https://acme.example", "passwords.reset", 9, **more)


def test_started_rows_without_an_outcome_are_lost(tmp_path: Path) -> None:
    failed = Entry(2, 7, FAILED, 400, "no")
    journal = Journal(tmp_path / "journal", subject())
    journal.record([failed])
    journal.begin([1, 2, 3, 4, 5], [failed._replace(status=UNKNOWN, error="?")])
    journal.record([Entry(1, 7, OK)])
    journal.settle([Entry(4, 7, UNKNOWN, error="cut off")], [3])
    journal.close()
    for begun in (5, 3):
        journal = Journal(tmp_path / "journal", subject())
        assert journal.begun == 5
        journal.note_lost("lost")
        found = {number: entry[2:5:2] for number, entry in journal.entries(1, 9).items()}
        assert found == {
            1: (OK, None),
            2: (UNKNOWN, "?"),
            **({} if begun == 5 else {3: (UNKNOWN, "lost")}),
            4: (UNKNOWN, "cut off"),
            5: (UNKNOWN, "lost"),
        }
        journal.begin([3], [])
        journal.close()


def test_a_journal_of_the_previous_version_can_be_resumed(
    emulator: Emulator, tmp_path: Path
) -> None:
    path, journal = tmp_path / "rows.csv", tmp_path / "journal"
    path.write_text("user_id,identifier_id\nu-1,p\nu-2,p\n")
    digest = before_version_2(journal, path, emulator.url)
    done = ran("phones.set_primary", path, "--journal", journal)
    assert "it belongs to phones.set_primary_many, not phones.set_primary; " in done.stderr
    with sqlite3.connect(journal) as connection:
        # A refused journal is left unchanged.
        assert connection.execute("SELECT digest, phones_by FROM input").fetchone() == (
            digest,
            "identifier",
        )
    connection.close()
    done = many(path, "--journal", journal, "--results", tmp_path / "results")
    assert done.stdout == "2 rows: 1 ok, 1 failed, 0 skipped (1 of them in earlier runs)\n"
    assert [request.user_id for request in emulator.requests] == ["u-2"]
    assert many(path, "--journal", journal).stdout == done.stdout


def before_version_2(journal: Path, path: Path, origin: str) -> str:
    """Create a journal as version 1 wrote it, in which the first row is done."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    with sqlite3.connect(journal) as connection:
        for statement in (
            "CREATE TABLE input (digest TEXT, origin TEXT, phones_by TEXT, rows INTEGER)",
            """CREATE TABLE entry (
                number INTEGER PRIMARY KEY, user INTEGER NOT NULL, status TEXT NOT NULL,
                http_status INTEGER, error TEXT, trace_id TEXT, attempts INTEGER NOT NULL,
                identifier_id TEXT
            )""",
            "PRAGMA application_id = 1296263729",
            "PRAGMA user_version = 1",
            "PRAGMA journal_mode = WAL",
            "INSERT INTO entry VALUES (1, 7, 'ok', 200, NULL, NULL, 1, NULL)",
        ):
            connection.execute(statement)
        row = (digest, origin, "identifier", 2)
        connection.execute("INSERT INTO input VALUES (?, ?, ?, ?)", row)
    connection.close()
    return digest
