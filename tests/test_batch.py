"""`monocloud phones set-primary-many`, in its own process, against the emulator."""

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


def in_own_process(*args: str | Path, before: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in its own process, after some other code."""
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
    """Wait until an emulator has received this many requests, or until the command has ended."""
    end = time.monotonic() + 30
    while emulator.counts.requests < requests and process.poll() is None:
        assert time.monotonic() < end
        time.sleep(0.002)


# Applying rows.


def test_all_rows_are_applied(emulator: Emulator, path: Path, tmp_path: Path) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    done = many(path, "--results", tmp_path / "results.csv")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    assert set(primaries(emulator).values()) == {f"b-{n}" for n in range(1000)}
    assert emulator.counts.requests == 1000
    report = results(tmp_path / "results.csv")
    assert [(row["line"], row["user_id"], row["identifier_id"]) for row in report] == [
        (str(n + 2), f"u-{n}", f"b-{n}") for n in range(1000)
    ]
    assert {(row["status"], row["http_status"], row["error"]) for row in report} == {
        ("ok", "200", "")
    }
    assert all(row["trace_id"].startswith("00-") and row["attempts"] == "1" for row in report)
    assert names(tmp_path) == ["results.csv", "rows.csv"]


def test_numbers_are_looked_up_and_primary_phones_are_left_alone(
    emulator: Emulator, tmp_path: Path
) -> None:
    text = "phone;user_id\n+44 1515 000001;u-1\n+441514000002;u-2\n+441514999999;u-3\n"
    done = many("-", "--results", tmp_path / "results.csv", stdin=text)
    assert (done.returncode, done.stdout) == (1, "3 rows: 2 ok, 1 failed, 0 skipped\n")
    assert emulator.executions == 1
    assert primaries(emulator)["u-1"] == "b-1"
    report = results(tmp_path / "results.csv")
    assert [(row["identifier_id"], row["status"], row["attempts"]) for row in report] == [
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


def test_json_lines_are_read_from_standard_input(emulator: Emulator) -> None:
    text = "".join(
        json.dumps({"user_id": f"u-{n}", "identifier_id": f"b-{n}"}) + "\n" for n in range(3)
    )
    assert many("-", stdin=text).stdout == "3 rows: 3 ok, 0 failed, 0 skipped\n"
    assert emulator.executions == 3


def test_failed_rows_are_named_and_the_others_go_on(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "none"), ("u-2", "b-2"), ("nobody", "b-1")]))
    done = many(path)
    assert (done.returncode, done.stdout) == (1, "3 rows: 1 ok, 2 failed, 0 skipped\n")
    assert sorted(line.partition(": 404 ")[0] for line in done.stderr.splitlines()) == [
        "line 2: phones.set_primary",
        "line 4: phones.set_primary",
    ]


def test_only_some_of_many_failures_are_shown(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", "none") for n in range(100)))
    done = many(path)
    assert done.stderr.count("\nline ") + done.stderr.startswith("line ") == 20
    assert done.stderr.endswith("use --results FILE to get them all.\n")


def test_nothing_is_sent_if_the_file_has_mistakes(emulator: Emulator, path: Path) -> None:
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
def test_an_input_without_rows_is_reported(
    emulator: Emulator, path: Path, more: tuple[str, ...]
) -> None:
    path.write_text(f"{HEADER}\n,\n")
    report = path.parent / "results.csv"
    done = many(path, "--results", report, *more)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"{path} has no rows: nothing to do\n"
    assert results(report) == []
    done = many("-", *more, stdin=HEADER)
    assert done.stdout == "standard input has no rows: nothing to do\n"


def test_an_unreadable_success_is_not_a_failure(emulator: Emulator, path: Path) -> None:
    emulator.faults.add(Fault(body="html", user_id="u-1"))
    path.write_text(rows([("u-1", "b-1")]))
    done = many(path, "--results", path.parent / "results.csv")
    assert (done.returncode, done.stdout) == (0, "1 row: 1 ok, 0 failed, 0 skipped\n")
    [row] = results(path.parent / "results.csv")
    assert "the change was applied" in row["error"]


def test_results_contain_no_spreadsheet_formulas(emulator: Emulator, path: Path) -> None:
    problem = {"detail": "=HYPERLINK(1)", "traceId": "@SUM(1)\ud800"}
    emulator.faults.add(Fault(status=400, problem=problem))
    path.write_text(HEADER + '=1+1,+1\n-1,@x\n"\'=2",\uff1d3\n')
    assert many(path, "--results", path.parent / "results.csv").returncode == 1
    report = results(path.parent / "results.csv")
    assert [(row["user_id"], row["identifier_id"]) for row in report] == [
        ("'=1+1", "'+1"),
        ("'-1", "'@x"),
        ("'=2", "'\uff1d3"),
    ]
    assert {row["trace_id"] for row in report} == {"'@SUM(1)"}


@pytest.mark.parametrize("named", ["none.csv", ".", "/proc/self/mem"])
def test_an_unreadable_input_is_refused(emulator: Emulator, path: Path, named: str) -> None:
    given = path.parent / named
    assert refused(emulator, given).startswith(f"Error: {given}: ")


def test_an_input_that_does_not_fit_on_the_disk_is_refused(emulator: Emulator, path: Path) -> None:
    os.mkfifo(path)
    code = f"open({str(path)!r}, 'w').write('x' * 5000)"
    with subprocess.Popen([sys.executable, "-c", code]):
        done = in_own_process(path, before=limited(1000))
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
def test_a_signal_stops_the_run_cleanly_and_the_next_run_resumes_it(
    emulator: Emulator, path: Path, end: signal.Signals, code: int, word: str
) -> None:
    slowly(emulator)
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    report = path.parent / "results.csv"
    files = ("--journal", str(path.parent / "journal"), "--results", str(report))
    with started(*MANY, str(path), *files, "--concurrency", "8") as process:
        wait_for(100, emulator, process)
        process.send_signal(end)
        printed = process.communicate()
        assert process.returncode == code
    requests = emulator.counts.requests
    assert requests < 500
    # Calls in flight are waited for and recorded.
    assert printed == (
        f"1,000 rows: {requests} ok, 0 failed, {1000 - requests} skipped\n",
        f"Error: {word}; run the same command to resume\n",
    )
    assert statuses(report) == {"ok": requests, "skipped": 1000 - requests}
    done = many(path, *files)
    assert (done.returncode, done.stderr) == (0, "")
    earlier = f" ({requests} of them in earlier runs)"
    assert done.stdout == f"1,000 rows: 1,000 ok, 0 failed, 0 skipped{earlier}\n"
    assert emulator.executions == emulator.counts.requests == 1000
    assert statuses(report) == {"ok": 1000}


def test_a_second_signal_does_not_wait_for_calls_in_flight(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(10)))
    printed, errors = stopped_at_once(emulator, path)
    assert printed[0] == "10 rows: 0 ok, 0 failed, 10 skipped\n"
    assert "a new run resends all rows, which is harmless" in printed[1]
    assert errors == {(MAYBE, "1"): 2, (NOT_SENT, "0"): 8}


# Without the second signal, the command would outlast the test.
PATIENT = "import monocloud_async.cli.batch.until_stopped as it; it._GRACE_SECONDS = 60"


def twice(process: Forked, first: signal.Signals, second: signal.Signals) -> str:
    """Send two signals, the second once the first is noticed; return the first line on stderr."""
    process.send_signal(first)
    assert process.stderr
    message = process.stderr.readline()
    assert "waiting up to 5 s for calls in flight" in message
    process.send_signal(second)
    return message


def stopped_at_once(
    emulator: Emulator, path: Path, *args: str
) -> tuple[tuple[str, str], Counter[tuple[str, str]]]:
    """Stop the command during its first two requests; return its output and its rows' errors."""
    emulator.faults.add(Fault(status=200, delay=30))
    report = path.parent / "results.csv"
    options = ("--results", str(report), "--concurrency", "2")
    with started(*MANY, str(path), *options, *args, before=PATIENT) as process:
        wait_for(2, emulator, process)
        message = twice(process, signal.SIGINT, signal.SIGTERM)
        printed, errors = process.communicate(timeout=20)
    assert process.returncode == 130
    return (printed, message + errors), Counter(
        (row["error"], row["attempts"]) for row in results(report)
    )


@pytest.mark.parametrize("text", [rows((f"u-{n}", f"b-{n}") for n in range(10)), NUMBERS])
def test_a_row_that_was_only_read_is_reported_as_not_applied(
    emulator: Emulator, path: Path, text: str
) -> None:
    path.write_text(text)
    # Numbers are looked up first, so a run with numbers has not written anything yet either.
    args = () if text is NUMBERS else ("--dry-run",)
    _, errors = stopped_at_once(emulator, path, *args)
    assert {request.method for request in emulator.requests} == {"GET"}
    assert errors == {(NOT_APPLIED, "1"): 2, (NOT_SENT, "0"): 8}


@pytest.mark.parametrize("status", [401, 403])
def test_results_after_a_refused_key_say_what_was_sent(
    emulator: Emulator, path: Path, status: int
) -> None:
    emulator.faults.add(Fault(status=200, delay=30, user_id="u-0"))
    emulator.faults.add(Fault(status=status, delay=0.1, user_id="u-1"))
    # The other rows of u-2 have been read and wait for its first row.
    path.write_text(rows((f"u-{min(n, 2)}", f"b-{min(n, 2)}") for n in range(100)))
    report = path.parent / "results.csv"
    done = many(path, "--results", report, "--concurrency", "4", "--rate", "4")
    assert done.returncode == 1
    errors = [row["error"] for row in results(report)]
    assert errors[:2] == [MAYBE, NOT_APPLIED]
    assert set(errors[3:]) == {NOT_SENT}


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_key_stops_the_run_at_once(emulator: Emulator, path: Path, status: int) -> None:
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


def test_the_run_stops_after_too_many_failures(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", "none" if n % 2 else f"b-{n}") for n in range(1000)))
    report = path.parent / "results.csv"
    files = ("--journal", path.parent / "journal", "--results", report)
    done = many(path, *files, "--max-failures", "10", "--concurrency", "4")
    assert done.returncode == 1
    assert "\nError: more than 10 rows failed; run the same command to resume\n" in done.stderr
    found = statuses(report)
    assert 11 <= found["failed"] <= 20
    assert found.total() == 1000
    assert emulator.counts.requests == found["ok"] + found["failed"] < 100
    # Failed rows are tried again.
    assert many(path, *files, "--max-failures", "1000").returncode == 1
    assert statuses(report) == {"ok": 500, "failed": 500}
    assert emulator.executions == 500


def test_rows_that_wait_for_the_same_user_are_not_started_after_a_stop(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows([("u-0", "none"), *((f"u-{1 + n % 2}", "none") for n in range(900))]))
    report = path.parent / "results.csv"
    done = many(path, "--results", report, "--max-failures", "0", "--concurrency", "4")
    assert "Error: more than 0 rows failed; " in done.stderr
    assert emulator.counts.requests == statuses(report)["failed"] <= 40
    assert {row["error"] for row in results(report) if row["status"] == "skipped"} == {NOT_SENT}


def test_an_unreachable_server_is_reported(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(10)))
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    domain = f"http://127.0.0.1:{port}"
    with started(*MANY, str(path), "--domain", domain, "--concurrency", "1") as process:
        assert process.stderr
        message = process.stderr.readline()
        # Either signal may be noticed first; the other ends the wait.
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=20)
    reason = f"no connection to 127.0.0.1:{port}: "
    assert message.startswith(
        f"the server seems to be down; the run retries periodically: {reason}"
    )


