"""`monocloud users import`: what it reads, checks, sends and reports."""

from __future__ import annotations

import csv
import io
import json
import random
import signal
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pytest

from monocloud_async import migration
from monocloud_async.cli.app import app
from monocloud_async.cli.imports.options import SYSTEMS
from monocloud_async.emulator import Fault, RateLimit
from monocloud_sync.emulator import Emulator

from .commands import started
from .conftest import API_KEY, DOMAIN, KEY
from .test_batch import wait_for

IMPORT = ("users", "import")
EXPORTS = Path(__file__).parent / "migration"
HASH = "$2b$10$" + "a" * 53


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([], api_key=KEY) as emulator:
        yield emulator


def imported(*args: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
        with pytest.raises(SystemExit) as ended:
            app([*IMPORT, *map(str, args)], prog_name="monocloud")
    output = out.getvalue() + err.getvalue()
    assert KEY not in output
    assert HASH not in output
    code = ended.value.code
    assert isinstance(code, int)
    return subprocess.CompletedProcess(args, code, out.getvalue(), err.getvalue())


def lines(count: int, **members: Any) -> str:
    rows = ({"email": f"u{n}@example.com", **members} for n in range(count))
    return "".join(f"{json.dumps(row)}\n" for row in rows)


def results(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(path.read_text())))


# Reading the input


def test_a_csv_file_can_have_every_kind_of_column(emulator: Emulator, tmp_path: Path) -> None:
    group = emulator.add_group("Staff")
    (tmp_path / "groups.json").write_text(json.dumps({"Staff": group}))
    text = (
        "Email;email-verified;phone_number;password_hash;password_hash_algorithm;name;"
        "claims.locale;claims.address.country;private_data.plan;private_data.seats:json;"
        "public_data:json;groups;disabled;user_id;emails:json;notes\n"
        f'mira@example.com;TRUE;\'+44 1514 960453;{HASH};bcrypt;"Kask; Mira";et;EE;pro;3;'
        '"{""theme"": ""dark""}";Staff | ;false;old-id;"[{""email"": ""k@example.com""}]";a|b\n'
        "\n"
        "ilo@example.com;;;;;;;;;;;;;;;\n"
    )
    args = ("-", "--groups", tmp_path / "groups.json", "--results", tmp_path / "results.csv")
    done = imported(*args, stdin=text)
    assert (done.returncode, done.stdout) == (
        0,
        "2 rows: 2 created, 0 existed, 0 failed, 0 skipped\n",
    )
    first, second = emulator.export()
    assert [one["email"] for one in first["emails"]] == ["mira@example.com", "k@example.com"]
    assert first["emails"][0]["verified"] is True
    assert first["phone_numbers"][0]["phone"] == "+441514960453"
    assert (first["has_password"], first["force_password_reset"]) == (True, False)
    assert first["claims"] == {
        "name": "Kask; Mira",
        "locale": "et",
        "address": {"country": "EE"},
    }
    assert first["private_data"] == {"plan": "pro", "seats": 3}
    assert first["public_data"] == {"theme": "dark"}
    assert second["claims"] == {}
    one, other = results(tmp_path / "results.csv")
    assert (one["line"], one["source_id"], one["status"]) == ("2", "mira@example.com", "created")
    assert one["steps"] == "create; emails; claims; private_data; public_data; groups"
    assert (one["notes"], one["user_id"], one["attempts"]) == ("a; b", first["user_id"], "6")
    assert (other["line"], other["steps"]) == ("4", "create")
    assert HASH not in (tmp_path / "results.csv").read_text()


def test_json_lines_are_read_and_results_are_written_as_json_lines(
    emulator: Emulator, tmp_path: Path
) -> None:
    done = imported("-", "--results", tmp_path / "r.jsonl", stdin=lines(2, name="=1+1"))
    assert done.returncode == 0
    written = [json.loads(line) for line in (tmp_path / "r.jsonl").read_text().splitlines()]
    assert [(one["line"], one["status"], one["steps"]) for one in written] == [
        (1, "created", ["create"]),
        (2, "created", ["create"]),
    ]


