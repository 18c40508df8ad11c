"""Imports on a cluster: what is staged, what is refused, and that each user is created once."""

from __future__ import annotations

import asyncio
import json
import random
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import dask.bag
import dask.dataframe
import fsspec
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from monocloud_async import MonoCloudClient
from monocloud_async import dask as on_cluster
from monocloud_async._journal_file import JournalError
from monocloud_async.cli.imports.results import COLUMNS
from monocloud_async.dask import ClusterResult, InputMistakesError, StoppedError
from monocloud_async.dask.bucket import BucketResult
from monocloud_async.dask.bucket_rows import BucketRow, BucketRows
from monocloud_async.dask.duplicates import Duplicate, duplicates, ranges
from monocloud_async.dask.import_bucket import import_bucket
from monocloud_async.dask.import_parts import ImportPartJournal
from monocloud_async.dask.job import Job, UserImport
from monocloud_async.dask.parts import FencedError
from monocloud_async.dask.pieces import Piece
from monocloud_async.dask.staging import StagedPiece, stage, stage_rows
from monocloud_async.dask.storage import Storage
from monocloud_async.dask.user_rows import UserRows
from monocloud_async.emulator import Fault
from monocloud_async.errors import ConfigurationError
from monocloud_async.imports import Settings
from monocloud_async.imports.journal import CREATED, EXISTED, FAILED, Entry
from monocloud_sync.emulator import Emulator

from .conftest import FAST, KEY
from .dask_buckets import Attempt, by_slot
from .dask_cluster import cluster

# They start clusters or kill attempts: the tests of buckets and runs cover the rest faster.
pytestmark = pytest.mark.full

