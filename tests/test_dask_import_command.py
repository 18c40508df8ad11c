"""`monocloud users import` on a Dask cluster."""

from __future__ import annotations

import csv
import io
import json
import stat
import subprocess
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from monocloud_async.cli.app import app
from monocloud_async.cli.imports.results import COLUMNS
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .commands import forked
from .conftest import KEY
from .dask_cluster import cluster

# They start clusters or kill attempts: the tests of buckets and runs cover the rest faster.
pytestmark = pytest.mark.full

GROUP = "0e1f3ab6-50f4-4fb7-8b1b-0d2a2c7c1a11"
IMPORT = ("users", "import")


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    groups = [{"group_id": GROUP, "name": "Staff", "members": []}]
    users = [{"user_id": "u-1", "emails": [{"id": "e", "email": "old@b.example"}]}]
    with Emulator({"users": users, "groups": groups}, api_key=KEY) as emulator:
        yield emulator


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with cluster() as address:
        yield address


@pytest.fixture
def users(tmp_path: Path) -> Path:
    """A folder with 32 users: in CSV and in JSON Lines."""
    folder = tmp_path / "users"
    folder.mkdir()
    rows = "".join(f"u{n}@b.example,staff,hunter22-ABC-{n}!\n" for n in range(20))
    (folder / "a.csv").write_text(f"email,groups,password\n{rows}old@b.example,,\n")
    objects = [json.dumps({"username": f"u{n}", "source_id": f"s-{n}"}) for n in range(11)]
    (folder / "b.jsonl").write_text("\n".join(objects))
    (tmp_path / "groups.json").write_text(json.dumps({"staff": GROUP}))
    return folder


def ran(*args: str | Path) -> subprocess.CompletedProcess[str]:
    """Run the command in this process."""
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as ended:
        app([*IMPORT, *map(str, args)], prog_name="monocloud")
    assert KEY not in out.getvalue() + err.getvalue()
    assert isinstance(ended.value.code, int)
    return subprocess.CompletedProcess(args, ended.value.code, out.getvalue(), err.getvalue())


def test_users_of_many_files_are_imported_and_the_next_run_resumes(
    emulator: Emulator, scheduler: str, users: Path, tmp_path: Path
) -> None:
    emulator.faults.add(Fault(status=422, operation="users.create", times=1))
    results = tmp_path / "results.csv"
    options = (users / "*", "--journal", tmp_path / "journal", "--groups", tmp_path / "groups.json")
    on_cluster = (*options, "--scheduler", scheduler)
    done = ran(*on_cluster, "--results", results)
    assert done.stdout == "32 rows: 30 created, 1 existed, 1 failed, 0 skipped\n"
    assert done.returncode == 1
    assert ": users.create: 422 Unprocessable Entity" in done.stderr
    with results.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["input", *COLUMNS]
    assert [(Path(row["input"]).name, int(row["line"])) for row in rows] == [
        *(("a.csv", line) for line in range(2, 23)),
        *(("b.jsonl", line) for line in range(1, 12)),
    ]
    assert [row["status"] for row in rows].count("created") == 30
    assert {row["steps"] for row in rows[:20]} <= {"create; groups", ""}
    assert (rows[20]["source_id"], rows[20]["status"]) == ("old@b.example", "existed")
    assert stat.S_IMODE(results.stat().st_mode) == 0o600
    again = tmp_path / "results.jsonl"
    done = ran(*on_cluster, "--results", again)
    totals = "32 rows: 31 created, 1 existed, 0 failed, 0 skipped (31 from earlier runs)\n"
    assert (done.returncode, done.stdout) == (0, totals)
    lines = [json.loads(line) for line in again.read_text().splitlines()]
    assert [list(line) for line in lines] == [["input", *COLUMNS]] * 32
    assert lines[0]["steps"] == ["create", "groups"]
    assert len(emulator.export()) == 32
    assert sorted(path.name for path in (tmp_path / "journal").iterdir()) == [
        *("job.json", "parts", "results")
    ]


def test_the_command_starts_a_cluster(emulator: Emulator, users: Path, tmp_path: Path) -> None:
    options = (users / "b.jsonl", "--workers", "2", "--journal", tmp_path / "journal")
    with forked(*IMPORT, *options) as process:
        out, err = process.communicate(40)
    assert process.wait() == 0, err
    assert out == "11 rows: 11 created, 0 existed, 0 failed, 0 skipped\n"
    assert emulator.executions_of("users.create") == 11


def test_mistakes_are_shown_with_file_and_line_and_nothing_is_sent(
    emulator: Emulator, scheduler: str, users: Path, tmp_path: Path
) -> None:
    (users / "c.csv").write_text("username,email\nU3,\nu1,u1@b.example\n")
    options = ("--scheduler", scheduler, "--journal", tmp_path / "journal")
    done = ran(users / "[bc]*", *options)
    b, c = users / "b.jsonl", users / "c.csv"
    assert done.returncode == 2
    assert done.stderr.splitlines()[-3:] == [
        f"{c}, line 2: same username as {b}, line 4",
        f"{c}, line 3: same username as {b}, line 2",
        "Error: the input has 2 mistakes; nothing was sent: correct them and try again",
    ]
    (users / "c.csv").write_text("email\nnobody\n")
    done = ran(c, *options)
    assert f"{c}, line 2: email must be an email address\n" in done.stderr
    assert emulator.counts.requests == 0


@pytest.mark.parametrize(
    "option",
    [
        ("--from", "auth0"),
        ("--map", "maps:function"),
        ("--option", "a=b"),
        ("--skip-mistakes",),
        ("--dry-run",),
    ],
)
def test_options_of_one_machine_are_refused(
    emulator: Emulator, users: Path, option: tuple[str, ...]
) -> None:
    done = ran(users / "a.csv", "--workers", "2", *option)
    assert done.returncode == 2
    assert done.stderr == (
        f"Error: {option[0]} works on one machine only; nothing was sent: remove it, or remove "
        "--scheduler and --workers\n"
    )
    assert emulator.counts.requests == 0


def test_options_of_a_cluster_are_refused_without_one(
    emulator: Emulator, users: Path, tmp_path: Path
) -> None:
    for given in ((users / "a.csv", users / "b.jsonl"), (users / "*",)):
        done = ran(*given, "--journal", tmp_path / "journal")
        assert done.returncode == 2
        assert "pass --workers NUMBER, or --scheduler ADDRESS; nothing was sent" in done.stderr
    assert emulator.counts.requests == 0
