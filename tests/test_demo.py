"""`monocloud demo`: it does what it shows, and fails if the server does not."""

from __future__ import annotations

import collections
import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from monocloud_async.cli import demo
from monocloud_async.cli.app import app
from monocloud_async.cli.demo import import_killed, lost_answers, three_ways
from monocloud_async.cli.demo.next_command import next_command

from .commands import run
from .conftest import API_KEY, DOMAIN
from .programs import posix

PHONES = "+447700900123", "+441632960961"


def test_the_demo_does_what_it_shows_on_one_page_of_plain_text() -> None:
    junk = {DOMAIN: "http://acme.com", API_KEY: "é", "MONOCLOUD_MANAGEMENT_TIMEOUT": "5s"}
    done = run("demo", env={**junk, "COLUMNS": "60"})
    assert (done.returncode, done.stderr) == (0, "")
    assert "async with MonoCloudClient(domain, api_key) as client:" in done.stdout
    assert "\n  with MonoCloudClient(domain, api_key) as client:" in done.stdout
    assert "$ monocloud phones set-primary " in done.stdout
    primary = re.findall(r"=> (\+\d+) is primary: 1 request, 1 change$", done.stdout, re.MULTILINE)
    assert primary == [PHONES[1], PHONES[0], PHONES[1]]
    assert "2 requests, and the right phone is primary" in done.stdout
    assert "may_have_been_applied=True: 1 request, and 1 phone was added, not 2" in done.stdout
    killed_at = re.search(r"kill -9\) when the server had created (\d+) of 1,000", done.stdout)
    assert killed_at
    assert 400 <= int(killed_at[1]) < 1_000
    # The kill lost the calls in flight, and the import reports what it did not repeat.
    earlier = re.search(r"1,000 created, .*0 failed.* \((\d+) of them in earlier runs", done.stdout)
    assert earlier
    assert 0 < int(earlier[1]) <= int(killed_at[1])
    assert "1,000 users, each created exactly once: none is missing or duplicated" in done.stdout
    assert re.search(r"\d\d responses were lost on the way", done.stdout)
    lines = done.stdout.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 100
    assert "\x1b" not in done.stdout
    assert lines[-1].endswith(" emulator")


@posix
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_nothing_is_left_of_a_demo_that_a_signal_ends(name: str, tmp_path: Path) -> None:
    end = signal.Signals[name]
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "monocloud_async.cli", "demo"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            assert process.stdout
            assert any("monocloud users import" in line for line in process.stdout)
            # The journal is there: the import runs.
            while not list(tmp_path.glob("*/users.journal")) and process.poll() is None:
                pass
            process.send_signal(end)
            # A process that outlived the demo would keep its standard error open.
            _, errors = process.communicate(timeout=30)
            assert (process.returncode, errors) == (128 + end, "")
            assert list(tmp_path.iterdir()) == []
            with pytest.raises(ProcessLookupError):
                os.killpg(process.pid, 0)
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


# Where something breaks a promise.


def ends(monkeypatch: pytest.MonkeyPatch, number: int) -> tuple[int, str]:
    """Run one part of the demo, and return its exit code and output."""
    monkeypatch.setattr(demo, "PARTS", demo.PARTS[number : number + 1])
    done = CliRunner().invoke(app, ["demo"])
    assert "is as promised" not in done.output
    return done.exit_code, done.output


async def idle(*_: object) -> None:
    pass


def test_a_call_that_changes_nothing_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(three_ways, "WAYS", [idle])
    code, printed = ends(monkeypatch, 0)
    assert code == 1
    assert "the other phone did not become the primary one" in printed


def test_a_call_that_sends_two_requests_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    async def twice(*call: str) -> None:
        await three_ways._with_asyncio(*call)
        await three_ways._with_asyncio(*call)

    monkeypatch.setattr(three_ways, "WAYS", [twice])
    code, printed = ends(monkeypatch, 0)
    assert code == 1
    assert "2 requests and 2 changes instead of one" in printed


def test_a_failing_command_fails_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monocloud_async.cli.demo.processes._SOURCE", "raise SystemExit('why')")
    code, printed = ends(monkeypatch, 0)
    assert code == 1
    assert printed.endswith("why\nError: the command ended with exit code 1\n")


def test_a_call_that_is_not_repaired_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lost_answers, "_set_primary", idle)
    code, printed = ends(monkeypatch, 1)
    assert code == 1
    assert "was not retried as promised" in printed


def test_an_addition_that_hides_its_lost_response_fails(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(lost_answers, "_add", idle)
    code, printed = ends(monkeypatch, 1)
    assert code == 1
    assert "raised no error" in printed


def test_an_import_that_ends_before_it_is_killed_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("monocloud_async.cli.demo.processes._SOURCE", "")
    code, printed = ends(monkeypatch, 2)
    assert code == 1
    assert "ended before it could be killed" in printed


@pytest.mark.parametrize("change", [{"user-0@example.com": 1}, {"user-0@example.com": -1}])
def test_missing_or_duplicate_users_fail(change: dict[str, int], capsys) -> None:
    emails = collections.Counter(f"user-{number}@example.com" for number in range(1_000))
    import_killed.check(emails, 1_000)
    emails.update(change)
    with pytest.raises(Exception, match="1"):
        import_killed.check(+emails, 1_000)
    assert "each user of the file exactly once" in capsys.readouterr().err


def test_users_created_twice_and_then_removed_fail(capsys) -> None:
    emails = collections.Counter(f"user-{number}@example.com" for number in range(1_000))
    with pytest.raises(Exception, match="1"):
        import_killed.check(emails, 1_001)
    assert "created 1,001 users instead of 1,000" in capsys.readouterr().err


# The next command.


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("{here}/.venv/bin/monocloud", ".venv/bin/monocloud emulator"),
        ("{here}/bin/monocloud", "monocloud emulator"),
        ("/elsewhere/bin/monocloud", "/elsewhere/bin/monocloud emulator"),
        ("app.pyz", "python3 app.pyz emulator"),
        ("{here}/monocloud_async/cli/__main__.py", "python3 -m monocloud_async.cli emulator"),
    ],
)
def test_the_suggested_next_command_works(
    program: str, expected: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in ".venv/bin", "bin":
        (tmp_path / folder).mkdir(parents=True)
        (tmp_path / folder / "monocloud").touch(mode=0o755)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    monkeypatch.setattr(sys, "executable", "/usr/bin/python3")
    monkeypatch.setattr(sys, "argv", [program.format(here=tmp_path)])
    assert next_command() == expected