CONCURRENCY = 20
PARTS = "parts/0000-00000"
ACME, OTHER = "acme.us.monocloud.com", "other.us.monocloud.com"
GROUP = "0e1f3ab6-50f4-4fb7-8b1b-0d2a2c7c1a11"
PASSWORD = "hunter22-ABC!"
RESET = UserImport(Settings(send_reset=True))
KEYS = ("1a" * 32, "2b" * 32)


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    groups = [{"group_id": GROUP, "name": "Staff", "members": []}]
    with Emulator({"users": [], "groups": groups}, api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(emulator.url, KEY, retry=FAST) as client:
        yield client


@pytest.fixture(params=["file", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / "journal") if request.param == "file" else "memory://journal"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def local(tmp_path: Path) -> str:
    return str(tmp_path / "journal")


def job(journal: str, **more: Any) -> Job:
    given = {"tenants": {ACME: "env:KEY"}, "slots": 1, "key": KEYS[0], **more}
    given = {"user_import": UserImport(groups={"staff": GROUP}), **given}
    return Job(
        operation="users.import",
        journal=journal,
        concurrency=CONCURRENCY,
        began_at=time.time(),
        **given,
    )


def people(count: int, **more: Any) -> list[dict[str, Any]]:
    return [{"email": f"u{n}@b.example", "name": f"User {n}", **more} for n in range(count)]


def rows_of(job: Job, *staged: StagedPiece) -> list[tuple[tuple[int, int], BucketRow]]:
    storage, kind = Storage(job.journal), UserRows(job)
    return [
        (bucket, row)
        for bucket, some in by_slot(staged).items()
        for row in BucketRows(storage, kind, some).rows()
    ]


def given(job: Job, *staged: StagedPiece) -> list[Mapping[str, Any]]:
    rows = [row for _, row in rows_of(job, *staged)]
    return [row.given for row in sorted(rows, key=lambda row: (row.piece, row.line))]


def staged_file(job: Job, text: str, path: Path, number: int = 0) -> StagedPiece:
    path.write_text(text)
    return stage(job, number, Piece(str(path)))


# Staging.


def test_files_are_read_as_one_machine_reads_them(journal: str, tmp_path: Path) -> None:
    one = job(journal)
    table = (
        "email;claims.locale;groups;emails:json;password\n"
        f'Mira@B.example;et;staff|{GROUP};"[{{""email"": ""m@b.example""}}]"; {PASSWORD} \n'
    )
    lines = {"email": "ann@b.example", "private_data": {"plan": "x", "seats": 5}, "username": ""}
    first = staged_file(one, table, tmp_path / "a.csv")
    second = staged_file(one, json.dumps(lines), tmp_path / "b.jsonl", 1)
    assert (first.rows, second.rows) == (1, 1)
    assert given(one, first, second) == [
        {
            "email": "Mira@B.example",
            "claims": {"locale": "et"},
            "groups": ["staff", GROUP],
            "emails": [{"email": "m@b.example"}],
            "password": f" {PASSWORD} ",
        },
        {"email": "ann@b.example", "private_data": {"plan": "x", "seats": 5}},
    ]
    assert PASSWORD not in repr(rows_of(one, first)[0][1].given["password"])


NESTED: Sequence[Mapping[str, Any]] = (
    {
        "email": "mira@b.example",
        "email_verified": True,
        "claims": {"locale": "et", "address": {"country": "EE", "region": None}},
        "emails": [{"email": "m@b.example", "verified": True}],
        "private_data.plan": "x",
        "private_data.seats": 5,
        "groups": ["staff"],
        "user_id": "an id of another tenant",
    },
    {"email": "ann@b.example", "groups": [], "private_data.plan": " "},
)
READ: Sequence[Mapping[str, Any]] = (
    {
        "email": "mira@b.example",
        "email_verified": True,
        "claims": {"locale": "et", "address": {"country": "EE"}},
        "emails": [{"email": "m@b.example", "verified": True}],
        "private_data": {"plan": "x", "seats": 5},
        "groups": ["staff"],
        "user_id": "an id of another tenant",
    },
    {"email": "ann@b.example", "groups": []},
)


def test_nested_columns_of_tables_are_json_values(journal: str, tmp_path: Path) -> None:
    one = job(journal)
    pq.write_table(pa.Table.from_pylist(list(NESTED)), tmp_path / "rows.parquet")
    pieces = [stage(one, 0, Piece(str(tmp_path / "rows.parquet")))]
    frame = pd.DataFrame(NESTED)
    for number, names in enumerate((tuple(frame.columns), ()), 1):
        rows = frame.to_dict("records") if names else NESTED
        pieces.append(stage_rows(one, number, f"partition {number}", rows, names))
    for piece in pieces:
        assert piece.mistakes == ()
        assert given(one, piece) == list(READ)
    assert len({piece.digest for piece in pieces}) == 1


def test_columns_of_tables_may_be_written_as_in_csv(journal: str) -> None:
    row = {"EMAILS": [{"email": "m@b.example"}], "Phone number": None, "Claims.locale": "et"}
    found = stage_rows(job(journal), 0, "p", [row], tuple(row))
    assert given(job(journal), found) == [
        {"emails": [{"email": "m@b.example"}], "claims": {"locale": "et"}}
    ]


def test_texts_of_tables_are_cells(journal: str) -> None:
    row = {"email": " mira@b.example", "groups": "staff|" + GROUP, "emails:json": "[]"}
    assert given(job(journal), stage_rows(job(journal), 0, "p", [row])) == [
        {"email": "mira@b.example", "groups": ["staff", GROUP], "emails": []}
    ]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"email": "a@b", "colour": "red"}, "unknown column colour"),
        ({"email": "nobody"}, "email must be an email address"),
        ({"name": "Mira"}, "it needs an email, phone_number or username to identify the user"),
        ({"email": "a@b", "emails": "x@b.example"}, "emails must be a list"),
        ({"email": "a@b", "emails:json": "["}, "emails: the cell is not valid JSON"),
        ({"email": "a@b", "claims": {}, "claims.name": "x"}, None),
        ({"email": "a@b", "claims.name": "x", "claims": {}}, "claims: it is given as an object"),
        ({"email": "a@b", "phone_number": 447700900123}, "phone_number must be"),
        ({"email": "a@b", "groups": ["sales"]}, "groups has a name that is neither an id nor"),
        ({"email": "a@b", "password": 22}, "password must be a string"),
        ({"email": "a@b", "password": "a", "password_hash": "b"}, "it has both a password and"),
        ({"email": "a@b", "domain": ACME}, "unknown column domain"),
        ("a@b", "the row must be a mapping, not of type str"),
    ],
)
def test_mistakes_are_told_by_line_and_without_values(
    journal: str, row: object, message: str | None
) -> None:
    one = job(journal)
    piece = stage_rows(one, 0, "p", [{"email": "fine@b.example"}, row])
    if message is None:
        assert piece.mistakes == ()
        return
    assert [mistake.line for mistake in piece.mistakes] == [2]
    assert piece.mistakes[0].message.startswith(message)
    assert "@b" not in piece.mistakes[0].message
    assert Storage(journal).names("rows") == []


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("email,shoe\n", 1, "unknown column shoe in the header"),
        ("", 1, "the input is empty"),
        ("[{}]", 1, "JSON input must be JSON Lines"),
        ("email,emails\na@b,[]\n", 1, "column emails must be named emails:json and hold JSON"),
        ("email,password\na@b\n", 2, "the row ends before its password"),
    ],
)
def test_files_with_mistakes_are_refused_as_on_one_machine(
    journal: str, tmp_path: Path, text: str, line: int, message: str
) -> None:
    mistake = staged_file(job(journal), text, tmp_path / "rows").mistakes[0]
    assert mistake.line == line
    assert mistake.message.startswith(message)


