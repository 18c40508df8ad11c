"""`monocloud phones set-primary-many`, as a process of its own, against the emulator."""

from __future__ import annotations

import csv
import ctypes
import io
import json
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from monocloud_async.cli.app import app
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .commands import COMMAND, environment, on_a_terminal, run, started, without
from .conftest import DOMAIN, KEY
from .fork_server import ROOT, Forked

MANY = ("phones", "set-primary-many")
HEADER = "user_id,identifier_id\n"
NUMBERS = "user_id,phone\n" + "".join(f"u-{n},+441515{n:06}\n" for n in range(10))
MAYBE = "may have been applied: the run stopped while it was in flight"
NOT_APPLIED = "not applied: the run stopped while it was in flight"
NOT_SENT = "not sent: the run ended first"
_DAC_OVERRIDE, _PR_CAPBSET_DROP = 1, 24


def user(n: int) -> dict[str, object]:
    phones = [
        {"id": f"a-{n}", "phone": f"+441514{n:06}", "primary": True},
        {"id": f"b-{n}", "phone": f"+441515{n:06}", "primary": False},
    ]
    return {"user_id": f"u-{n}", "phone_numbers": phones}


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    """An emulator with users u-0 to u-999."""
    with Emulator([user(n) for n in range(1000)], api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def many(*args: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            app([*MANY, *map(str, args)], prog_name="monocloud")
    assert KEY not in out.getvalue() + err.getvalue()
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(args, code, out.getvalue(), err.getvalue())


def process_of_its_own(*args: str | Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in a process, in which something is done first."""
    return run(*MANY, *args, before=before)


def rows(pairs: Iterable[tuple[str, str]]) -> str:
    return HEADER + "".join(f"{user_id},{phone}\n" for user_id, phone in pairs)


def primaries(emulator: Emulator) -> dict[str, str]:
    return {
        user["user_id"]: phone["id"]
        for user in emulator.export()
        for phone in user["phone_numbers"]
        if phone["primary"]
    }


def results(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


def statuses(path: Path) -> Counter[str]:
    return Counter(row["status"] for row in results(path))


def names(directory: Path) -> list[str]:
    return sorted(file.name for file in directory.iterdir())


def wait_for(requests: int, emulator: Emulator, process: Forked) -> None:
    """Wait until an emulator was asked so often, or the command is at its end."""
    end = time.monotonic() + 30
    while emulator.counts.requests < requests and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)


# What it does.


def test_all_rows_are_applied(emulator: Emulator, path: Path, tmp_path: Path) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    done = many(path, "--results", tmp_path / "results.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    assert set(primaries(emulator).values()) == {f"b-{n}" for n in range(1000)}
    assert emulator.counts.requests == 1000
    told = results(tmp_path / "results.csv")
    assert [(row["line"], row["user_id"], row["identifier_id"]) for row in told] == [
        (str(n + 2), f"u-{n}", f"b-{n}") for n in range(1000)
    ]
    assert {(row["status"], row["http_status"], row["error"]) for row in told} == {
        ("ok", "200", "")
    }
    assert all(row["trace_id"].startswith("00-") and row["attempts"] == "1" for row in told)
    assert names(tmp_path) == ["results.csv", "rows.csv"]


def test_numbers_are_looked_up_and_what_is_primary_is_left_alone(
    emulator: Emulator, tmp_path: Path
) -> None:
    text = "phone;user_id\n+44 1515 000001;u-1\n+441514000002;u-2\n+441514999999;u-3\n"
    done = many("-", "--results", tmp_path / "results.csv", stdin=text)
    assert (done.returncode, done.stdout) == (1, "3 rows: 2 ok, 1 failed, 0 skipped\n")
    assert emulator.executions == 1
    assert primaries(emulator)["u-1"] == "b-1"
    told = results(tmp_path / "results.csv")
    assert [(row["identifier_id"], row["status"], row["attempts"]) for row in told] == [
        ("b-1", "ok", "2"),
        ("a-2", "ok", "1"),
        ("", "failed", "1"),
    ]
    assert "999999" not in done.stderr


def test_the_last_row_of_a_user_wins(emulator: Emulator, path: Path) -> None:
    path.write_text(rows(("u-1", f"{'ab'[n % 2]}-1") for n in range(100)))
    assert many(path, "--concurrency", "16").returncode == 0
    asked = [request.path[-11:-8] for request in emulator.requests]
    assert asked == ["a-1", "b-1"] * 50


def test_json_lines_on_standard_input(emulator: Emulator) -> None:
    text = "".join(
        json.dumps({"user_id": f"u-{n}", "identifier_id": f"b-{n}"}) + "\n" for n in range(3)
    )
    assert many("-", stdin=text).stdout == "3 rows: 3 ok, 0 failed, 0 skipped\n"
    assert emulator.executions == 3


def test_what_fails_is_named_and_the_rest_goes_on(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "none"), ("u-2", "b-2"), ("nobody", "b-1")]))
    done = many(path)
    assert (done.returncode, done.stdout) == (1, "3 rows: 1 ok, 2 failed, 0 skipped\n")
    assert sorted(line.partition(": 404 ")[0] for line in done.stderr.splitlines()) == [
        "line 2: phones.set_primary",
        "line 4: phones.set_primary",
    ]


def test_of_many_failures_some_are_shown(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", "none") for n in range(100)))
    done = many(path)
    assert done.stderr.count("\nline ") + done.stderr.startswith("line ") == 20
    assert done.stderr.endswith("use --results FILE to get them all.\n")


def test_nothing_is_sent_where_the_file_has_mistakes(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1"), ("u-2", ""), ("u-3", ".."), ("u-4", "b-4")]))
    done = many(path, "--results", path.parent / "results.csv")
    assert (done.returncode, done.stdout) == (2, "")
    first, second, last = done.stderr.splitlines()
    assert first.startswith(f"{path}, line 3: identifier_id must be")
    assert second.startswith(f"{path}, line 4: identifier_id must be")
    assert last == f"Error: {path} has 2 mistakes; nothing was sent: correct them and try again"
    assert not emulator.counts.requests
    assert names(path.parent) == ["rows.csv"]


@pytest.mark.parametrize("more", [(), ("--dry-run",)])
def test_where_there_are_no_rows_it_says_so(
    emulator: Emulator, path: Path, more: tuple[str, ...]
) -> None:
    path.write_text(f"{HEADER}\n,\n")
    told = path.parent / "results.csv"
    done = many(path, "--results", told, *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path} has no rows: nothing to do\n"
    assert results(told) == []
    done = many("-", *more, stdin=HEADER)
    assert done.stdout == "standard input has no rows: nothing to do\n"


def test_an_answer_that_cannot_be_read_is_no_failure(emulator: Emulator, path: Path) -> None:
    emulator.faults.add(Fault(body="html", user_id="u-1"))
    path.write_text(rows([("u-1", "b-1")]))
    done = many(path, "--results", path.parent / "results.csv")
    assert (done.returncode, done.stdout) == (0, "1 row: 1 ok, 0 failed, 0 skipped\n")
    [row] = results(path.parent / "results.csv")
    assert "the change was applied" in row["error"]


def test_a_spreadsheet_runs_nothing_of_the_results(emulator: Emulator, path: Path) -> None:
    problem = {"detail": "=HYPERLINK(1)", "traceId": "@SUM(1)\ud800"}
    emulator.faults.add(Fault(status=400, problem=problem))
    path.write_text(HEADER + '=1+1,+1\n-1,@x\n"\'=2",\uff1d3\n')
    assert many(path, "--results", path.parent / "results.csv").returncode == 1
    told = results(path.parent / "results.csv")
    assert [(row["user_id"], row["identifier_id"]) for row in told] == [
        ("'=1+1", "'+1"),
        ("'-1", "'@x"),
        ("'=2", "'\uff1d3"),
    ]
    assert {row["trace_id"] for row in told} == {"'@SUM(1)"}


@pytest.mark.parametrize("named", ["none.csv", ".", "/proc/self/mem"])
def test_an_input_that_cannot_be_read_is_refused(
    emulator: Emulator, path: Path, named: str
) -> None:
    given = path.parent / named
    assert refused(emulator, given).startswith(f"Error: {given}: ")


def test_an_input_that_there_is_no_room_to_copy_is_refused(emulator: Emulator, path: Path) -> None:
    os.mkfifo(path)
    code = f"open({str(path)!r}, 'w').write('x' * 5000)"
    with subprocess.Popen([sys.executable, "-c", code]):
        done = process_of_its_own(path, before=limited(1000))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"Error: {path}: cannot copy it to {tempfile.gettempdir()}: File too large; "
        "nothing was sent: pass a regular file\n"
    )


# Stopping.


def slowly(emulator: Emulator) -> None:
    emulator.faults.add(Fault(status=200, delay=0.02))


@pytest.mark.parametrize(
    ("end", "code", "word"),
    [(signal.SIGINT, 130, "interrupted"), (signal.SIGTERM, 143, "terminated")],
)
def test_a_signal_stops_it_cleanly_and_it_goes_on(
    emulator: Emulator, path: Path, end: signal.Signals, code: int, word: str
) -> None:
    slowly(emulator)
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    told = path.parent / "results.csv"
    files = ("--journal", str(path.parent / "journal"), "--results", str(told))
    with started(*MANY, str(path), *files, "--concurrency", "8") as process:
        wait_for(100, emulator, process)
        process.send_signal(end)
        printed = process.communicate()
        assert process.returncode == code
    requests = emulator.counts.requests
    assert requests < 500
    # What was on its way is waited for, and recorded.
    assert printed == (
        f"1,000 rows: {requests} ok, 0 failed, {1000 - requests} skipped\n",
        f"Error: {word}; run the same command to resume\n",
    )
    assert statuses(told) == {"ok": requests, "skipped": 1000 - requests}
    done = many(path, *files)
    assert (done.returncode, done.stderr) == (0, "")
    earlier = f" ({requests} of them in earlier runs)"
    assert done.stdout == f"1,000 rows: 1,000 ok, 0 failed, 0 skipped{earlier}\n"
    assert emulator.executions == emulator.counts.requests == 1000
    assert statuses(told) == {"ok": 1000}


def test_a_second_signal_does_not_wait_for_what_is_on_its_way(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(10)))
    printed, errors = stopped_at_once(emulator, path)
    assert printed[0] == "10 rows: 0 ok, 0 failed, 10 skipped\n"
    assert "a new run resends all rows, which is harmless" in printed[1]
    assert errors == {(MAYBE, "1"): 2, (NOT_SENT, "0"): 8}


# It would wait for as long as the tests, but for the second signal.
PATIENT = "import monocloud_async.cli.batch.until_stopped as it; it._GRACE_SECONDS = 60"


def twice(process: Forked, first: signal.Signals, second: signal.Signals) -> str:
    """Send two signals, the second once the first has been heard; return what is said of it."""
    process.send_signal(first)
    assert process.stderr
    said = process.stderr.readline()
    assert "waiting up to 5 s for calls in flight" in said
    process.send_signal(second)
    return said


def stopped_at_once(
    emulator: Emulator, path: Path, *args: str
) -> tuple[tuple[str, str], Counter[tuple[str, str]]]:
    """Stop the command while its first two requests wait; return what it says, and of the rows."""
    emulator.faults.add(Fault(status=200, delay=30))
    told = path.parent / "results.csv"
    options = ("--results", str(told), "--concurrency", "2")
    with started(*MANY, str(path), *options, *args, before=PATIENT) as process:
        wait_for(2, emulator, process)
        said = twice(process, signal.SIGINT, signal.SIGTERM)
        printed, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    return (printed, said + errors), Counter(
        (row["error"], row["attempts"]) for row in results(told)
    )


@pytest.mark.parametrize("text", [rows((f"u-{n}", f"b-{n}") for n in range(10)), NUMBERS])
def test_what_was_only_read_was_not_applied(emulator: Emulator, path: Path, text: str) -> None:
    path.write_text(text)
    # Numbers are looked up first, so that nothing is written yet in a run of them either.
    args = () if text is NUMBERS else ("--dry-run",)
    _, errors = stopped_at_once(emulator, path, *args)
    assert {request.method for request in emulator.requests} == {"GET"}
    assert errors == {(NOT_APPLIED, "1"): 2, (NOT_SENT, "0"): 8}


@pytest.mark.parametrize("status", [401, 403])
def test_what_a_refused_key_leaves_is_told_apart(
    emulator: Emulator, path: Path, status: int
) -> None:
    emulator.faults.add(Fault(status=200, delay=30, user_id="u-0"))
    emulator.faults.add(Fault(status=status, delay=0.1, user_id="u-1"))
    # Those of u-2 are read, and wait for the first of them.
    path.write_text(rows((f"u-{min(n, 2)}", f"b-{min(n, 2)}") for n in range(100)))
    told = path.parent / "results.csv"
    done = many(path, "--results", told, "--concurrency", "4", "--rate", "4")
    assert done.returncode == 1
    errors = [row["error"] for row in results(told)]
    assert errors[:2] == [MAYBE, NOT_APPLIED]
    assert set(errors[3:]) == {NOT_SENT}


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_will_not_do_stops_it_at_once(
    emulator: Emulator, path: Path, status: int
) -> None:
    fault = Fault(status=status, after=50)
    emulator.faults.add(fault)
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    files = ("--journal", path.parent / "journal", "--results", path.parent / "results.csv")
    done = many(path, *files, "--concurrency", "4")
    assert done.returncode == 1
    assert f"Error: phones.set_primary: {status} " in done.stderr
    assert done.stderr.endswith("; run the same command to resume\n")
    assert emulator.counts.requests <= 50 + 4
    assert statuses(path.parent / "results.csv")["ok"] <= 50
    emulator.faults.clear()
    assert many(path, *files).stdout.startswith("1,000 rows: 1,000 ok, 0 failed, 0 skipped")
    assert emulator.executions <= 1000 + 4


def test_it_stops_when_more_rows_fail_than_may(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", "none" if n % 2 else f"b-{n}") for n in range(1000)))
    told = path.parent / "results.csv"
    files = ("--journal", path.parent / "journal", "--results", told)
    done = many(path, *files, "--max-failures", "10", "--concurrency", "4")
    assert done.returncode == 1
    assert "\nError: more than 10 rows failed; run the same command to resume\n" in done.stderr
    found = statuses(told)
    assert 11 <= found["failed"] <= 20
    assert found.total() == 1000
    assert emulator.counts.requests == found["ok"] + found["failed"] < 100
    # Those that failed are tried again.
    assert many(path, *files, "--max-failures", "1000").returncode == 1
    assert statuses(told) == {"ok": 500, "failed": 500}
    assert emulator.executions == 500


def test_rows_that_wait_for_an_earlier_one_of_their_user_are_not_begun_once_it_stops(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows([("u-0", "none"), *((f"u-{1 + n % 2}", "none") for n in range(900))]))
    told = path.parent / "results.csv"
    done = many(path, "--results", told, "--max-failures", "0", "--concurrency", "4")
    assert "Error: more than 0 rows failed; " in done.stderr
    assert emulator.counts.requests == statuses(told)["failed"] <= 40
    assert {row["error"] for row in results(told) if row["status"] == "skipped"} == {NOT_SENT}


def test_where_no_server_answers_it_says_so(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(10)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    domain = f"http://127.0.0.1:{port}"
    with started(*MANY, str(path), "--domain", domain, "--concurrency", "1") as process:
        assert process.stderr
        said = process.stderr.readline()
        # Whichever of the two is heard first, the other ends the wait.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    reason = f"no connection to 127.0.0.1:{port}: "
    assert said.startswith(f"the server seems to be down; the run retries periodically: {reason}")


def test_a_file_that_changes_meanwhile_stops_it(emulator: Emulator, path: Path) -> None:
    slowly(emulator)
    path.write_text(HEADER + "".join(f"u-{n % 1000},{'b' * 60}{n:09}\n" for n in range(10_000)))
    with started(*MANY, str(path), "--journal", str(path.parent / "journal")) as process:
        wait_for(50, emulator, process)
        with path.open("r+") as file:
            file.seek(200_000)
            file.write("X")
        _, told = process.communicate()
    assert process.returncode == 1
    assert f"Error: {path} has changed since it was checked: restore the original; " in told
    assert not any("X" in request.path for request in emulator.requests)


@pytest.mark.parametrize(
    ("option", "given", "limit"),
    [
        *(("--rate", given, "0.001") for given in ("nan", "inf", "-inf", "0", "-1", "1e-9")),
        ("--concurrency", "0", "1"),
        ("--concurrency", "1001", "1000"),
        ("--max-failures", "-1", "0"),
    ],
)
def test_a_number_that_cannot_be_is_refused_by_the_option_s_name_and_range(
    emulator: Emulator, path: Path, option: str, given: str, limit: str
) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    done = many(path, option, given)
    assert (done.returncode, done.stdout) == (2, "")
    *_, said = done.stderr.splitlines()
    assert re.search(rf"Invalid value for '{option}': .*\b{re.escape(limit)}\b", said)
    assert not emulator.counts.requests


def may_have(soft: int, hard: int) -> str:
    """Return what limits a process's open files."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"


def test_more_open_files_are_asked_for_where_they_are_needed(
    emulator: Emulator, path: Path
) -> None:
    emulator.faults.add(Fault(status=200, delay=1))
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(400)))
    done = process_of_its_own(path, "--concurrency", "400", before=may_have(64, 464))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "400 rows: 400 ok, 0 failed, 0 skipped\n"


def test_more_calls_than_open_files_are_refused(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    done = process_of_its_own(path, "--concurrency", "1000", before=may_have(200, 256))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: --concurrency 1000 needs 1064 open files, but this process is limited to 256: "
        "lower it, or raise the limit (ulimit -n); nothing was sent\n"
    )
    assert not emulator.counts.requests


# The journal.


def test_a_row_that_is_done_is_not_sent_again_and_one_that_failed_is(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows([("u-1", "b-1"), ("u-2", "b-2"), ("u-3", "none")]))
    emulator.faults.add(Fault(status=400, user_id="u-2"))
    files = ("--journal", path.parent / "journal", "--results", path.parent / "results.csv")
    assert many(path, *files).stdout == "3 rows: 1 ok, 2 failed, 0 skipped\n"
    emulator.faults.clear()
    done = many(path, *files)
    assert (done.returncode, done.stdout.splitlines()[0]) == (
        1,
        "3 rows: 2 ok, 1 failed, 0 skipped (1 of them in earlier runs)",
    )
    assert Counter(request.user_id for request in emulator.requests) == {
        "u-1": 1,
        "u-2": 2,
        "u-3": 2,
    }
    assert [row["status"] for row in results(path.parent / "results.csv")] == ["ok", "ok", "failed"]


def test_an_older_phone_does_not_come_back(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1"), ("u-2", "b-2"), ("u-1", "a-1"), ("u-2", "none")]))
    emulator.faults.add(Fault(status=400, user_id="u-1", times=1), Fault(status=400, user_id="u-2"))
    files = ("--journal", path.parent / "journal", "--results", path.parent / "results.csv")
    assert many(path, *files).stdout == "4 rows: 1 ok, 3 failed, 0 skipped\n"
    emulator.faults.clear()
    emulator.requests.clear()
    done = many(path, *files)
    assert done.stdout == "4 rows: 2 ok, 1 failed, 1 skipped (1 of them in earlier runs)\n"
    assert [request.user_id for request in emulator.requests] == ["u-2", "u-2"]
    assert primaries(emulator)["u-1"] == "a-1"
    skipped = results(path.parent / "results.csv")[0]
    assert skipped["status"] == "skipped"
    assert skipped["error"].startswith(
        "superseded: row 3 of the same user is done; before that: phones.set_primary: 400 "
    )
    emulator.requests.clear()
    assert many(path, *files).returncode == 1
    assert [request.user_id for request in emulator.requests] == ["u-2"]


def test_what_is_superseded_is_no_failure(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "none"), ("u-1", "b-1")]))
    assert many(path, "--journal", path.parent / "journal").returncode == 1
    done = many(path, "--journal", path.parent / "journal")
    assert (done.returncode, done.stderr) == (0, "")
    assert emulator.counts.requests == 2