def test_only_the_owner_can_read_the_journal_and_the_results(
    emulator: Emulator, tmp_path: Path
) -> None:
    journal, output = tmp_path / "journal", tmp_path / "results.csv"
    args = ("-", "--journal", journal, "--results", output)
    assert imported(*args, stdin=lines(2)).returncode == 0
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "line 1: the input is empty"),
        ("[{}]\n", "this is an array; convert it with jq -c '.[]'"),
        ('{"email": "a@b"\n', "line 1: invalid JSON: "),
        ('{"email": "a@b", "email": "b@b"}\n', "line 1: duplicate member"),
        ('{"email": "a@b"}\n7\n', "line 2: the line is not a JSON object"),
        ("email,emali\na@b,x\n", "line 1: unknown column emali in the header"),
        ("email,claims\na@b,x\n", "column claims must be named claims:json"),
        ("email,Email\na@b,b@b\n", "line 1: the header has email more than once"),
        ("user_id\nx\n", "line 1: the header has no column that users have"),
        ("email,name\na@b,x,y\n", "line 2: the row has 3 cells, but the header has 2"),
        ("email,password\na@b\n", "line 2: the row ends before its password"),
        ("email,password_hash,name\na@b\n", "line 2: the row ends before its password_hash"),
        ('email,claims:json\na@b,"{"\n', "line 2: claims: the cell is not valid JSON"),
        (
            "email,claims:json,claims.name\na@b,7,x\n",
            "line 2: claims.name: claims is given as a value",
        ),
        ('email,name\na@b,"x\n', "line 2: invalid CSV: unclosed quote"),
        ("email\nno address\n", "line 2: email must be an email address"),
        ("email\na@b\nb@b\nA@B\n", "line 4: same email as line 2"),
        ("phone_number\n+441514960453\n+44 1514 960453\n", "line 3: same phone_number as"),
        (
            '{"emails": [{"email": "a@b"}, {"email": "b@b"}]}\n{"email": "B@b"}\n',
            "line 2: same email",
        ),
        ("username\nmira\nMIRA\n", "line 3: same username as line 2"),
        (f"email,password_hash,password_hash_algorithm\na@b,{HASH[:-1]},bcrypt\n", "a bcrypt hash"),
    ],
)
def test_a_mistake_in_the_file_is_reported_and_nothing_is_sent(
    text: str, message: str, emulator: Emulator
) -> None:
    done = imported("-", stdin=text)
    assert (done.returncode, done.stdout) == (2, "")
    assert "standard input, line " in done.stderr
    assert message in done.stderr
    assert "standard input has 1 mistake; nothing was sent: correct it" in done.stderr
    assert not emulator.counts.requests