def test_a_file_that_changes_during_the_run_stops_it(emulator: Emulator, path: Path) -> None:
    slowly(emulator)
    path.write_text(HEADER + "".join(f"u-{n % 1000},{'b' * 60}{n:09}\n" for n in range(10_000)))
    with started(*MANY, str(path), "--journal", str(path.parent / "journal")) as process:
        wait_for(50, emulator, process)
        with path.open("r+") as file:
            file.seek(200_000)
            file.write("X")
        _, errors = process.communicate()
    assert process.returncode == 1
    assert f"Error: {path} has changed since it was checked: restore the original; " in errors
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
def test_an_invalid_number_is_refused_with_its_option_and_range(
    emulator: Emulator, path: Path, option: str, given: str, limit: str
) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    done = many(path, option, given)
    assert (done.returncode, done.stdout) == (2, "")
    *_, message = done.stderr.splitlines()
    assert re.search(rf"Invalid value for '{option}': .*\b{re.escape(limit)}\b", message)
    assert not emulator.counts.requests


def file_limit(soft: int, hard: int) -> str:
    """Return code that limits a process's open files."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_NOFILE, ({soft}, {hard}))"


def test_the_open_file_limit_is_raised_when_needed(emulator: Emulator, path: Path) -> None:
    emulator.faults.add(Fault(status=200, delay=1))
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(400)))
    done = in_own_process(path, "--concurrency", "400", before=file_limit(64, 464))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "400 rows: 400 ok, 0 failed, 0 skipped\n"


def test_a_concurrency_above_the_open_file_limit_is_refused(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    done = in_own_process(path, "--concurrency", "1000", before=file_limit(200, 256))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        "Error: --concurrency 1000 needs 1064 open files, but this process is limited to 256: "
        "lower it, or raise the limit (ulimit -n); nothing was sent\n"
    )
    assert not emulator.counts.requests


# The journal.


def test_failed_rows_are_sent_again_and_completed_rows_are_not(
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


def test_a_new_run_does_not_restore_an_older_phone(emulator: Emulator, path: Path) -> None:
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


def test_a_superseded_row_is_not_a_failure(emulator: Emulator, path: Path) -> None:
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
    # The message goes on with what to do.
    assert "; nothing was sent: " in done.stderr
    return done.stderr


def test_a_journal_of_another_tenant_or_input_is_refused(emulator: Emulator, path: Path) -> None:
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


def test_a_file_that_is_not_a_journal_is_refused_and_left_alone(
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


def test_only_one_run_at_a_time_uses_a_journal(emulator: Emulator, path: Path) -> None:
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


def test_the_journal_contains_neither_the_key_nor_phone_numbers(
    emulator: Emulator, path: Path
) -> None:
    path.write_text("user_id,phone\nu-1,+441515000001\nu-2,+441515999999\n")
    journal = path.parent / "journal"
    many(path, "--journal", journal)
    content = b"".join(file.read_bytes() for file in path.parent.glob("journal*"))
    assert b"b-1" in content
    assert b"\xe2\x80\xa69999" in content
    for secret in (KEY, "441515000001", "441515999999", "u-1"):
        assert secret.encode() not in content


def limited(size: int) -> str:
    """Return code that limits the size of written files, as a full disk does."""
    return f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({size}, {size}))"


def test_a_full_disk_stops_the_run_before_it_sends_unrecordable_rows(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    journal = path.parent / "journal"
    done = in_own_process(path, "--journal", journal, "--concurrency", "8", before=limited(60_000))
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
    # A busy machine takes more than the 5 s after which there is a line of progress.
    shown = [line for line in again.stderr.splitlines() if " of 1,000 rows (" not in line]
    assert (again.returncode, shown) == (0, [])
    recorded = re.search(r"\((\d+) of them in earlier runs\)", again.stdout)
    assert recorded
    assert sent - int(recorded[1]) <= 8 + 100
    assert emulator.executions == 1000 + sent - int(recorded[1])


def test_nothing_is_sent_if_nothing_can_be_recorded(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    done = in_own_process(path, "--journal", path.parent / "journal", before=limited(1000))
    assert done.returncode == 2
    assert "cannot be used" in done.stderr
    assert not emulator.counts.requests


def without_root_privileges(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command so that file permissions apply to root too."""

    def drop_privileges() -> None:
        if os.geteuid() == 0:
            ctypes.CDLL(None).prctl(_PR_CAPBSET_DROP, _DAC_OVERRIDE, 0, 0, 0)

    # The capability is lost when another program starts, but not in a fork.
    return subprocess.run(
        [*COMMAND, *MANY, *map(str, args)],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        preexec_fn=drop_privileges,
    )