def refused(emulator: Emulator, *args: str | Path) -> str:
    done = many(*args)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.count("\n") == 1
    assert not emulator.counts.requests
    # And then what to do.
    assert "; nothing was sent: " in done.stderr
    return done.stderr


def test_a_journal_of_something_else_is_refused(emulator: Emulator, path: Path) -> None:
    journal = path.parent / "journal"
    path.write_text(HEADER)
    assert many(path, "--journal", journal).returncode == 0
    before = journal.read_bytes()
    with Emulator(api_key=KEY) as other, pytest.MonkeyPatch.context() as patch:
        patch.setenv(DOMAIN, other.url)
        assert refused(other, path, "--journal", journal).endswith(
            f"it belongs to {emulator.url}, not {other.url}; nothing was sent: use another "
            f"--journal file, or --domain {emulator.url}\n"
        )
    path.write_text(rows([("u-1", "b-1")]))
    assert refused(emulator, path, "--journal", journal) == (
        f"Error: the journal {journal} cannot be used: it belongs to another input, or to an "
        "earlier version of this one; nothing was sent: use another --journal file, or the "
        "original input\n"
    )
    assert journal.read_bytes() == before


def test_a_file_that_is_no_journal_is_refused_and_left_alone(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    text, database = path.parent / "text", path.parent / "database"
    text.write_text("precious " * 1000)
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE precious (x)")
    connection.close()
    for file, why in ((text, "not a database"), (database, "another program's database")):
        before = file.read_bytes()
        assert why in refused(emulator, path, "--journal", file)
        assert file.read_bytes() == before
    assert names(path.parent) == ["database", "rows.csv", "text"]


def test_files_that_would_overwrite_each_other_are_refused(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    link = path.parent / "link"
    link.symlink_to(path)
    assert "Is a directory" in refused(emulator, path, "--results", path.parent)
    for args in (
        ("--results", path),
        ("--journal", link),
        ("--results", path.parent / "x", "--journal", path.parent / "x"),
    ):
        assert "are the same file; nothing was sent" in refused(emulator, path, *args)
    assert path.read_text() == rows([("u-1", "b-1")])


def test_a_journal_is_one_run_s_at_a_time(emulator: Emulator, path: Path) -> None:
    slowly(emulator)
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(100)))
    journal = path.parent / "journal"
    with started(*MANY, str(path), "--journal", str(journal), "--rate", "10") as process:
        wait_for(1, emulator, process)
        second = many(path, "--journal", journal)
        assert second.returncode == 2
        assert second.stderr.endswith(
            "another run is using it; nothing was sent: use another --journal file, or wait until "
            "it ends\n"
        )
        process.kill()
    assert many(path, "--journal", journal).returncode == 0


