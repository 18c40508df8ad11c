"""How a batch ends: the totals are printed and correct, whatever ends it."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .commands import run, started
from .conftest import KEY
from .fork_server import Forked
from .test_batch import MANY, MAYBE, PATIENT, many, primaries, results, rows, twice, user, wait_for

ALL = 1000


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([user(n) for n in range(ALL)], api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "rows.csv"
    found.write_text(rows((f"u-{n}", f"b-{n}") for n in range(ALL)))
    return found


@pytest.mark.parametrize("executed", [True, False])
def test_a_failed_row_cut_off_during_its_retry_may_have_been_applied(
    emulator: Emulator, path: Path, executed: bool
) -> None:
    report = path.parent / "results.csv"
    files = ("--journal", str(path.parent / "journal"), "--results", str(report))
    refusal = Fault(status=409, user_id="u-5")
    emulator.faults.add(refusal)
    assert many(path, *files).stdout == "1,000 rows: 999 ok, 1 failed, 0 skipped\n"
    emulator.faults.clear()
    emulator.faults.add(Fault(status=200, delay=30, user_id="u-5", executed=executed))
    with started(*MANY, str(path), *files, before=PATIENT) as process:
        wait_for(ALL + 1, emulator, process)
        twice(process, signal.SIGINT, signal.SIGTERM)
        printed, _ = process.communicate(timeout=20)
    assert process.returncode == 130
    assert printed.startswith("1,000 rows: 999 ok, 0 failed, 1 skipped")
    row = results(report)[5]
    assert (row["status"], row["error"], row["attempts"]) == ("skipped", MAYBE, "1")
    # It is still tried again.
    emulator.faults.clear()
    assert many(path, *files).stdout.startswith("1,000 rows: 1,000 ok, 0 failed, 0 skipped")
    assert primaries(emulator)["u-5"] == "b-5"


@contextmanager
def writing(emulator: Emulator, path: Path) -> Iterator[tuple[Forked, int]]:
    """Run a batch until it is halfway through writing its results to a pipe; yield both."""
    pipe = path.parent / "results"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        # The pipe holds less than the results, so the writer has to wait.
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 4096)
        with started(*MANY, str(path), "--results", str(pipe)) as process:
            assert select.select([reader], [], [], 30)[0]
            assert emulator.executions == ALL
            yield process, reader
    finally:
        os.close(reader)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_results_are_written_lets_them_finish(
    emulator: Emulator, path: Path, number: signal.Signals
) -> None:
    with writing(emulator, path) as (process, reader):
        process.send_signal(number)
        assert process.stderr
        assert "writing the results" in process.stderr.readline()
        os.set_blocking(reader, True)
        lines = os.fdopen(reader, closefd=False).read().splitlines()
        printed, errors = process.communicate(timeout=10)
    assert len(lines) == 1 + ALL
    assert process.returncode == 128 + number
    assert printed == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    assert "; a new run resends all rows, which is harmless" in errors


def test_a_second_signal_stops_the_results_but_not_the_totals(
    emulator: Emulator, path: Path
) -> None:
    with writing(emulator, path) as (process, _):
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        process.stderr.readline()
        process.send_signal(signal.SIGTERM)
        printed, errors = process.communicate(timeout=10)
    assert process.returncode == 143
    assert printed == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    assert "Error: no results were written: interrupted\n" in errors


def test_a_run_says_that_it_waits_for_calls_in_flight(emulator: Emulator, path: Path) -> None:
    emulator.faults.add(Fault(status=200, delay=30))
    with started(*MANY, str(path), before=PATIENT) as process:
        wait_for(1, emulator, process)
        twice(process, signal.SIGINT, signal.SIGINT)
        process.communicate(timeout=20)
    assert process.returncode == 130


def test_rows_that_failed_in_earlier_runs_do_not_hold_up_the_others(
    emulator: Emulator, path: Path
) -> None:
    path.write_text(rows((f"u-{n}", "none" if n < 20 else f"b-{n}") for n in range(100)))
    args = ("--journal", path.parent / "journal", "--max-failures", "3", "--concurrency", "1")
    stopped = "Error: more than 3 rows failed; run the same command to resume"
    runs = 0
    while stopped in (done := many(path, *args)).stderr:
        runs += 1
    assert done.stdout.startswith("100 rows: 80 ok, 20 failed, 0 skipped")
    # Each run ends after four new failures, or a few more for calls in flight.
    assert 2 <= runs <= 5


def test_a_dry_run_counts_unknown_users_as_failures(emulator: Emulator, path: Path) -> None:
    path.write_text(rows((f"nobody-{n}", "b") for n in range(100)))
    done = many(path, "--dry-run", "--max-failures", "3", "--concurrency", "1")
    assert done.returncode == 1
    assert "Error: more than 3 rows failed; nothing was changed" in done.stderr
    assert 4 <= emulator.counts.requests < 10


@pytest.mark.parametrize("journal", [True, False])
def test_an_input_that_changes_after_reading_loses_only_the_results(
    emulator: Emulator, path: Path, journal: bool
) -> None:
    before = path.read_text()
    emulator.faults.add(Fault(status=200, delay=1, user_id="u-999"))
    args = ("--journal", str(path.parent / "journal")) if journal else ()
    with started(*MANY, str(path), *args, "--results", str(path.parent / "results")) as process:
        wait_for(ALL, emulator, process)
        path.write_text(before + "u-1,b-1\n")
        printed, errors = process.communicate(timeout=10)
    assert process.returncode == 1
    assert printed == "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
    error = (
        f"no results were written: {path} has changed since it was checked: restore the original"
    )
    assert errors == f"Error: {error}\n"


def test_totals_that_cannot_be_printed_go_to_stderr(emulator: Emulator, path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(*MANY, path, stdout=full)
    assert emulator.executions == ALL
    assert done.stderr == (
        "1,000 rows: 1,000 ok, 0 failed, 0 skipped\n"
        "Error: cannot print the totals: No space left on device\n"
    )
    assert done.returncode == 1


def test_a_signal_before_the_first_request_says_that_nothing_was_sent(
    emulator: Emulator, tmp_path: Path
) -> None:
    pipe = tmp_path / "rows"
    os.mkfifo(pipe)
    with started(*MANY, str(pipe)) as process:
        with pipe.open("w") as writer:
            writer.write("user_id,")
            writer.flush()
            while fcntl.ioctl(writer, termios.FIONREAD, b"    ") != b"\0\0\0\0":
                time.sleep(0.01)
            # It has read that much, and waits for the rest.
            process.send_signal(signal.SIGINT)
            printed, errors = process.communicate(timeout=10)
    assert (process.returncode, printed) == (130, "")
    assert errors == "Error: interrupted; nothing was sent\n"
    assert not emulator.counts.requests