def test_a_table_without_a_column_of_users_is_refused(journal: str) -> None:
    piece = stage_rows(job(journal), 0, "p", [], ("shoe",))
    assert piece.mistakes[0].message == "unknown column shoe"
    piece = stage_rows(job(journal), 0, "p", [], ("User ID",))
    message = "the table has no column that users have, only User ID"
    assert piece.mistakes[0].message == message


def test_rows_that_may_be_the_same_user_are_in_one_bucket_in_order(journal: str) -> None:
    one = job(journal, slots=512)
    several = [
        [{"email": "Mira@B.example", "name": "1"}, {"email": "mira@b.example", "username": "x"}],
        [{"phone_number": "+44 7700 900123"}, {"phone_number": "+447700900123", "username": "y"}],
        [{"username": "Ann"}, {"username": "aNN", "name": "2"}],
    ]
    rows = [row for some in several for row in some]
    random.Random(14).shuffle(rows)
    found = rows_of(one, stage_rows(one, 0, "p", rows))
    lines: dict[tuple[int, int], list[int]] = {}
    for bucket, row in found:
        lines.setdefault(bucket, []).append(row.line)
    assert len(lines) == 3
    assert all(some == sorted(some) and len(some) == 2 for some in lines.values())


def test_rows_of_several_tenants_name_theirs(journal: str, tmp_path: Path) -> None:
    one = job(journal, tenants={ACME: "env:A", OTHER: "env:B"})
    pieces = [
        staged_file(one, f"Domain,email\n{OTHER},a@b.example\n", tmp_path / "a.csv"),
        staged_file(one, json.dumps({"domain": ACME, "email": "b@b"}), tmp_path / "b.jsonl", 1),
        stage_rows(one, 2, "p", [{"domain": f"https://{OTHER}/", "email": "c@b"}], ()),
    ]
    found = rows_of(one, *pieces)
    assert sorted((tenant, row.given["email"]) for (tenant, _), row in found) == [
        *((0, "b@b"), (1, "a@b.example"), (1, "c@b"))
    ]
    assert all(row.given.keys() == {"email"} for _, row in found)
    rows = [{"email": "c@b"}, {"domain": "x.example", "email": "c@b"}]
    mistakes = stage_rows(one, 3, "p", rows).mistakes
    assert [mistake.message for mistake in mistakes] == [
        *("missing member domain", "the domain is not one of the job's tenants")
    ]


# Duplicates.


def found_in(job: Job, pieces: Sequence[StagedPiece], at_once: int = 1000) -> list[Duplicate]:
    return sorted(one for parts in ranges(pieces, at_once) for one in duplicates(job, parts))