def test_there_is_no_key_and_no_number_in_the_journal(emulator: Emulator, path: Path) -> None:
    path.write_text("user_id,phone\nu-1,+441515000001\nu-2,+441515999999\n")
    journal = path.parent / "journal"
    many(path, "--journal", journal)
    content = b"".join(file.read_bytes() for file in path.parent.glob("journal*"))
    assert b"b-1" in content
    assert b"\xe2\x80\xa69999" in content
    for secret in (KEY, "441515000001", "441515999999", "u-1"):
        assert secret.encode() not in content


def limited(size: int) -> str:
    """Let no file that is written become larger than this, as on a disk that is full."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


def test_a_full_disk_stops_it_before_it_sends_what_cannot_be_recorded(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    journal = path.parent / "journal"
    done = process_of_its_own(
        path, "--journal", journal, "--concurrency", "8", before=limited(60_000)
    )
    assert done.returncode == 1
    assert re.search(
        rf"^Error: the journal {journal} cannot be kept: (disk I/O error|database or disk is full)"
        r"; run the same command to resume$",
        done.stderr,
        re.MULTILINE,
    )
    sent = emulator.executions
    assert 0 < sent < 1000
    again = many(path, "--journal", journal)
    assert (again.returncode, again.stderr) == (0, "")
    recorded = re.search(r"\((\d+) of them in earlier runs\)", again.stdout)
    assert recorded
    assert sent - int(recorded[1]) <= 8 + 100
    assert emulator.executions == 1000 + sent - int(recorded[1])


def test_nothing_is_sent_where_nothing_can_be_recorded(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    done = process_of_its_own(path, "--journal", path.parent / "journal", before=limited(1000))
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
    assert not emulator.counts.requests


def without_rights_of_root(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command where the rights of files hold for root as well."""

    def give_up() -> None:
        if os.geteuid() == 0:
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _DAC_OVERRIDE, 0, 0, 0)

    # They are lost with the start of another program, and not with a fork.
    return subprocess.run(
        [*COMMAND, *MANY, *map(str, args)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=give_up,
    )


def test_what_may_not_be_written_is_refused(emulator: Emulator, path: Path) -> None:
    path.write_text(HEADER)
    journal, told = path.parent / "journal", path.parent / "told"
    assert many(path, "--journal", journal).returncode == 0
    journal.chmod(0o444)
    done = without_rights_of_root(path, "--journal", journal)
    if done.returncode == 0:
        pytest.skip("nothing keeps this user from writing")
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: the journal {journal} cannot be used: {journal} is read-only; nothing was sent: "
        "use another --journal file\n"
    )
    told.mkdir()
    for rights in (0o555, 0):
        told.chmod(rights)
        done = without_rights_of_root(path, "--results", told / "x.csv")
        assert done.returncode == 2
        assert done.stderr == (
            f"Error: cannot write the results to {told / 'x.csv'}: Permission denied; "
            "nothing was sent: choose another --results file\n"
        )
    told.chmod(0o755)


