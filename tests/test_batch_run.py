"""`monocloud run`: any operation over a file, with the emulator and with scripted answers."""

from __future__ import annotations

import csv
import io
import json
import stat
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from monocloud_async.cli.app import app
from monocloud_async.cli.operations import DESTRUCTIVE
from monocloud_async.cli.runnable import runnables
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .api_table import ROWS, calls, content
from .conftest import API_KEY, DOMAIN, KEY
from .test_api_table import KEY as TABLE_KEY
from .test_api_table import _check_sent
from .test_cli_operations import completed, on_a_terminal
from .wire import TODAY, answer, served

USERS = 60


def user(n: int) -> dict[str, object]:
    return {
        "user_id": f"u-{n}",
        "username": {"id": f"n-{n}", "username": f"name-{n}"},
        "emails": [{"id": f"e-{n}", "email": f"u{n}@example.com", "primary": True}],
    }


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([user(n) for n in range(USERS)], api_key=KEY) as emulator:
        yield emulator


def ran(*args: str | Path, stdin: str = "", key: str = KEY) -> subprocess.CompletedProcess[str]:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            app(["run", *map(str, args)], prog_name="monocloud")
    assert key not in out.getvalue() + err.getvalue()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(args, ended.value.code, out.getvalue(), err.getvalue())