def test_rows_with_an_identifier_of_an_earlier_row_are_found_across_pieces(journal: str) -> None:
    one = job(journal)
    first = [{"email": "mira@b.example"}, {"email": "ann@b.example", "username": "ann"}]
    more = {"phone_number": "+447700900123", "emails": [{"email": "MIRA@b.example"}]}
    second = [{"username": "mira@b.example"}, {"username": "ANN"}, more]
    third = [{"phone_numbers": [{"phone": "+44 7700 900123"}]}, {"email": "mira@B.example"}]
    pieces = [
        stage_rows(one, number, "p", rows) for number, rows in enumerate((first, second, third))
    ]
    expected = [
        Duplicate(1, 2, "username", 0, 2),
        Duplicate(1, 3, "email", 0, 1),
        Duplicate(2, 1, "phone_number", 1, 3),
        Duplicate(2, 2, "email", 0, 1),
    ]
    for at_once in (1000, 3, 1):
        assert found_in(one, pieces, at_once) == expected
    assert len(ranges(pieces, 1000)) == 1
    assert len(ranges(pieces, 1)) > 4


def test_the_users_of_other_tenants_are_other_users(journal: str) -> None:
    one = job(journal, tenants={ACME: "env:A", OTHER: "env:B"})
    rows = [{"domain": domain, "email": "mira@b.example"} for domain in (ACME, OTHER)]
    assert found_in(one, [stage_rows(one, 0, "p", rows)]) == []
    assert found_in(one, [stage_rows(one, 0, "p", [*rows, rows[1]])]) == [
        Duplicate(0, 3, "email", 0, 2)
    ]


def test_only_the_first_mistakes_are_told(journal: str) -> None:
    one = job(journal)
    rows = people(300)
    pieces = [stage_rows(one, number, "p", rows) for number in range(2)]
    found = duplicates(one, ranges(pieces)[0])
    assert found == [Duplicate(1, line, "email", 0, line) for line in range(1, 22)]