def test_files_without_write_permission_are_refused(emulator: Emulator, path: Path) -> None:
    path.write_text(HEADER)
    journal, report = path.parent / "journal", path.parent / "results"
    assert many(path, "--journal", journal).returncode == 0
    journal.chmod(0o444)
    done = without_root_privileges(path, "--journal", journal)
    if done.returncode == 0:
        pytest.skip("this user can write regardless of permissions")
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: the journal {journal} cannot be used: {journal} is read-only; nothing was sent: "
        "use another --journal file\n"
    )
    report.mkdir()
    for permissions in (0o555, 0):
        report.chmod(permissions)
        done = without_root_privileges(path, "--results", report / "x.csv")
        assert done.returncode == 2
        assert done.stderr == (
            f"Error: cannot write the results to {report / 'x.csv'}: Permission denied; "
            "nothing was sent: choose another --results file\n"
        )
    report.chmod(0o755)


# The results file.


def test_results_that_cannot_be_written_leave_the_old_file(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"u-{n}", f"b-{n}") for n in range(1000)))
    report = path.parent / "results"
    report.write_text("earlier\n")
    done = in_own_process(path, "--results", report, before=limited(5000))
    assert done.returncode == 1
    assert done.stdout == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    assert done.stderr == f"Error: cannot write the results to {report}: File too large\n"
    assert report.read_text() == "earlier\n"
    assert names(path.parent) == ["results", "rows.csv"]