def test_valid_rows_are_imported_when_mistakes_are_skipped(
    emulator: Emulator, tmp_path: Path
) -> None:
    text = lines(3) + '{"email": "x"}\nnonsense\n' + lines(1)
    done = imported("-", "--skip-mistakes", "--results", tmp_path / "r.csv", stdin=text)
    assert (done.returncode, done.stdout) == (
        1,
        "6 rows: 3 created, 1 existed, 2 failed, 0 skipped\n",
    )
    reported = [(one["line"], one["status"], one["error"]) for one in results(tmp_path / "r.csv")]
    assert [status for _, status, _ in reported] == [
        *["created"] * 3,
        "failed",
        "failed",
        "existed",
    ]
    assert reported[3][2] == "email must be an email address"
    assert "invalid JSON" in reported[4][2]
    assert done.stderr.count("email must be an email address") == 1
    assert len(emulator.export()) == 3


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("-", "--option", "passwords=skip"), "--option needs --from or --map"),
        (("-", "--from", "auth0"), "--from and --map cannot read standard input"),
        (("missing.csv",), "missing.csv: No such file or directory"),
        (("x.csv", "--results", "x.csv"), "--results and the input are the same file"),
        (("-", "--groups", "groups.json"), "--groups groups.json: No such file"),
    ],
)
def test_options_that_cannot_work_are_refused_and_nothing_is_sent(
    args: tuple[str, ...],
    message: str,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    done = imported(*args, stdin=lines(1))
    assert done.returncode == 2
    assert message in done.stderr
    assert not emulator.counts.requests


@pytest.mark.parametrize("content", ["[]", "{", '{"Staff": 7}'])
def test_a_groups_file_must_be_an_object_of_ids(
    content: str, emulator: Emulator, tmp_path: Path
) -> None:
    (tmp_path / "groups.json").write_text(content)
    done = imported("-", "--groups", tmp_path / "groups.json", stdin=lines(1))
    assert (done.returncode, "a JSON object of names and ids" in done.stderr) == (2, True)


# Exports of other systems


@pytest.mark.parametrize(
    ("name", "system", "options"),
    [
        ("auth0.json", "auth0", (f"hashes={EXPORTS / 'auth0-hashes.json'}",)),
        ("clerk.csv", "clerk", ()),
        ("firebase.json", "firebase", ("trust-phones=true",)),
        ("cognito.json", "cognito", ()),
        ("keycloak-realm.json", "keycloak", ("group_names=last", "bcrypt_plain=true")),
        ("okta.json", "okta", ()),
    ],
)
def test_an_export_is_imported_and_a_second_run_creates_nothing(
    name: str, system: str, options: tuple[str, ...], emulator: Emulator, tmp_path: Path
) -> None:
    groups = {group: emulator.add_group(group) for group in ("eu", "staff", "/staff", "/staff/eu")}
    (tmp_path / "groups.json").write_text(json.dumps(groups))
    args: list[str | Path] = [EXPORTS / name, "--from", system, "--skip-mistakes"]
    args += [argument for option in options for argument in ("--option", option)]
    args += ["--groups", tmp_path / "groups.json", "--journal", tmp_path / "journal"]
    done = imported(*args, "--results", tmp_path / "r.csv")
    rows = results(tmp_path / "r.csv")
    created = [row for row in rows if row["status"] == "created"]
    assert created, done.stderr
    assert len(emulator.export()) == len(created)
    for row in rows:
        # A skipped or failed row says why; an existing user is a person's second record.
        assert row["status"] in ("created", "existed") or row["notes"] or row["error"], row
    sent = emulator.counts.requests
    again = imported(*args)
    assert again.stdout.startswith(f"{len(rows)} rows: {len(created)} created")
    assert emulator.executions_of("users.create") == len(created)
    assert emulator.counts.requests - sent <= 3 * (len(rows) - len(created))


def test_the_help_names_all_systems() -> None:
    assert sorted(migration.SYSTEMS) == list(SYSTEMS)


def test_a_custom_mapping_needs_no_system(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "our_mapping.py").write_text(
        "from monocloud_async.migration import Skip\n"
        "def to_row(record):\n"
        "    if 'mail' not in record: return Skip('no address', mistake=True)\n"
        "    return {'email': record['mail']} if record['mail'] else None\n"
    )
    path = tmp_path / "export.json"
    path.write_text('{"mail": "a@b"}\n{"mail": ""}\n{}\n')
    done = imported(path, "--map", "our_mapping:to_row")
    assert (done.returncode, done.stdout) == (2, "")
    assert "export.json, line 3: no address" in done.stderr
    assert "1 row not imported: skipped by the mapping" in done.stderr
    done = imported(path, "--map", "our_mapping:to_row", "--skip-mistakes")
    assert done.stdout == "3 rows: 1 created, 0 existed, 1 failed, 1 skipped\n"
    assert len(emulator.export()) == 1


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (("--from", "ldap"), "--from must be one of auth0, clerk"),
        (("--map", "missing:to_row"), "cannot find the module missing"),
        (("--from", "okta", "--option", "x=1"), "NAME is one of hashes, passwords"),
        (("--from", "okta", "--option", "passwords"), "--option must be NAME=VALUE"),
        (("--from", "okta", "--option", "passwords=x"), "passwords must be none or skip"),
        (("--from", "okta", "--option", "trust_emails=yes"), "must be true or false"),
        (("--from", "okta", "--option", "groups=missing"), "groups=missing: No such file"),
        (("--from", "clerk"), "Okta"),
    ],
)
def test_wrong_mapping_options_are_refused_and_nothing_is_sent(
    args: tuple[str, ...], message: str, emulator: Emulator, tmp_path: Path
) -> None:
    done = imported(EXPORTS / "okta.json", *args)
    assert (done.returncode, message in done.stderr) == (2, True), done.stderr
    assert not emulator.counts.requests