def test_many_digests_are_written_in_several_objects(
    journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monocloud_async.dask.identifiers._MOST_BYTES", 17 * 100)
    one = job(journal)
    piece = stage_rows(one, 0, "p", [*people(450), *people(1)])
    assert [place.path for place in piece.identifiers] == [
        f"rows/00000.{number:03}.identifiers" for number in range(5)
    ]
    assert found_in(one, [piece], 100) == [Duplicate(0, 451, "email", 0, 1)]
    stage_rows(one, 1, "p", [*people(450), {}])
    assert not [name for name in Storage(journal).names("rows") if name.startswith("00001")]


def test_digests_tell_nothing_without_the_key(tmp_path: Path) -> None:
    contents: list[bytes] = []
    for number, key in enumerate((*KEYS, KEYS[0])):
        one = job(f"{tmp_path}/{number}", key=key)
        piece = stage_rows(one, 0, "p", [{"email": "mira@b.example"}])
        contents.append(Storage(one.journal).read(piece.identifiers[0].path))
    assert contents[0] == contents[2] != contents[1]
    assert b"mira" not in contents[0]


# What a bucket sends and writes.


async def imported(
    client: MonoCloudClient, job: Job, rows: Sequence[Mapping[str, Any]]
) -> BucketResult:
    attempt = Attempt(import_bucket, job, rows)
    result = await attempt.run(client)
    outcomes = {status: n for status, n in result.counts.items() if status != "skipped"}
    assert +attempt.counts == +Counter(outcomes)
    return result


def results(journal: str) -> list[dict[str, Any]]:
    text = Storage(journal).read("results/0000-00000.jsonl").decode()
    return [json.loads(line) for line in text.splitlines()]


def statuses(journal: str) -> Counter[str]:
    return Counter(row["status"] for row in results(journal))


def recorded(job: Job) -> dict[int, Entry]:
    """Return what the parts have, as the next attempt finds it."""
    found = ImportPartJournal(Storage(job.journal), PARTS, "", b"", 0.0)
    entries = found.entries(0, 10_000)
    found.close()
    return dict(entries)


def resets(emulator: Emulator) -> Counter[str | None]:
    """Return how often each user was emailed a link to set a password."""
    sent = [r for r in emulator.requests if r.operation == "passwords.reset" and r.executed]
    return Counter(request.user_id for request in sent)


def files_in(directory: Path) -> Mapping[Path, bytes]:
    return {path: path.read_bytes() for path in directory.rglob("*") if path.is_file()}


def check_people(emulator: Emulator, count: int) -> None:
    """Check that each user exists exactly once."""
    emails = [user["emails"][0]["email"] for user in emulator.export()]
    assert sorted(emails) == sorted(row["email"] for row in people(count))


async def test_a_bucket_imports_its_rows_and_writes_what_the_command_writes(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    await client.users.create(email="u1@b.example")
    one = job(journal)
    rows = [
        {**people(1)[0], "source_id": "s-0", "claims": {"locale": "et"}, "groups": ["staff"]},
        *people(3)[1:],
    ]
    emulator.faults.add(Fault(status=400, operation="users.create", after=1, times=2))
    result = await imported(client, one, rows)
    assert result.counts[EXISTED] == 1
    assert result.counts == {CREATED: 1, EXISTED: 1, FAILED: 1, "skipped": 0}
    lines = results(journal)
    assert [list(line) for line in lines] == [["input", *COLUMNS]] * 3
    created = next(line for line in lines if line["status"] == CREATED)
    emulator.faults.clear()
    again = await imported(client, one, rows)
    assert again == BucketResult(
        tenant=0,
        bucket=0,
        counts={CREATED: 2, EXISTED: 1, FAILED: 0, "skipped": 0},
        unsent=0,
        fatal=None,
        stopped=False,
    )
    assert created in results(journal)
    first = results(journal)[0]
    assert first == {
        "input": "partition 0",
        "line": 1,
        "source_id": "s-0",
        "status": CREATED,
        "user_id": first["user_id"],
        "steps": ["create", "claims", "groups"],
        "differences": [],
        "notes": [],
        "error": None,
        "http_status": None,
        "trace_id": None,
        "attempts": first["attempts"],
    }
    assert results(journal)[1]["differences"] == ["claims.name"]
    requests = emulator.counts.requests
    assert (await imported(client, one, rows)).counts == again.counts
    assert emulator.counts.requests == requests


async def test_nothing_but_staged_rows_has_a_password(
    emulator: Emulator, client: MonoCloudClient, tmp_path: Path
) -> None:
    emulator.faults.add(Fault(status=400, every=2))
    hashed = {"password_hash": "$2b$10$" + "h" * 53, "password_hash_algorithm": "bcrypt"}
    rows = [{**row, **({"password": PASSWORD}, hashed)[n % 2]} for n, row in enumerate(people(8))]
    await imported(client, job(str(tmp_path)), rows)
    contents = files_in(tmp_path)
    for secret in (PASSWORD, "h" * 53):
        found = {path.parent.name for path, text in contents.items() if secret.encode() in text}
        assert found == {"rows"}
    parts = [text for path, text in contents.items() if path.parent.parent.name == "parts"]
    assert len(parts) > 1
    assert b"b.example" not in b"".join(parts)


async def test_a_row_that_has_changed_is_not_continued(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    one = job(journal)
    await imported(client, one, people(2))
    result = await imported(client, one, [people(1)[0], {"email": "other@b.example"}])
    assert result.counts == {CREATED: 1, EXISTED: 0, FAILED: 1, "skipped": 0}
    assert results(journal)[1]["error"].startswith("the row has changed since an earlier run")
    check_people(emulator, 2)


@pytest.mark.parametrize("status", [401, 403])
async def test_an_error_that_all_rows_would_hit_ends_it_with_everything_recorded(
    emulator: Emulator, client: MonoCloudClient, journal: str, status: int
) -> None:
    emulator.faults.add(Fault(status=status, after=100))
    result = await imported(client, job(journal), people(300))
    assert result.stopped
    assert str(status) in str(result.fatal)
    assert result.counts[CREATED] == emulator.executions == 100
    assert result.unsent == result.counts["skipped"]
    assert sum(result.counts.values()) == 300
    assert statuses(journal) == +Counter(result.counts)
    emulator.faults.clear()
    assert (await imported(client, job(journal), people(300))).counts[CREATED] == 300
    check_people(emulator, 300)


async def test_an_error_that_all_rows_would_hit_names_its_tenant_if_there_are_several(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    emulator.faults.add(Fault(status=401))
    several = job(local, tenants={ACME: "env:KEY", OTHER: "env:OTHER"}, by_domain=True)
    rows = [{**row, "domain": ACME} for row in people(3)]
    result = await imported(client, several, rows)
    assert str(result.fatal).startswith(f"{ACME}: ")


async def test_a_bucket_that_is_stopped_counts_what_earlier_attempts_did(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    one = job(journal)
    emulator.faults.add(Fault(status=422, operation="users.create", times=2))
    await imported(client, one, people(5))
    attempt = Attempt(import_bucket, one, people(5))
    attempt.stop.ask("enough")
    result = await attempt.run(client)
    assert (result.stopped, result.fatal) == (True, None)
    assert result.counts == {CREATED: 3, EXISTED: 0, FAILED: 2, "skipped": 0}
    assert attempt.counts == {CREATED: 3, FAILED: 2}


# Kills.


class Held(Storage):
    """Holds the writes after some parts, as the kill of a worker does.

    Attributes:
        spared: how many parts are written.
        let_go: set to end the writes with an error.
        holds: set when a write is held.
    """

    spared = 0
    let_go = threading.Event()
    holds = threading.Event()

    def write(self, name: str, data: bytes) -> None:
        if name.endswith(".json"):
            if Held.spared == 0:
                Held.holds.set()
                Held.let_go.wait()
                raise JournalError("killed")
            Held.spared -= 1
        super().write(name, data)


@pytest.fixture
def held(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Held]]:
    Held.let_go, Held.holds = threading.Event(), threading.Event()
    monkeypatch.setattr("monocloud_async.dask.import_bucket.Storage", Held)
    yield Held
    Held.let_go.set()


async def killed(attempt: Attempt, client: MonoCloudClient, when: Callable[[], bool]) -> None:
    """Run an attempt until a condition holds, then leave what kill -9 would leave."""
    Held.let_go.clear()
    Held.holds.clear()
    task = asyncio.create_task(attempt.run(client))
    while not (Held.holds.is_set() and when()):
        assert not task.done()
        await asyncio.sleep(0)
    Held.let_go.set()
    with pytest.raises(JournalError, match="killed"):
        await task


async def test_creations_that_a_killed_worker_did_not_record_are_found(
    emulator: Emulator, client: MonoCloudClient, journal: str, held: type[Held]
) -> None:
    one = job(journal)
    # The first part notes 256 rows as begun; all are sent, and nothing is recorded of them.
    held.spared = 1
    attempt = Attempt(import_bucket, one, people(600))
    await killed(attempt, client, lambda: emulator.executions_of("users.create") == 256)
    assert recorded(one) == {}
    check_people(emulator, 256)
    held.spared = 1000
    result = await imported(client, one, people(600))
    assert result.counts == {CREATED: 600, EXISTED: 0, FAILED: 0, "skipped": 0}
    assert statuses(journal) == {CREATED: 600}
    check_people(emulator, 600)
    assert emulator.executions_of("users.create") == 600


async def test_after_many_kills_each_user_is_complete_and_emailed_at_most_once(
    emulator: Emulator, client: MonoCloudClient, local: str, held: type[Held]
) -> None:
    one = job(local, user_import=RESET)
    rows = people(120, claims={"locale": "et"}, private_data={"plan": "x"})
    # Even the fewest parts that 120 rows with emails can have are more than these.
    for spared in (1, 2, 1, 2, 1):
        held.spared = spared
        await killed(Attempt(import_bucket, one, rows), client, lambda: True)
    before = recorded(one)
    assert 0 < len(before) < 120 or {entry.status for entry in before.values()} != {CREATED}
    held.spared = 1000
    result = await imported(client, one, rows)
    assert result.counts == {CREATED: 120, EXISTED: 0, FAILED: 0, "skipped": 0}
    check_people(emulator, 120)
    users = emulator.export()
    assert all(user["claims"]["locale"] == "et" for user in users)
    assert all(user["private_data"] == {"plan": "x"} for user in users)
    emailed = resets(emulator)
    assert set(emailed.values()) == {1}
    unsure = [row for row in results(local) if row["notes"]]
    assert {row["notes"][0] for row in unsure} <= {
        "reset: may have been sent already, so it is not sent again"
    }
    assert len(emailed) >= 120 - len(unsure)
    assert {"reset"} == {row["steps"][-1] for row in results(local)}


async def test_a_row_that_failed_and_is_sent_again_counts_as_created_after_a_kill(
    emulator: Emulator, client: MonoCloudClient, local: str, held: type[Held]
) -> None:
    one = job(local)
    rows = people(30, claims={"locale": "et"})
    emulator.faults.add(Fault(status=422, operation="users.create", times=30))
    held.spared = 1000
    assert (await imported(client, one, rows)).counts[FAILED] == 30
    emulator.faults.clear()
    # The part that notes which of them are sent again; what comes of them is not recorded.
    held.spared = 1
    attempt = Attempt(import_bucket, one, rows)
    await killed(attempt, client, lambda: emulator.executions_of("users.create") > 0)
    held.spared = 1000
    result = await imported(client, one, rows)
    assert result.counts == {CREATED: 30, EXISTED: 0, FAILED: 0, "skipped": 0}
    assert all(user["claims"]["locale"] == "et" for user in emulator.export())
    check_people(emulator, 30)


# Newer attempts.


async def test_an_attempt_that_was_cut_off_stops_when_another_takes_over(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    one = job(journal)
    attempt = Attempt(import_bucket, one, people(1500))
    newer: list[ImportPartJournal] = []

    def take_over(_: str) -> None:
        if not newer:
            newer.append(ImportPartJournal(Storage(journal), PARTS, "", b"", 0.0))

    attempt.settled = take_over
    with pytest.raises(FencedError, match=f"another worker has taken over {PARTS}"):
        await attempt.run(client)
    assert 0 < emulator.executions < 750
    assert not Storage(journal).exists("results/0000-00000.jsonl")
    newer[0].close()
    assert (await imported(client, one, people(1500))).counts[CREATED] == 1500
    check_people(emulator, 1500)


async def test_an_attempt_that_waits_does_not_go_on_once_another_has_taken_over(
    emulator: Emulator, client: MonoCloudClient, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monocloud_async.dask.fencing._SECONDS", 0.05)
    emulator.faults.add(Fault(status=429, headers={"Retry-After": "1"}, times=3))
    attempt = asyncio.create_task(Attempt(import_bucket, job(journal), people(3)).run(client))
    while emulator.counts.requests < 3:  # noqa: ASYNC110  (no event announces it)
        await asyncio.sleep(0.005)
    # Its rows are older than what the newer attempt may send meanwhile.
    ImportPartJournal(Storage(journal), PARTS, "", b"", 0.0).close()
    with pytest.raises(FencedError):
        await attempt
    assert emulator.executions == 0


async def test_an_attempt_that_was_cut_off_leaves_the_results_to_the_newer_one(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    one = job(journal)
    await imported(client, one, people(5))
    before = results(journal)
    attempt = Attempt(import_bucket, one, people(9))
    attempt.stop.ask("interrupted")
    attempt.settled = lambda _: ImportPartJournal(Storage(journal), PARTS, "", b"", 0.0).close()
    with pytest.raises(FencedError):
        await attempt.run(client)
    assert results(journal) == before


async def test_two_attempts_at_a_time_create_each_user_once(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    one = job(journal, user_import=RESET)
    rows = people(300)
    first, second = Attempt(import_bucket, one, rows), Attempt(import_bucket, one, rows)
    tasks = [asyncio.create_task(first.run(client))]
    first.settled = lambda _: (
        tasks.append(asyncio.create_task(second.run(client))) if len(tasks) == 1 else None
    )
    with pytest.raises(FencedError):
        await tasks[0]
    assert (await tasks[1]).counts[CREATED] == 300
    check_people(emulator, 300)
    emailed = resets(emulator)
    assert set(emailed.values()) == {1}


async def test_an_email_that_is_noted_is_not_sent_once_another_has_taken_over(
    emulator: Emulator, client: MonoCloudClient, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TakenOver(Storage):
        def write(self, name: str, data: bytes) -> None:
            super().write(name, data)
            if b"reset?" in data:
                ImportPartJournal(Storage(local), PARTS, "", b"", 0.0).close()

    monkeypatch.setattr("monocloud_async.dask.import_bucket.Storage", TakenOver)
    with pytest.raises(FencedError):
        await imported(client, job(local, user_import=RESET), people(10))
    assert emulator.executions_of("users.create") == 10
    assert emulator.executions_of("passwords.reset") == 0


def test_what_is_not_a_part_is_refused(journal: str) -> None:
    storage = Storage(journal)
    part = {"entries": [[1, "zz", CREATED]], "begun": 0}
    for content in (b"", b"[]", b"{}", b'{"entries": [[]]}', json.dumps(part).encode()):
        storage.write(f"{PARTS}/00000000000000000001-0-000000.json", content)
        with pytest.raises(JournalError, match=r"000000\.json is not part of a journal"):
            ImportPartJournal(storage, PARTS, "", b"", 0.0)


# On a cluster.


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with cluster() as address:
        yield address


async def test_an_import_on_a_cluster_from_files_and_tables_to_outcomes(
    emulator: Emulator, scheduler: str, tmp_path: Path
) -> None:
    rows = people(400, password=PASSWORD, claims={"locale": "et"})
    for number in range(4):
        some = pa.Table.from_pylist(rows[number * 100 : (number + 1) * 100])
        pq.write_table(some, tmp_path / f"{number}.parquet")

    async def run(rows: Any, journal: str, **more: Any) -> ClusterResult:
        place = f"{tmp_path}/{journal}"
        return await on_cluster.import_users(rows, journal=place, cluster=scheduler, **more)

    pattern = f"{tmp_path}/*.parquet"
    emulator.faults.add(Fault(status=401, after=100, operation="users.create"))
    with pytest.raises(StoppedError) as stopped:
        await run(pattern, "journal")
    assert stopped.value.result
    assert stopped.value.result.counts["skipped"] > 0
    emulator.faults.clear()
    result = await run(pattern, "journal")
    assert result.counts == {CREATED: 400}
    check_people(emulator, 400)
    frame = result.outcomes.compute(scheduler="synchronous")
    assert list(frame.columns) == ["input", *COLUMNS]
    assert set(frame["steps"]) == {"create; claims"}
    assert sorted(frame["source_id"]) == sorted(row["email"] for row in rows)
    contents = files_in(tmp_path / "journal")
    assert {path.parent.name for path in contents} >= {"journal", "results", "0000-00000"}
    assert not [path for path, text in contents.items() if PASSWORD.encode() in text]
    assert not (tmp_path / "journal" / "rows").exists()

    bag = dask.bag.from_sequence([{"email": "U7@b.example"}, {"username": "new"}])
    assert (await run(bag, "bag")).counts == {EXISTED: 1, CREATED: 1}
    twice = pd.DataFrame([*people(3), people(2)[1]])
    with pytest.raises(InputMistakesError) as refused:
        await run(dask.dataframe.from_pandas(twice, npartitions=2), "new")
    assert list(refused.value.mistakes) == [
        "partition 1, line 2: same email as partition 0, line 2"
    ]
    assert files_in(tmp_path / "new") == {}
    with pytest.raises(ConfigurationError, match="belongs to an import with other settings"):
        await run(pattern, "journal", send_reset=True)