def test_links_and_devices_are_not_replaced(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    link, report = path.parent / "link", path.parent / "results"
    link.symlink_to(report)
    assert many(path, "--results", link).returncode == 0
    assert link.is_symlink()
    assert len(results(report)) == 1
    done = in_own_process(path, "--results", "/dev/stdout")
    assert done.stdout.startswith("line,user_id,identifier_id,status,http_status,")
    assert done.stdout.endswith("\n1 row: 1 ok, 0 failed, 0 skipped\n")


@pytest.mark.parametrize("named", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "link"])
def test_results_can_go_to_the_file_behind_stdout(
    emulator: Emulator, path: Path, named: str
) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    report, link = path.parent / "results", path.parent / "link"
    link.symlink_to("/dev/stdout")
    with report.open("w") as file:
        file.write("earlier\n")
        file.flush()
        inode = report.stat().st_ino
        done = run(*MANY, path, "--results", path.parent / named, stdout=file)
    assert (done.returncode, done.stderr) == (0, "")
    earlier, header, row, totals = report.read_text().splitlines()
    assert (earlier, totals) == ("earlier", "1 row: 1 ok, 0 failed, 0 skipped")
    assert header.startswith("line,user_id,")
    assert row.startswith("2,u-1,b-1,ok,200,")
    assert report.stat().st_ino == inode
    assert names(path.parent) == ["link", "results", "rows.csv"]