# Importing


def test_a_dry_run_reports_existing_users_and_changes_nothing(
    emulator: Emulator, tmp_path: Path
) -> None:
    imported("-", stdin=lines(2, name="Mira"))
    before = emulator.export()
    sent = emulator.executions
    text = (
        '{"email": "U0@example.com", "name": "Mira"}\n'
        '{"email": "u1@example.com", "name": "Kask"}\n'
        '{"email": "u2@example.com"}\n'
        '{"email": "u2@example.com"}\n'
        '{"email": "x"}\n'
    )
    args = ("--dry-run", "--results", tmp_path / "r.csv", "--journal", tmp_path / "journal")
    done = imported("-", *args, stdin=text)
    totals = (
        "5 rows: 2 would be created, 2 already exist (1 with different content), 1 failed, "
        "0 skipped\n"
    )
    assert (done.returncode, done.stdout) == (1, totals)
    assert "line 4: same email as line 3" in done.stderr
    assert "line 5: email must be an email address" in done.stderr
    reported = [(one["status"], one["differences"]) for one in results(tmp_path / "r.csv")]
    assert reported == [
        ("already exists", ""),
        ("already exists", 'claims.name: the row has "Kask", the user has "Mira"'),
        *[("would be created", "")] * 2,
        ("failed", ""),
    ]
    assert emulator.export() == before
    assert emulator.executions == sent
    assert not (tmp_path / "journal").exists()


def test_existing_users_are_completed_on_request(emulator: Emulator, tmp_path: Path) -> None:
    imported("-", stdin=lines(1))
    text = lines(1, private_data={"plan": "pro"}, disabled=True)
    done = imported("-", "--existing", "complete", "--results", tmp_path / "r.csv", stdin=text)
    assert (
        done.stdout
        == "1 row: 0 created, 1 existed (1 with different content), 0 failed, 0 skipped\n"
    )
    (row,) = results(tmp_path / "r.csv")
    assert (row["steps"], row["differences"]) == ("private_data", "disabled")
    assert emulator.export()[0]["private_data"] == {"plan": "pro"}