def refused(emulator: Emulator, *args: str | Path, stdin: str = "") -> str:
    done = ran(*args, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert not emulator.counts.requests
    return done.stderr


def bodies(emulator: Emulator) -> list[Any]:
    return [json.loads(request.body) for request in emulator.requests]


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# What is sent


@pytest.mark.parametrize("row", [r for r in ROWS if r["method"] != "GET"], ids=lambda r: r["name"])
def test_a_row_sends_the_same_request_as_the_method(
    row: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    args = (row["name"], "-", "--null", "NULL", *(("--yes",) * (row["name"] in DESTRUCTIVE)))
    with served(answer()) as wire:
        monkeypatch.setenv(DOMAIN, wire.url)
        monkeypatch.setenv(API_KEY, TABLE_KEY)
        for call in calls(row):
            members = {**dict(zip(row["path_parameters"], call.ids, strict=True)), **call.arguments}
            for text in (json.dumps(members), as_csv(members)):
                wire.script(answer(row["status"], content(row)))
                done = ran(*args, stdin=text, key=TABLE_KEY)
                assert (done.returncode, done.stderr) == (0, "")
                _check_sent(row, call, wire.requests.pop())
                assert not wire.requests


def as_csv(members: dict[str, Any]) -> str:
    def cell(value: object) -> str:
        if value is None:
            return "NULL"
        return value if isinstance(value, str) else json.dumps(value)

    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(members)
    writer.writerow(map(cell, members.values()))
    return text.getvalue()


def test_every_operation_that_changes_something_can_be_run() -> None:
    changing = {row["name"] for row in ROWS if row["method"] != "GET"}
    assert set(runnables()) == changing | {"phones.set_primary_by_number"}


def test_a_file_with_one_column_is_run(emulator: Emulator, tmp_path: Path) -> None:
    path, report = tmp_path / "ids.csv", tmp_path / "results.csv"
    path.write_text("User ID\n" + "".join(f"u-{n}\n" for n in range(50)) + "nobody\n")
    done = ran("users.disable", path, "--results", report, "--set", "revoke_sessions=true")
    assert (done.returncode, done.stdout) == (1, "51 rows: 50 ok, 1 failed, 0 skipped\n")
    assert done.stderr.startswith("line 52: users.disable: 404 ")
    assert sum(u.get("disabled", False) for u in emulator.export()) == 50
    assert {str(body) for body in bodies(emulator)} == {"{'revoke_sessions': True}"}
    rows = list(csv.DictReader(io.StringIO(report.read_text())))
    assert list(rows[0])[:4] == ["line", "user_id", "status", "http_status"]
    assert [row["user_id"] for row in rows] == [*(f"u-{n}" for n in range(50)), "nobody"]
    assert Counter(row["http_status"] for row in rows) == {"200": 50, "404": 1}


def test_cells_are_converted_to_the_argument_types(emulator: Emulator) -> None:
    text = (
        "username;password;email_verified;email;name;phone\n"
        "a; =blank ;TRUE;\u200ba@example.com ; Ada\u200d ;'+44 1632 960961\n"
        "b;x;0;;;\n"
    )
    # The emulator would mask the password.
    with served(answer(201, TODAY)) as wire, pytest.MonkeyPatch.context() as patch:
        patch.setenv(DOMAIN, wire.url)
        args = ("users.create", "-", "--concurrency", "1", "--set", "is_temporary_password=no")
        assert ran(*args, stdin=text).stderr == ""
        sent = [json.loads(request.body) for request in wire.requests]
    assert sent == [
        {
            "username": "a",
            "password": " =blank ",
            "email_verified": True,
            "email": "a@example.com",
            "name": "Ada\u200d",
            "phone_number": "+441632960961",
            "is_temporary_password": False,
        },
        {
            "username": "b",
            "password": "x",
            "email_verified": False,
            "is_temporary_password": False,
        },
    ]


def test_null_clears_a_value_and_an_empty_cell_does_not(emulator: Emulator) -> None:
    text = "user_id,given_name,locale\nu-1,NULL,\nu-1,,de\n"
    assert ran("users.patch_claims", "-", "--null", "NULL", stdin=text).returncode == 0
    text = '{"user_id": "u-1", "given_name": null}\n{"user_id": "u-1", "locale": "de"}\n'
    assert ran("users.patch_claims", "-", stdin=text).returncode == 0
    assert bodies(emulator) == [{"given_name": None}, {"locale": "de"}] * 2
    text = "user_id,given_name,locale\nu-1,,de\n"
    assert ran("users.patch_claims", "-", "--null", "", stdin=text).returncode == 0
    assert bodies(emulator)[-1] == {"given_name": None, "locale": "de"}


def test_null_omits_a_password(emulator: Emulator) -> None:
    text = "user_id,password,password_hash\nu-1,A-Pass-Word-1,NULL\n"
    assert ran("passwords.set", "-", "--null", "NULL", stdin=text).returncode == 0
    text = "email,password\na@example.com,NULL\n"
    assert ran("users.create", "-", "--null", "NULL", stdin=text).returncode == 0
    assert bodies(emulator)[1] == {"email": "a@example.com"}


def test_a_row_that_ends_before_its_password_is_refused(emulator: Emulator) -> None:
    report = refused(emulator, "users.create", "-", stdin="email,password\na@example.com\n")
    assert "line 2: the row has only 1 cells, but the header has 2" in report


def test_null_is_refused_for_a_required_argument(emulator: Emulator) -> None:
    report = refused(emulator, "emails.add", "-", "--null", "NULL", stdin="user_id,email\nu,NULL\n")
    assert "line 2: email is required and cannot be NULL\n" in report


def test_ignored_columns_are_named_once(emulator: Emulator, tmp_path: Path) -> None:
    text = "colour,user_id,Size\nred,u-1,5\n,u-2,\n"
    done = ran("users.disable", "-", stdin=text)
    assert (done.returncode, done.stdout) == (0, "2 rows: 2 ok, 0 failed, 0 skipped\n")
    assert done.stderr == (
        "Ignoring columns that are not arguments of users.disable: colour, Size\n"
    )
    quiet = ("--ignore-column", "COLOUR", "--ignore-column", "size")
    assert ran("users.disable", "-", *quiet, stdin=text).stderr == ""
    # Once user_id is given, a similar name does not stand for it.
    text = "user,user_id\nu-7,u-1\n"
    assert (
        "are not arguments of users.enable: user\n" in ran("users.enable", "-", stdin=text).stderr
    )
    text = '{"user_id": "u-1"}\n{"user_id": "u-2", "odd": {"user_id": 7}}\n'
    assert ran("users.enable", "-", stdin=text).stderr.endswith("users.enable: odd\n")


# Mistakes in the input


@pytest.mark.parametrize(
    ("operation", "text", "line", "what"),
    [
        ("emails.add", "user_id,mail\nu,x\n", 1, "columns user_id and email, but it has user_id,"),
        ("emails.add", '{"user_id": "u"}', 1, "the members user_id and email, but it has user"),
        ("users.disable", "id\nu\n", 1, "header must have the column user_id, but it has id"),
        (
            "users.disable",
            '{"id": "u"}',
            1,
            "the first row must have the member user_id, but it has id",
        ),
        ("users.disable", "user_id,revoke_session\nu,\n", 1, "did you mean revoke_sessions?"),
        ("users.disable", "user_id,revoke_sessions\nu,\nu,maybe\n", 3, "must be true or false"),
        ("users.disable", '{"user_id": "u", "revoke_sessions": "true"}', 1, "true or false"),
        ("users.disable", "user_id,user-id\nu,u\n", 1, "column user_id more than once"),
        ("users.disable", "user_id\nu\n..\n", 3, "user_id must be an id, not '..'"),
        ("users.disable", '{"user_id": "u"}\n{"x": 1}', 2, "missing member user_id"),
        ("users.disable", '{"user_id": null}', 1, "user_id must be a string"),
        ("users.disable", 'user_id\n"u"v\n', 2, "invalid CSV"),
        ("passwords.reset", "user_id,expiry\nu,1.5\n", 2, "expiry must be a whole number"),
        ("passwords.reset", "user_id,expiry\nu,0\n", 2, "expiry must be a whole number, 1 or"),
        ("passwords.reset", '{"user_id": "u", "expiry": true}', 1, "expiry must be a whole number"),
        ("data.patch_private", "user_id,private_data\nu,{\n", 2, "private_data must be a JSON obj"),
        (
            "data.patch_private",
            "user_id,private_data\nu,[]\n",
            2,
            "private_data must be a JSON obj",
        ),
        ("data.patch_private", "user_id,private_data\nu,\n", 2, "private_data must be a JSON obj"),
        (
            "data.patch_private",
            '{"user_id": "u", "private_data": {"a": {"b": 1, "b": 2}}}',
            1,
            "private_data: an object has a duplicate member",
        ),
        (
            "data.patch_private",
            '{"user_id": "u", "private_data": {"a": [NaN]}}',
            1,
            "private_data: a number is not finite",
        ),
        ("phones.add", "user_id,phone_number\nu,0151 123\n", 2, "phone_number must be"),
        ("users.patch_claims", "user_id,name\nu,\n", 2, "pass at least one claim"),
        ("passwords.set", "user_id,password,password_hash\nu,a,b\n", 2, "not both"),
        ("passwords.set", "user_id,password\nu,\n", 2, "pass password or password_hash"),
        ("users.create", "colour\nred\n", 1, "must have the columns username, email, "),
    ],
)
def test_a_mistake_names_its_line_and_nothing_is_sent(
    emulator: Emulator, operation: str, text: str, line: int, what: str
) -> None:
    first, last = refused(emulator, operation, "-", stdin=text).splitlines()
    assert first.startswith(f"standard input, line {line}: ")
    assert what in first
    assert last.startswith("Error: standard input has 1 mistake; nothing was sent")


@pytest.mark.parametrize(
    ("args", "what"),
    [
        (
            ("users.list",),
            "users.list only reads and cannot run over a file: try monocloud users list",
        ),
        (
            ("phones.set-primary-many",),
            "has its own command: try monocloud phones set-primary-many",
        ),
        (("users.disble",), "unknown operation users.disble: did you mean users.disable"),
        (("users.disable", "--set", "x"), "--set x: must be NAME=VALUE"),
        (("users.disable", "--set", "user=1"), "did you mean user_id?"),
        (("users.disable", "--set", "revoke_sessions=7"), "revoke_sessions must be true or false"),
        (("users.disable", "--set", "revoke_sessions="), "the value is missing"),
        (("users.disable", "--set", "user_id= "), "--set user_id: the value is missing"),
        (("users.disable", "--set", "user_id=x"), "user_id is also set by --set"),
        (("users.disable", *("--set", "revoke_sessions=1") * 2), "given twice"),
        (("passwords.set", "--set", "password=x"), "other users can read a secret on the command"),
        (
            ("users.disable", "--retry-unknown"),
            "--retry-unknown does not apply to users.disable",
        ),
        (
            ("passwords.reset", "--show-secrets"),
            "--show-secrets needs a --results file that en",
        ),
        (
            ("users.disable", "--dry-run", "--results", "x"),
            "--dry-run sends nothing, so there are no results",
        ),
    ],
)
def test_invalid_operations_and_options_are_refused(
    emulator: Emulator, args: tuple[str, ...], what: str
) -> None:
    operation, *more = args
    assert what in refused(emulator, operation, "-", *more, stdin="user_id\nu-1\n")


# The dry run and destructive operations


def test_a_dry_run_sends_nothing_and_shows_the_requests(emulator: Emulator) -> None:
    text = "user_id,password\n" + "".join(f"u-{n},s3cret\n" for n in range(5))
    done = ran("passwords.set", "-", "--dry-run", stdin=text)
    assert (done.returncode, done.stderr) == (0, "")
    *shown, totals = done.stdout.splitlines()
    assert shown == [
        f'line {n + 2}: PUT /api/users/u-{n}/password {{"password": "***"}}' for n in range(3)
    ]
    assert totals == f"5 rows would be sent to {emulator.url}; nothing was sent"
    assert ran("users.delete", "-", "--dry-run", stdin="user_id\nu-1\n").returncode == 0
    assert not emulator.counts.requests


def test_a_destructive_operation_needs_confirmation(emulator: Emulator) -> None:
    text = "user_id\nu-1\nu-2\n"
    message = refused(emulator, "users.delete", "-", stdin=text)
    assert (
        message
        == "Error: cannot ask for confirmation without a terminal; nothing was sent: pass --yes\n"
    )
    assert ran("users.delete", "-", "--yes", stdin=text).returncode == 0
    assert len(emulator.export()) == USERS - 2


@pytest.mark.parametrize(("typed", "code", "left"), [("2\n", 0, 2), ("3\n", 2, 0), ("y\n", 2, 0)])
def test_the_terminal_asks_for_the_number_of_rows(
    emulator: Emulator, tmp_path: Path, typed: str, code: int, left: int
) -> None:
    path = tmp_path / "ids.csv"
    path.write_text("user_id\nu-1\nu-2\n")
    words = ("run", "users.delete", str(path))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.test_cli_operations.KEY", KEY)
        screen, ended = on_a_terminal(emulator.url, *words, typed={"continue": typed})
    report = f"Delete a user permanently: 2 rows for {emulator.url}. It cannot be undone.\n"
    assert report in screen.replace("\r", "")
    assert (ended, len(emulator.export())) == (code, USERS - left)
    assert ("not confirmed; nothing was sent" in screen) is (code == 2)


# Results


def test_results_contain_no_secrets(emulator: Emulator, tmp_path: Path) -> None:
    text = "user_id,password,is_temporary_password\nu-1,s3cretWord!,true\n=1+1,s3cretWord!,\n"
    for name in ("results.csv", "results.jsonl"):
        report, journal = tmp_path / name, tmp_path / f"{name}.journal"
        ran("passwords.set", "-", "--results", report, "--journal", journal, stdin=text)
        written = b"".join(file.read_bytes() for file in tmp_path.iterdir())
        assert b"s3cretWord!" not in written
    rows = list(csv.DictReader(io.StringIO((tmp_path / "results.csv").read_text())))
    assert [(r["user_id"], r["is_temporary_password"]) for r in rows] == [
        ("u-1", "true"),
        ("'=1+1", ""),
    ]
    first, second = lines(tmp_path / "results.jsonl")
    assert first["result"]["user_id"] == "u-1"
    assert (first["is_temporary_password"], first["status"]) == (True, "ok")
    assert (second["user_id"], second["status"]) == ("=1+1", "failed")
    assert "result" not in second


def test_links_are_written_only_on_request_and_readable_only_by_the_owner(
    emulator: Emulator, tmp_path: Path
) -> None:
    report, journal = tmp_path / "results.jsonl", tmp_path / "journal"
    journal.touch(0o644)
    text = "user_id\nu-1\nu-2\n"
    assert ran("passwords.reset", "-", "--results", report, stdin=text).returncode == 0
    assert [line["result"]["link"] for line in lines(report)] == ["***", "***"]
    files = ("--results", report, "--journal", journal)
    assert ran("passwords.reset", "-", *files, "--show-secrets", stdin=text).returncode == 0
    links = [line["result"]["link"] for line in lines(report)]
    assert len({link for link in links if link.startswith("https://")}) == 2
    for file in (report, journal):
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    # They are still there after the run is resumed.
    assert ran("passwords.reset", "-", *files, "--show-secrets", stdin=text).returncode == 0
    assert [line["result"]["link"] for line in lines(report)] == links
    assert emulator.executions == 4


def test_failed_rows_can_be_run_again_from_the_results(emulator: Emulator, tmp_path: Path) -> None:
    report = tmp_path / "results.jsonl"
    emulator.faults.add(Fault(status=400, user_id="u-2"))
    text = "user_id,email,is_verified\nu-1,a@example.com,true\nu-2,b@example.com,true\n"
    assert ran("emails.add", "-", "--results", report, stdin=text).returncode == 1
    emulator.faults.clear()
    failed = "".join(f"{json.dumps(x)}\n" for x in lines(report) if x["status"] == "failed")
    done = ran("emails.add", "-", stdin=failed)
    assert (done.returncode, done.stdout.split(": ")[0]) == (0, "1 row")
    assert (
        "arguments of emails.add: line, status, http_status, error, trace_id, attempts\n"
        in done.stderr
    )
    assert bodies(emulator)[-1]["email"] == "b@example.com"


# The order of rows


def test_a_new_run_does_not_restore_an_older_value(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "names.csv"
    path.write_text("user_id,username\nu-1,older\nu-1,newer\n")
    emulator.faults.add(Fault(status=400, user_id="u-1", times=1))
    args = ("usernames.update", path, "--journal", tmp_path / "journal")
    assert ran(*args).stdout == "2 rows: 1 ok, 1 failed, 0 skipped\n"
    assert ran(*args).stdout == "2 rows: 1 ok, 0 failed, 1 skipped (1 of them in earlier runs)\n"
    name = emulator.user("u-1").username
    assert name
    assert name.username == "newer"


def test_an_older_patch_is_neither_sent_again_nor_forgotten(
    emulator: Emulator, tmp_path: Path
) -> None:
    path, report = tmp_path / "claims.csv", tmp_path / "results.csv"
    path.write_text("user_id,name,locale\nu-1,A,\nu-1,,de\nu-2,B,\n")
    emulator.faults.add(Fault(status=400, times=1, user_id="u-1"), Fault(status=400, user_id="u-2"))
    args = ("users.patch_claims", path, "--journal", tmp_path / "journal", "--results", report)
    assert ran(*args).stdout == "3 rows: 1 ok, 2 failed, 0 skipped\n"
    emulator.faults.clear()
    for _ in range(2):
        assert ran(*args).stdout.startswith("3 rows: 2 ok, 1 failed, 0 skipped (")
        row = next(csv.DictReader(io.StringIO(report.read_text())))
        assert row["error"].startswith("not sent again: row 2 of the same user is done, ")
        assert row["error"].count("not sent again") == 1
    assert emulator.executions == 2


def test_a_failed_row_independent_of_later_rows_is_sent_again(
    emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "emails.csv"
    path.write_text("user_id,email\nu-1,a@example.com\nu-1,b@example.com\n")
    emulator.faults.add(Fault(status=400, user_id="u-1", times=1))
    args = ("emails.add", path, "--journal", tmp_path / "journal")
    assert ran(*args).stdout == "2 rows: 1 ok, 1 failed, 0 unknown, 0 skipped\n"
    assert ran(*args).stdout.startswith("2 rows: 2 ok, 0 failed, 0 unknown, 0 skipped")
    assert emulator.executions == 2


# The journal


def test_a_journal_belongs_to_one_operation_and_its_arguments(
    emulator: Emulator, tmp_path: Path
) -> None:
    path, journal = tmp_path / "ids.csv", ("--journal", tmp_path / "journal")
    path.write_text("user_id\n")
    assert ran("users.disable", path, *journal, "--set", "revoke_sessions=1").returncode == 0
    assert "it belongs to users.disable, not users.enable; nothing was sent" in refused(
        emulator, "users.enable", path, *journal
    )
    assert (
        "it belongs to users.disable with other --set or --null options; nothing was sent"
        in refused(emulator, "users.disable", path, *journal)
    )
    assert ran("users.disable", path, *journal, "--set", "revoke-sessions=yes").returncode == 0


# Help


def test_operations_are_completed_and_listed() -> None:
    assert completed("monocloud run passwords.re") == [
        "passwords.reset",
        "passwords.remove",
        "passwords.remove_reset_required",
    ]
    words = ran("--help").stdout.replace(",", "").splitlines()
    shown = {line.split()[0]: line.split()[1:] for line in words if line.startswith("    ")}
    for name in runnables():
        resource, _, method = name.partition(".")
        assert method in shown[f"{resource}."]
