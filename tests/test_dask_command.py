"""`monocloud run` on a Dask cluster, with emulators for tenants."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from monocloud_async.cli.app import app
from monocloud_async.dask.pace_notes import PaceNotes
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .commands import forked
from .conftest import KEY
from .dask_cluster import cluster, processes
from .test_cli_operations import on_a_terminal

# They start clusters or kill attempts: the tests of buckets and runs cover the rest faster.
pytestmark = pytest.mark.full

PHONES = "phones.set_primary"
HEADER = "user_id,identifier_id\n"
USERS = 90
OTHER_KEY = "another-key"
# Progress is shown more often than every five seconds.
SOON = "import monocloud_async.cli.batch.progress as it; it.Lines.seconds = 0.05"


def user(n: int) -> dict[str, object]:
    phones = [
        {"id": f"a-{n}", "phone": f"+441514{n:06}", "primary": True},
        {"id": f"b-{n}", "phone": f"+441515{n:06}", "primary": False},
    ]
    return {"user_id": f"u-{n}", "phone_numbers": phones}


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator([user(n) for n in range(USERS)], api_key=KEY) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with cluster() as address:
        yield address


@pytest.fixture
def rows(tmp_path: Path) -> Path:
    """A folder with 90 rows of as many users: in CSV, JSON Lines and Parquet."""
    folder = tmp_path / "rows"
    folder.mkdir()
    pairs = [(f"u-{n}", f"b-{n}") for n in range(USERS)]
    text = "".join(f"{user_id},{phone}\n" for user_id, phone in pairs[:30])
    (folder / "a.csv").write_text(HEADER + text)
    objects = [json.dumps({"user_id": u, "identifier_id": p}) for u, p in pairs[30:60]]
    (folder / "b.jsonl").write_text("\n".join(objects))
    columns = dict(zip(("user_id", "identifier_id"), zip(*pairs[60:], strict=True), strict=True))
    table = pyarrow.table({name: list(column) for name, column in columns.items()})
    pyarrow.parquet.write_table(table, folder / "c.parquet")
    return folder


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def ran(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.MonkeyPatch.context() as patch:
        patch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO()))
        with pytest.raises(SystemExit) as ended:
            app(["run", *map(str, args)], prog_name="monocloud")
    assert KEY not in out.getvalue() + err.getvalue()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(args, ended.value.code, out.getvalue(), err.getvalue())


def outcomes(path: Path) -> list[dict[str, Any]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def primary(emulator: Emulator, n: int) -> str | None:
    phone = emulator.user(f"u-{n}").primary_phone
    return phone and phone.id


# A run


# Outcomes are sorted in memory, or in parts on disk.
@pytest.mark.parametrize("at_once", [7, 100_000])
def test_rows_of_many_files_are_sent_and_their_outcomes_are_in_the_order_of_the_input(
    at_once: int,
    emulator: Emulator,
    scheduler: str,
    rows: Path,
    journal: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("monocloud_async.cli.cluster.outcomes._AT_ONCE", at_once)
    with (rows / "a.csv").open("a") as file:
        file.write("nobody,b-0\n")
    results = tmp_path / "results.csv"
    options = ("--scheduler", scheduler, "--journal", journal, "--results", results)
    done = ran(PHONES, rows / "*", *options)
    assert (done.returncode, done.stdout) == (1, "91 rows: 90 ok, 1 failed, 0 skipped\n")
    found = outcomes(results)
    given = [(f"u-{n}", f"b-{n}", "ok") for n in range(USERS)]
    given.insert(30, ("nobody", "b-0", "failed"))
    assert [(o["user_id"], o["identifier_id"], o["status"]) for o in found] == given
    assert [Path(o["input"]).name for o in found[29:33]] == ["a.csv"] * 2 + ["b.jsonl"] * 2
    # The second line of CSV is the first row; the first object and the first row of a table are 1.
    assert [int(o["line"]) for o in found] == [*range(2, 33), *range(1, 31), *range(1, 31)]
    assert f"{rows / 'a.csv'}, line 32: {found[30]['error']}" in done.stderr
    assert {primary(emulator, n) for n in range(USERS)} == {f"b-{n}" for n in range(USERS)}
    # The rows that were staged are gone.
    assert sorted(path.name for path in journal.iterdir()) == ["job.json", "parts", "results"]


def test_the_command_starts_a_cluster_and_another_resumes_the_run(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path, tmp_path: Path
) -> None:
    with (rows / "a.csv").open("a") as file:
        file.write("nobody,b-0\n")
    results = tmp_path / "results.jsonl"
    options = (rows / "a.csv", rows / "b.jsonl", "--journal", journal, "--results", results)
    with forked("run", PHONES, *options, "--workers", "2") as process:
        out, err = process.communicate(40)
    assert process.wait() == 1, err
    assert out == "61 rows: 60 ok, 1 failed, 0 skipped\n"
    # Dask itself prints nothing, and its dashboard needs another package.
    lines = [line for line in err.splitlines() if not line.startswith("Dashboard: http://127.")]
    assert len(lines) == 1
    assert "a.csv, line 32: phones.set_primary: 404 Not Found" in lines[0]
    found = [json.loads(line) for line in results.read_text().splitlines()]
    assert len(found) == 61
    assert found[0]["result"]["user_id"] == "u-0"
    done = ran(PHONES, *options, "--scheduler", scheduler)
    assert done.stdout == "61 rows: 60 ok, 1 failed, 0 skipped (60 from earlier runs)\n"
    assert emulator.counts.requests == 62


def test_a_run_on_a_cluster_without_workers_says_that_it_waits(
    emulator: Emulator, rows: Path, journal: Path
) -> None:
    with processes(0) as started:
        options = ("--scheduler", started.address, "--journal", journal)
        with forked("run", PHONES, rows / "a.csv", *options) as process:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            first = next(line for line in lines if not line.startswith("Dashboard"))
            assert first == "the cluster has no workers: the run waits until one joins\n"
            started.add_worker()
            out, _ = process.communicate(40)
    assert (process.returncode, out) == (0, "30 rows: 30 ok, 0 failed, 0 skipped\n")


def test_ctrl_c_stops_the_run_and_its_workers_finish(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    options = ("run", PHONES, rows / "*.csv", "--journal", journal)
    slowly = ("--workers", "2", "--rate", "10")
    with forked(*options, *slowly, before=SOON, start_new_session=True) as process:
        assert process.stderr
        seen = ""
        while not re.search(r"^[1-9]\d* of 30 rows", seen, re.MULTILINE):
            seen += process.stderr.readline() or pytest.fail(seen)
        # A terminal sends it to all processes, also to the workers.
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(30)
    assert process.wait() == 130
    assert err.endswith("Error: interrupted; run the same command to resume\n")
    sent = emulator.counts.requests
    assert out == f"30 rows: {sent} ok, 0 failed, {30 - sent} skipped\n"
    done = ran(*options[1:], "--scheduler", scheduler)
    assert done.stdout == f"30 rows: 30 ok, 0 failed, 0 skipped ({sent} from earlier runs)\n"
    assert emulator.counts.requests == 30


def test_a_run_stops_after_too_many_failures(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    emulator.faults.add(Fault(operation="phones.set_primary", status=404))
    options = ("--scheduler", scheduler, "--journal", journal)
    done = ran(PHONES, rows / "a.csv", *options, "--max-failures", "3")
    assert done.returncode == 1
    assert done.stderr.endswith(
        "Not showing further failures; the results have them all.\n"
        "Error: more than 3 rows failed; run the same command to resume\n"
    )
    assert done.stderr.count("404 Not Found") == 20
    # Rows that failed before do not count again.
    emulator.faults.clear()
    assert ran(PHONES, rows / "a.csv", *options, "--max-failures", "3").returncode == 0


def test_rows_go_to_their_tenants(
    emulator: Emulator, scheduler: str, journal: Path, tmp_path: Path
) -> None:
    keys = tmp_path / "key", tmp_path / "other"
    for path, key in zip(keys, (KEY, OTHER_KEY), strict=True):
        path.write_text(key)
    with Emulator([user(n) for n in range(USERS)], api_key=OTHER_KEY) as other:
        domains = [emulator.url, other.url]
        tenants = tmp_path / "tenants.json"
        sources = (f"file:{path}" for path in keys)
        tenants.write_text(json.dumps(dict(zip(domains, sources, strict=True))))
        text = "".join(f"{domains[n % 2]},u-{n},b-{n}\n" for n in range(10))
        (tmp_path / "rows.csv").write_text(f"domain,{HEADER}{text}")
        results = tmp_path / "results.csv"
        options = ("--scheduler", scheduler, "--tenants", tenants, "--journal", journal)
        done = ran(PHONES, tmp_path / "rows.csv", *options, "--results", results)
        assert (done.returncode, done.stdout) == (0, "10 rows: 10 ok, 0 failed, 0 skipped\n")
        for number, tenant in enumerate((emulator, other)):
            assert {request.path.split("/")[3] for request in tenant.requests} == {
                f"u-{n}" for n in range(number, 10, 2)
            }
    assert [o["domain"] for o in outcomes(results)] == domains * 5


def test_a_wrong_key_of_a_tenant_does_not_hold_up_the_others(
    emulator: Emulator, scheduler: str, journal: Path, tmp_path: Path
) -> None:
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "wrong").write_text("a-wrong-key")
    with Emulator([user(n) for n in range(USERS)], api_key=OTHER_KEY) as other:
        tenants = {
            emulator.url: f"file:{tmp_path / 'key'}",
            other.url: f"file:{tmp_path / 'wrong'}",
        }
        (tmp_path / "tenants.json").write_text(json.dumps(tenants))
        text = "".join(f"{domain},u-{n},b-{n}\n" for n in range(5) for domain in tenants)
        (tmp_path / "rows.csv").write_text(f"domain,{HEADER}{text}")
        options = ("--scheduler", scheduler, "--tenants", tmp_path / "tenants.json")
        done = ran(PHONES, tmp_path / "rows.csv", *options, "--journal", journal)
        assert (done.returncode, done.stdout) == (1, "10 rows: 5 ok, 0 failed, 5 skipped\n")
        assert f"Error: {other.url}: phones.set_primary: 401 Unauthorized" in done.stderr
    assert {primary(emulator, n) for n in range(5)} == {f"b-{n}" for n in range(5)}


def test_a_single_tenant_of_a_file_gets_no_rows_of_another(
    emulator: Emulator, scheduler: str, journal: Path, tmp_path: Path
) -> None:
    tenants = tmp_path / "tenants.json"
    tenants.write_text(json.dumps({emulator.url: f"file:{tmp_path / 'key'}"}))
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "rows.csv").write_text("domain,user_id,identifier_id\nhttps://b.example,u-1,b-1\n")
    options = ("--scheduler", scheduler, "--tenants", tenants, "--journal", journal)
    done = ran(PHONES, tmp_path / "rows.csv", *options)
    assert done.returncode == 2
    assert "rows.csv, line 2: the domain is not one of the job's tenants\n" in done.stderr
    assert not emulator.counts.requests


# What sends nothing


def test_all_mistakes_are_listed_and_nothing_is_sent(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    (rows / "d.csv").write_text(f"{HEADER}u-1,b-1\nu-2,\n")
    (rows / "e.csv").write_text("user_id\nu-1\n")
    done = ran(PHONES, rows / "*", "--scheduler", scheduler, "--journal", journal)
    assert (done.returncode, done.stdout) == (2, "")
    *_, first, second, error = done.stderr.splitlines()
    assert first.startswith(f"{rows / 'd.csv'}, line 3: identifier_id must be a non-empty string")
    assert second.startswith(f"{rows / 'e.csv'}, line 1: the header must have the columns")
    assert error == (
        "Error: the input has 2 mistakes; nothing was sent: correct them and try again"
    )
    assert not emulator.counts.requests
    assert not list(journal.rglob("*.rows"))


def test_a_wrong_key_ends_the_run_and_is_not_shown(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    key.write_text("a-wrong-key")
    options = ("--scheduler", scheduler, "--journal", journal, "--api-key-file", key)
    done = ran(PHONES, rows / "*", *options)
    assert (done.returncode, done.stdout) == (1, "90 rows: 0 ok, 0 failed, 90 skipped\n")
    assert "Error: phones.set_primary: 401 Unauthorized" in done.stderr
    assert done.stderr.endswith("; run the same command to resume\n")
    assert "a-wrong-key" not in done.stdout + done.stderr
    assert all(b"a-wrong-key" not in p.read_bytes() for p in journal.rglob("*") if p.is_file())


def test_a_key_that_the_workers_lack_is_named(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path, tmp_path: Path
) -> None:
    missing = tmp_path / "missing"
    options = ("--scheduler", scheduler, "--journal", journal, "--api-key-file", missing)
    done = ran(PHONES, rows / "*", *options)
    assert done.returncode == 2
    assert f"cannot read the API key from {missing} on a worker" in done.stderr
    assert not emulator.counts.requests


def test_a_dry_run_checks_all_rows_and_writes_nothing(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    (rows / "a.csv").write_text("user_id,identifier_id,note\nu-1,b-1,x\nu-2,b-2,x\n")
    (rows / "b.jsonl").write_text('{"user_id": "u-3", "identifier_id": "b-3"}')
    options = ("--scheduler", scheduler, "--dry-run", "--journal", journal)
    done = ran(PHONES, rows / "*", *options)
    assert done.returncode == 0, done.stderr
    *requests, total = done.stdout.splitlines()
    assert requests == [
        f"{rows / name}, line {line}: POST /api/users/u-{n}/phones/b-{n}/primary"
        for name, line, n in (("a.csv", 2, 1), ("a.csv", 3, 2), ("b.jsonl", 1, 3))
    ]
    assert total == f"33 rows would be sent to {emulator.url}; nothing was sent"
    assert "Ignoring columns that are not arguments of phones.set_primary: note\n" in done.stderr
    assert not emulator.counts.requests
    assert not journal.exists()


def test_a_dry_run_masks_passwords(emulator: Emulator, scheduler: str, tmp_path: Path) -> None:
    (tmp_path / "rows.csv").write_text("user_id,password\nu-1,a secret\n")
    done = ran("passwords.set", tmp_path / "rows.csv", "--scheduler", scheduler, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert '"password": "***"' in done.stdout
    assert "a secret" not in done.stdout + done.stderr


def test_a_destructive_operation_asks_first(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    (rows / "a.csv").write_text("user_id\nu-0\nu-1\n")
    options = ("--scheduler", scheduler, "--journal", journal)
    done = ran("users.delete", rows / "a.csv", *options)
    assert done.returncode == 2
    assert "cannot ask for confirmation without a terminal" in done.stderr
    assert not emulator.counts.requests
    assert not list(journal.rglob("*.rows"))
    done = ran("users.delete", rows / "a.csv", *options, "--yes")
    assert (done.returncode, done.stdout) == (0, "2 rows: 2 ok, 0 failed, 0 unknown, 0 skipped\n")


def test_ctrl_c_at_the_question_sends_nothing_and_removes_the_staged_rows(
    emulator: Emulator,
    scheduler: str,
    rows: Path,
    journal: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.test_cli_operations.KEY", KEY)
    (rows / "a.csv").write_text("user_id\nu-0\nu-1\n")
    args = (
        "users.delete",
        str(rows / "a.csv"),
        "--scheduler",
        scheduler,
        "--journal",
        str(journal),
    )
    screen, code = on_a_terminal(emulator.url, "run", *args, typed={"continue": "\x03"})
    assert f"Delete a user permanently: 2 rows for {emulator.url}." in screen
    assert code == 130
    assert not emulator.counts.requests
    assert not list(journal.rglob("*.rows"))


def test_links_are_in_results_that_only_their_owner_can_read(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path, tmp_path: Path
) -> None:
    (rows / "a.csv").write_text("user_id\nu-0\n")
    results = tmp_path / "links.jsonl"
    options = ("--scheduler", scheduler, "--journal", journal, "--results", results)
    done = ran("passwords.reset", rows / "a.csv", *options, "--show-secrets")
    assert done.returncode == 0, done.stderr
    assert json.loads(results.read_text())["result"]["link"].startswith("http")
    assert stat.S_IMODE(results.stat().st_mode) == 0o600


def test_a_journal_belongs_to_one_job(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    options = ("--scheduler", scheduler, "--journal", journal)
    assert ran(PHONES, rows / "a.csv", *options).returncode == 0
    done = ran(PHONES, rows / "b.jsonl", *options)
    assert done.returncode == 2
    assert f"the journal {journal} cannot be used: it belongs to another input" in done.stderr


def test_an_input_without_rows_is_no_mistake(
    emulator: Emulator, scheduler: str, rows: Path, journal: Path
) -> None:
    (rows / "a.csv").write_text(HEADER)
    done = ran(PHONES, rows / "a.csv", "--scheduler", scheduler, "--journal", journal)
    assert (done.returncode, done.stdout) == (0, "the input has no rows: nothing to do\n")


CLUSTER = ("--scheduler", "tcp://127.0.0.1:1")
ON_ONE = "pass --workers NUMBER, or --scheduler ADDRESS; nothing was sent"


@pytest.mark.parametrize(
    ("args", "error"),
    [
        (("rows/*.csv",), f"rows/*.csv may be several files, which need a cluster: {ON_ONE}"),
        (
            ("s3://b/rows.csv",),
            f"s3://b/rows.csv may be several files, which need a cluster: {ON_ONE}",
        ),
        (("a.csv", "b.csv"), f"2 files need a cluster: {ON_ONE}"),
        (("t.parquet",), f"t.parquet is a Parquet file, which needs a cluster: {ON_ONE}"),
        (("folder",), "folder is a directory: pass a pattern of its files, such as 'folder/*.csv'"),
        (("a.csv", "--journal", "s3://b/j"), f"--journal s3://b/j needs a cluster: {ON_ONE}"),
        (("a.csv", "--tenants", "t.json"), f"--tenants needs a cluster: {ON_ONE}"),
        (
            (*CLUSTER, "a.csv"),
            "a run on a cluster needs a journal; nothing was sent: pass --journal",
        ),
        ((*CLUSTER, "a.csv", "--journal", "a.csv"), "--journal a.csv is a file, but a run on a"),
        ((*CLUSTER, "a.csv", "--workers", "2"), "--workers starts one; nothing was sent: pass one"),
        (
            (*CLUSTER, "-", "--journal", "j"),
            "a cluster cannot read standard input; nothing was sent",
        ),
        ((*CLUSTER, "none/*.csv", "--journal", "j"), "no files match none/*.csv; nothing was sent"),
        ((*CLUSTER, "a.csv", "--dry-run", "--results", "r.csv"), "--dry-run sends nothing, so"),
        (
            (*CLUSTER, "a.csv", "--journal", "j", "--tenants", "none"),
            "--tenants none: No such file",
        ),
        (
            (*CLUSTER, "a.csv", "--journal", "j", "--tenants", "a.csv"),
            "a.csv: it is not JSON; nothing",
        ),
        (
            (*CLUSTER, "a.csv", "--journal", "j", "--tenants", "list.json"),
            "it must be an object such",
        ),
        (
            (*CLUSTER, "a.csv", "--journal", "j", "--tenants", "key.json"),
            "--tenants key.json: acme.example: a tenant's API key must be given as env:NAME or",
        ),
        (
            (*CLUSTER, "a.csv", "--journal", "j", "--tenants", "t.json", "--domain", "a.example"),
            "--tenants names domains and keys; nothing was sent: remove --domain",
        ),
        (
            (*CLUSTER, "a.csv", "--journal", "j"),
            "cannot connect to the Dask scheduler at tcp://127.0.0.1:1",
        ),
        (("--workers", "2", "a.csv", "--journal", "j", "--timeout", "-1"), "timeout must be"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_invalid_options_send_nothing(
    args: tuple[str, ...],
    error: str,
    emulator: Emulator,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("monocloud_async.dask.cluster._SECONDS", 0.2)
    Path("folder").mkdir()
    Path("t.parquet").touch()
    Path("a.csv").write_text(f"{HEADER}u-0,b-0\n")
    Path("list.json").write_text("[]")
    Path("key.json").write_text(json.dumps({"acme.example": KEY}))
    done = ran(PHONES, *args)
    assert (done.returncode, done.stdout) == (2, "")
    assert error in done.stderr
    assert not emulator.counts.requests


def test_the_extra_is_named_if_it_is_missing(
    emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    done = ran(PHONES, "rows.csv", "--workers", "2", "--journal", "journal")
    assert done.returncode == 2
    assert done.stderr == (
        "Error: a run on a cluster needs Dask; nothing was sent: "
        "run pip install 'monocloud[dask]'\n"
    )


def test_the_package_names_the_extra_if_it_is_missing() -> None:
    source = "import sys; sys.modules['distributed'] = None; import monocloud_async.dask"
    done = subprocess.run([sys.executable, "-c", source], capture_output=True, text=True)
    assert done.stderr.endswith(
        "ModuleNotFoundError: monocloud_async.dask needs Dask: run pip install 'monocloud[dask]'\n"
    )


def test_no_other_command_imports_dask() -> None:
    source = (
        "import sys; from monocloud_async.cli import app, operations, run\n"
        "import monocloud_async, monocloud_sync, monocloud_async.cli.batch.command\n"
        "assert not {'dask', 'distributed', 'pandas', 'fsspec'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", source], check=True)


# Why a run waits


def test_each_long_wait_and_each_outage_is_noted_once() -> None:
    now = 0.0
    notes = PaceNotes(["acme.example"], lambda: now)
    up = {"waits": 0.0, "is_down": False}
    long = {"waits": 60.0, "is_down": False}
    waits = "the server asks to wait: the run pauses for 60 s, then resumes automatically"
    assert list(notes.of([{"waits": 4.0, "is_down": False}])) == []
    assert list(notes.of([long])) == [waits]
    now = 1.0
    assert list(notes.of([{"waits": 59.0, "is_down": False}])) == []
    now = 70.0
    assert list(notes.of([long])) == [waits]
    down = {"waits": 0.0, "is_down": True}
    outage = "the server seems to be down; the run retries periodically"
    assert [list(notes.of([pace])) for pace in (down, down, up, down)] == [
        [outage],
        [],
        [],
        [outage],
    ]


def test_a_note_names_its_tenant_if_there_are_several() -> None:
    notes = PaceNotes(["a.example", "b.example"])
    down = {"waits": 0.0, "is_down": True}
    up = {"waits": 0.0, "is_down": False}
    assert notes.of([up, down]) == [
        "b.example: the server seems to be down; the run retries periodically"
    ]