# The results file.


def test_results_that_cannot_be_written_leave_what_was_there(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    told = path.parent / "told"
    told.write_text("earlier\n")
    done = process_of_its_own(path, "--results", told, before=limited(5000))
    assert done.returncode == 1
    assert done.stdout == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    assert done.stderr == f"Error: cannot write the results to {told}: File too large\n"
    assert told.read_text() == "earlier\n"
    assert names(path.parent) == ["rows.csv", "told"]


def test_what_is_no_file_is_not_replaced(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    link, told = path.parent / "link", path.parent / "told"
    link.symlink_to(told)
    assert many(path, "--results", link).returncode == 0
    assert link.is_symlink()
    assert len(results(told)) == 1
    done = process_of_its_own(path, "--results", "/dev/stdout")
    assert done.stdout.startswith("line,user_id,identifier_id,status,http_status,")
    assert done.stdout.endswith("\n1 row: 1 ok, 0 failed, 0 skipped\n")


@pytest.mark.parametrize("named", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_results_go_into_the_file_that_stdout_is(
    emulator: Emulator, path: Path, named: str
) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    told, link = path.parent / "told", path.parent / "link"
    link.symlink_to("/dev/stdout")
    with told.open("w") as file:
        file.write("earlier\n")
        file.flush()
        inode = told.stat().st_ino
        done = run(*MANY, path, "--results", path.parent / named, stdout=file)
    assert (done.returncode, done.stderr) == (0, "")
    earlier, header, row, totals = told.read_text().splitlines()
    assert (earlier, totals) == ("earlier", "1 row: 1 ok, 0 failed, 0 skipped")
    assert header.startswith("line,user_id,")
    assert row.startswith("2,u-1,b-1,ok,200,")
    assert told.stat().st_ino == inode
    assert names(path.parent) == ["link", "rows.csv", "told"]


def test_results_go_into_any_file_that_is_open(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    told = path.parent / "told"
    with told.open("w") as file:
        number = file.fileno()
        done = run(*MANY, path, "--results", f"/dev/fd/{number}", pass_fds=[number])
        assert (done.returncode, done.stderr) == (0, "")
        assert told.stat().st_ino == os.fstat(number).st_ino
    assert len(results(told)) == 1
    assert names(path.parent) == ["rows.csv", "told"]


def test_results_go_into_a_pipe_that_has_a_name(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    pipe, told = path.parent / "pipe", path.parent / "told"
    os.mkfifo(pipe)
    code = f"open({str(told)!r}, 'w').write(open({str(pipe)!r}).read())"
    with subprocess.Popen([sys.executable, "-c", code]):
        assert many(path, "--results", pipe).returncode == 0
    assert pipe.is_fifo()
    assert len(results(told)) == 1


def test_an_open_file_that_is_none_or_cannot_be_written_is_refused(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    assert "cannot write the results to /dev/fd/999: " in refused(
        emulator, path, "--results", "/dev/fd/999"
    )
    precious = path.parent / "precious"
    precious.touch()
    with precious.open() as file:
        named = f"/dev/fd/{file.fileno()}"
        assert f"cannot write the results to {named}: " in refused(
            emulator, path, "--results", named
        )


# The dry run.


def test_a_dry_run_reads_and_says_what_would_change(emulator: Emulator, path: Path) -> None:
    pairs = [
        ("u-1", "a-1", "already primary"),
        ("u-1", "b-1", "would change"),
        ("u-1", "b-1", "already primary"),
        ("u-1", "none", "unknown phone"),
        ("u-1", "a-1", "would change"),
        ("u-2", "b-2", "would change"),
        ("nobody", "b-1", "unknown user"),
    ]
    path.write_text(rows((user_id, phone) for user_id, phone, _ in pairs))
    told = path.parent / "told"
    journal = path.parent / "journal"
    done = many(path, "--dry-run", "--results", told, "--journal", journal)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "7 rows: 3 would change, 2 already primary, 1 unknown user, 1 unknown phone, 0 failed, "
        "0 skipped\n"
    )
    assert [row["status"] for row in results(told)] == [status for *_, status in pairs]
    assert {request.method for request in emulator.requests} == {"GET"}
    assert not journal.exists()


def test_a_dry_run_of_numbers(emulator: Emulator, path: Path) -> None:
    path.write_text("user_id,phone\nu-1,+441514000001\nu-1,+441515000001\nu-2,+441515000001\n")
    done = many(path, "--dry-run", "--results", path.parent / "told")
    told = [(row["status"], row["identifier_id"]) for row in results(path.parent / "told")]
    assert told == [("already primary", "a-1"), ("would change", "b-1"), ("unknown phone", "")]
    assert done.returncode == 1
    assert not emulator.executions


def test_a_dry_run_where_all_is_well(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    emulator.faults.add(Fault(status=503, times=2))
    assert many(path, "--dry-run").returncode == 0
    assert not emulator.executions


# What is shown.


def test_on_a_terminal_there_is_a_bar(emulator: Emulator, path: Path) -> None:
    slowly(emulator)
    path.write_text(rows((f"u-{n}", f"b-{n}" if n else "none") for n in range(500)))
    screen, code = on_a_terminal(*MANY, str(path), "--concurrency", "8", columns=76)
    assert code == 1
    assert re.search(r"━.* [\d,]+ of 500 rows \(\d+%\), \d+/s, 1 failed, 0:00:0\d left", screen)
    assert "line 2: phones.set_primary: 404" in screen
    assert screen.endswith("500 rows: 499 ok, 1 failed, 0 skipped\r\n")


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_without_standard_streams_it_does_the_same(
    emulator: Emulator, path: Path, closed: str
) -> None:
    before = rows([("u-1", "b-1"), ("u-2", "none")])
    path.write_text(before)
    files = path.parent / "journal", path.parent / "told"
    done = without(closed, *MANY, str(path), "--journal", str(files[0]), "--results", str(files[1]))
    assert done.returncode == 1
    assert done.stdout == ("2 rows: 1 ok, 1 failed, 0 skipped\n" if closed == "2>&-" else "")
    assert bool(done.stderr) is (closed == ">&-")
    assert primaries(emulator)["u-1"] == "b-1"
    assert path.read_text() == before
    assert statuses(files[1]) == {"ok": 1, "failed": 1}


def test_standard_input_that_is_closed_is_refused(emulator: Emulator) -> None:
    done = without("<&-", *MANY, "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: standard input is closed; nothing was sent: pass a file\n"


def test_the_other_commands_do_not_bring_the_batch() -> None:
    code = (
        "import monocloud_async.cli.app, monocloud_sync, sys; "
        "print({'sqlite3', 'csv', 'monocloud_async.bulk'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