def test_the_same_command_resumes_the_import(emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults.add(Fault(status=400, operation="data.patch_private", times=3))
    (tmp_path / "users.jsonl").write_text(lines(10, private_data={"plan": "pro"}))
    args = (tmp_path / "users.jsonl", "--journal", tmp_path / "journal")
    done = imported(*args, "--send-reset")
    assert (done.returncode, done.stdout) == (
        1,
        "10 rows: 7 created, 0 existed, 3 failed, 0 skipped\n",
    )
    assert "data.patch_private: 400" in done.stderr
    done = imported(*args, "--send-reset", "--results", tmp_path / "r.csv")
    assert (done.returncode, done.stderr) == (0, "")
    earlier = "(7 of them in earlier runs)"
    assert done.stdout == f"10 rows: 10 created, 0 existed, 0 failed, 0 skipped {earlier}\n"
    assert {row["status"] for row in results(tmp_path / "r.csv")} == {"created"}
    for operation in ("users.create", "data.patch_private", "passwords.reset"):
        assert emulator.executions_of(operation) == 10


def test_a_journal_from_another_file_is_refused_before_anything_is_sent(
    emulator: Emulator, tmp_path: Path
) -> None:
    journal = ("--journal", tmp_path / "journal")
    imported("-", *journal, stdin=lines(2))
    sent = emulator.counts.requests
    other = '{"email": "other@example.com"}\n' + "".join(lines(3).splitlines(keepends=True)[1:])
    done = imported("-", *journal, stdin=other)
    assert (done.returncode, done.stdout) == (2, "")
    assert "line 1: the row has changed since an earlier run started it: restore it" in done.stderr
    assert emulator.counts.requests == sent
    args = ("--skip-mistakes", "--results", tmp_path / "r.csv")
    done = imported("-", *journal, *args, stdin=other)
    assert done.stdout == (
        "3 rows: 2 created, 0 existed, 1 failed, 0 skipped (1 of them in earlier runs)\n"
    )
    reported = [(row["status"], bool(row["user_id"])) for row in results(tmp_path / "r.csv")]
    assert reported == [("failed", False), ("created", True), ("created", True)]


def test_an_import_that_is_done_says_so(emulator: Emulator, tmp_path: Path) -> None:
    journal = ("--journal", tmp_path / "journal")
    imported("-", *journal, stdin=lines(3))
    sent = emulator.counts.requests
    done = imported("-", *journal, stdin=lines(3))
    assert done.stdout == (
        "3 rows: 3 created, 0 existed, 0 failed, 0 skipped "
        "(all in earlier runs; this run sent nothing)\n"
    )
    assert emulator.counts.requests == sent
    one = imported("-", "--dry-run", stdin=lines(1))
    assert one.stdout == "1 row: 0 would be created, 1 already exists, 0 failed, 0 skipped\n"


def test_a_shorter_file_counts_only_its_own_rows(emulator: Emulator, tmp_path: Path) -> None:
    journal = ("--journal", tmp_path / "journal")
    imported("-", *journal, stdin=lines(5))
    done = imported("-", *journal, stdin=lines(2))
    earlier = "(all in earlier runs; this run sent nothing)"
    assert done.stdout == f"2 rows: 2 created, 0 existed, 0 failed, 0 skipped {earlier}\n"
    assert len(emulator.export()) == 5


@pytest.mark.parametrize("wrong", ["nonsense", '{"email": "x"}', "[]"])
def test_a_corrected_line_is_imported_with_the_same_journal(
    wrong: str, emulator: Emulator, tmp_path: Path
) -> None:
    first, second, third = lines(3).splitlines(keepends=True)
    args = ("--skip-mistakes", "--journal", tmp_path / "journal", "--results", tmp_path / "r.csv")
    done = imported("-", *args, stdin=f"{first}{wrong}\n{third}")
    assert done.stdout == "3 rows: 2 created, 0 existed, 1 failed, 0 skipped\n"
    assert [row["status"] for row in results(tmp_path / "r.csv")] == [
        "created",
        "failed",
        "created",
    ]
    done = imported("-", *args, stdin=first + second + third)
    assert (done.returncode, done.stderr) == (0, "")
    earlier = "(2 of them in earlier runs)"
    assert done.stdout == f"3 rows: 3 created, 0 existed, 0 failed, 0 skipped {earlier}\n"
    assert {row["status"] for row in results(tmp_path / "r.csv")} == {"created"}
    assert len(emulator.export()) == emulator.executions_of("users.create") == 3


def test_a_dry_run_fails_when_the_import_would_be_refused(emulator: Emulator) -> None:
    text = lines(1) * 2
    assert imported("-", "--dry-run", stdin=text).returncode == 1
    assert imported("-", "--dry-run", "--skip-mistakes", stdin=text).returncode == 0
    assert imported("-", stdin=text).returncode == 2
    assert not emulator.executions_of("users.create")


def test_a_run_ends_after_too_many_failures(emulator: Emulator, tmp_path: Path) -> None:
    emulator.faults.add(Fault(status=400, operation="users.create"))
    done = imported("-", "--max-failures", "2", "--concurrency", "1", stdin=lines(50))
    assert done.returncode == 1
    assert "Error: more than 2 rows failed; a new run finds the users that exist" in done.stderr
    assert emulator.counts.requests < 50


def test_a_wrong_key_ends_the_run(
    emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(API_KEY, "wrong")
    done = imported("-", "--journal", tmp_path / "journal", stdin=lines(50))
    assert done.returncode == 1
    assert "401" in done.stderr
    assert "run the same command with the same input to resume" in done.stderr
    monkeypatch.setenv(API_KEY, KEY)
    done = imported("-", "--journal", tmp_path / "journal", stdin=lines(50))
    assert done.stdout == "50 rows: 50 created, 0 existed, 0 failed, 0 skipped\n"


def test_ctrl_c_finishes_rows_in_progress_and_the_next_run_resumes(
    emulator: Emulator, tmp_path: Path
) -> None:
    path = tmp_path / "users.jsonl"
    path.write_text(lines(600, public_data={"theme": "dark"}))
    args = (*IMPORT, path, "--journal", tmp_path / "journal", "--results", tmp_path / "r.csv")
    emulator.rate_limit = RateLimit(400, burst=20)
    settings = {DOMAIN: emulator.url, API_KEY: KEY}
    with started(*args, **settings) as process:
        wait_for(200, emulator, process)
        process.send_signal(signal.SIGINT)
        printed, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; run the same command to resume" in errors
    assert ", 0 failed, " in printed
    made = emulator.executions_of("data.patch_public")
    assert emulator.executions_of("users.create") == made < 600
    assert sum(row["status"] == "created" for row in results(tmp_path / "r.csv")) == made
    emulator.rate_limit = None
    done = imported(*args[2:])
    assert done.stdout.startswith("600 rows: 600 created, 0 existed, 0 failed, 0 skipped (")
    assert emulator.executions_of("data.patch_public") == 600


# Kills


@pytest.mark.slow
def test_an_import_that_is_killed_repeatedly_creates_each_user_once(tmp_path: Path) -> None:
    chance = random.Random(7)
    count, kills = 400, 5
    path = tmp_path / "users.jsonl"
    rows = (
        {
            "email": f"u{n}@example.com",
            "emails": [{"email": f"second-{n}@example.com"}],
            "private_data": {"plan": "pro"},
            "disabled": True,
        }
        for n in range(count)
    )
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    args = (*IMPORT, path, "--journal", tmp_path / "journal", "--send-reset")
    faults = (
        Fault(connection="reset", executed=False, probability=0.01, seed=1),
        Fault(connection="reset", executed=True, probability=0.02, seed=2),
    )
    with Emulator([], api_key=KEY, faults=faults) as emulator:
        settings = {DOMAIN: emulator.url, API_KEY: KEY}
        for kill_at in sorted(chance.randrange(count * 5) for _ in range(kills)):
            with started(*args, **settings) as process:
                if emulator.counts.requests >= kill_at:
                    time.sleep(chance.uniform(0.3, 0.8))
                wait_for(kill_at, emulator, process)
                process.kill()
                assert process.wait() in (-signal.SIGKILL, 0)
        with started(*args, "--results", tmp_path / "r.csv", **settings) as process:
            printed, errors = process.communicate(timeout=60)
        users = emulator.export()
        executed = {
            name: emulator.executions_of(name)
            for name in ("users.create", "emails.add", "passwords.reset")
        }
    assert process.returncode == 0, errors
    assert printed.startswith(f"{count} rows: {count} created, 0 existed, 0 failed, 0 skipped (")
    assert executed["users.create"] == executed["emails.add"] == count
    # A reset link is never sent again, even if a kill lost the answer.
    assert count - kills * 32 <= executed["passwords.reset"] <= count
    emails = sorted(one["email"] for user in users for one in user["emails"])
    wanted = [f"{kind}{n}@example.com" for kind in ("u", "second-") for n in range(count)]
    assert emails == sorted(wanted)
    assert all(user["disabled"] and user["private_data"] == {"plan": "pro"} for user in users)
    with closing(sqlite3.connect(tmp_path / "journal")) as journal:
        statuses = journal.execute("SELECT status, count(*) FROM entry GROUP BY status")
        assert statuses.fetchall() == [("created", count)]


@pytest.mark.slow
def test_many_rows_take_no_more_memory_than_few(tmp_path: Path) -> None:
    used = {}
    with Emulator([], api_key=KEY, journal=1) as emulator:
        for count in (500, 4000):
            emulator.reset()
            path = tmp_path / f"{count}.jsonl"
            path.write_text(lines(count))
            report = tmp_path / f"{count}.used"
            before = (
                "import atexit, pathlib, resource\n"
                "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
                f"atexit.register(lambda: pathlib.Path({str(report)!r}).write_text(str(peak())))"
            )
            args = (*IMPORT, path, "--journal", tmp_path / f"{count}.journal")
            settings = {DOMAIN: emulator.url, API_KEY: KEY}
            with started(*args, before=before, **settings) as process:
                _, errors = process.communicate(timeout=50)
            assert process.returncode == 0, errors
            used[count] = int(report.read_text())
    assert used[4000] < used[500] + 3000