def test_results_can_go_to_any_open_file(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    report = path.parent / "results"
    with report.open("w") as file:
        number = file.fileno()
        done = run(*MANY, path, "--results", f"/dev/fd/{number}", pass_fds=[number])
        assert (done.returncode, done.stderr) == (0, "")
        assert report.stat().st_ino == os.fstat(number).st_ino
    assert len(results(report)) == 1
    assert names(path.parent) == ["results", "rows.csv"]


def test_results_can_go_to_a_named_pipe(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    pipe, report = path.parent / "pipe", path.parent / "results"
    os.mkfifo(pipe)
    code = f"open({str(report)!r}, 'w').write(open({str(pipe)!r}).read())"
    with subprocess.Popen([sys.executable, "-c", code]):
        assert many(path, "--results", pipe).returncode == 0
    assert pipe.is_fifo()
    assert len(results(report)) == 1


def test_a_closed_or_read_only_file_descriptor_is_refused(emulator: Emulator, path: Path) -> None:
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


def test_a_dry_run_only_reads_and_reports_what_would_change(emulator: Emulator, path: Path) -> None:
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
    report = path.parent / "results"
    journal = path.parent / "journal"
    done = many(path, "--dry-run", "--results", report, "--journal", journal)
    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout == (
        "7 rows: 3 would change, 2 already primary, 1 unknown user, 1 unknown phone, 0 failed, "
        "0 skipped\n"
    )
    assert [row["status"] for row in results(report)] == [status for *_, status in pairs]
    assert {request.method for request in emulator.requests} == {"GET"}
    assert not journal.exists()


def test_a_dry_run_looks_up_numbers(emulator: Emulator, path: Path) -> None:
    path.write_text("user_id,phone\nu-1,+441514000001\nu-1,+441515000001\nu-2,+441515000001\n")
    done = many(path, "--dry-run", "--results", path.parent / "results")
    report = [(row["status"], row["identifier_id"]) for row in results(path.parent / "results")]
    assert report == [("already primary", "a-1"), ("would change", "b-1"), ("unknown phone", "")]
    assert done.returncode == 1
    assert not emulator.executions


def test_a_dry_run_without_problems_succeeds(emulator: Emulator, path: Path) -> None:
    path.write_text(rows([("u-1", "b-1")]))
    emulator.faults.add(Fault(status=503, times=2))
    assert many(path, "--dry-run").returncode == 0
    assert not emulator.executions


# The display.


def test_a_terminal_shows_a_progress_bar(emulator: Emulator, path: Path) -> None:
    slowly(emulator)
    path.write_text(rows((f"u-{n}", f"b-{n}" if n else "none") for n in range(500)))
    screen, code = on_a_terminal(*MANY, str(path), "--concurrency", "8", columns=76)
    assert code == 1
    assert re.search(r"━.* [\d,]+ of 500 rows \(\d+%\), \d+/s, 1 failed, 0:00:0\d left", screen)
    assert "line 2: phones.set_primary: 404" in screen
    assert screen.endswith("500 rows: 499 ok, 1 failed, 0 skipped\r\n")


@pytest.mark.parametrize("closed", ["2>&-", ">&-", ">&- 2>&-", "<&- >&- 2>&-"])
def test_the_command_works_without_standard_streams(
    emulator: Emulator, path: Path, closed: str
) -> None:
    before = rows([("u-1", "b-1"), ("u-2", "none")])
    path.write_text(before)
    files = path.parent / "journal", path.parent / "results"
    done = without(closed, *MANY, str(path), "--journal", str(files[0]), "--results", str(files[1]))
    assert done.returncode == 1
    assert done.stdout == ("2 rows: 1 ok, 1 failed, 0 skipped\n" if closed == "2>&-" else "")
    assert bool(done.stderr) is (closed == ">&-")
    assert primaries(emulator)["u-1"] == "b-1"
    assert path.read_text() == before
    assert statuses(files[1]) == {"ok": 1, "failed": 1}


def test_closed_standard_input_is_refused(emulator: Emulator) -> None:
    done = without("<&-", *MANY, "-")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == "Error: standard input is closed; nothing was sent: pass a file\n"


def test_other_commands_do_not_import_the_batch() -> None:
    code = (
        "import monocloud_async.cli.app, monocloud_sync, sys; "
        "print({'sqlite3', 'csv', 'monocloud_async.bulk'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert (done.stdout, done.stderr) == ("set()\n", "")
