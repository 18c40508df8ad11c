"""A bucket's task: what it sends, what it leaves when its worker dies, and how it goes on."""

from __future__ import annotations

import asyncio
import json
import stat
import threading
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import fsspec
import pytest

from monocloud_async import MonoCloudClient
from monocloud_async._journal_file import JournalError
from monocloud_async.cli.batch.journal import FAILED, OK, SKIPPED, UNKNOWN, Entry, Subject, hash_of
from monocloud_async.dask.bucket import BucketResult, send_bucket
from monocloud_async.dask.job import Job
from monocloud_async.dask.part_journal import FencedError, PartJournal
from monocloud_async.dask.storage import Storage
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .conftest import FAST, KEY
from .dask_buckets import Attempt
from .wire import seen

USERS = 900
CONCURRENCY = 20
PARTS = "parts/0000-00000"
SUBJECT = Subject("", "", "", USERS)
LOST = "may have been applied: an earlier run was killed and may have sent it"


def user(number: int) -> dict[str, Any]:
    return {
        "user_id": f"u-{number}",
        "creation_time": 1_600_000_000,
        "phone_numbers": [{"id": "p", "phone": f"+4477009{number:05}"}, {"id": "q"}],
    }


@pytest.fixture
def running() -> Iterator[Emulator]:
    """An emulator for one test: calls that were cut off may still arrive after its end."""
    groups = [{"group_id": "g", "name": "Group", "members": ["u-1"]}]
    seed = {"users": [user(n) for n in range(USERS)], "groups": groups}
    with Emulator(seed, api_key=KEY) as emulator:
        yield emulator


class Calls:
    """Counts the attempts of a client that are in flight."""

    def __init__(self) -> None:
        self.open = 0

    def began(self, _: object) -> None:
        self.open += 1

    def ended(self, _: object) -> None:
        self.open -= 1


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
async def client(emulator: Emulator, calls: Calls) -> AsyncIterator[MonoCloudClient]:
    hooks: Any = {"on_request": calls.began, "on_response": calls.ended}
    async with MonoCloudClient(emulator.url, KEY, retry=FAST, **hooks) as client:
        yield client


@pytest.fixture(params=["file", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / "journal") if request.param == "file" else "memory://journal"
    fsspec.filesystem("memory").store.clear()


@pytest.fixture
def local(tmp_path: Path) -> str:
    return str(tmp_path / "journal")


def job(journal: str, operation: str = "users.disable", **more: Any) -> Job:
    given = {"tenants": {"acme.us.monocloud.com": "env:KEY"}, "slots": 1, **more}
    return Job(
        operation=operation,
        journal=journal,
        concurrency=CONCURRENCY,
        began_at=time.time(),
        **given,
    )


def ids(count: int) -> list[dict[str, Any]]:
    return [{"user_id": f"u-{n}"} for n in range(count)]


async def sent(
    client: MonoCloudClient, job: Job, rows: Sequence[Mapping[str, Any]]
) -> BucketResult:
    attempt = Attempt(send_bucket, job, rows)
    result = await attempt.run(client)
    # Rows without an outcome are nowhere in the progress.
    outcomes = {s: n - result.unsent * (s == SKIPPED) for s, n in result.counts.items()}
    assert +attempt.counts == +Counter(outcomes)
    return result


def results(journal: str) -> list[dict[str, Any]]:
    text = Storage(journal).read("results/0000-00000.jsonl").decode()
    return [json.loads(line) for line in text.splitlines()]


def statuses(journal: str) -> list[str]:
    return [row["status"] for row in results(journal)]


def recorded(journal: str) -> dict[int, Entry]:
    """Return what the parts have, as the next attempt finds it."""
    found = PartJournal(Storage(journal), PARTS, SUBJECT)
    entries = found.entries(1, USERS)
    found.close()
    return dict(entries)


def executed(emulator: Emulator) -> Counter[str | None]:
    """Return how often a change was made for each user."""
    return Counter(request.user_id for request in emulator.requests if request.executed)


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
    monkeypatch.setattr("monocloud_async.dask.bucket.Storage", Held)
    yield Held
    Held.let_go.set()


async def killed(attempt: Attempt, client: MonoCloudClient, calls: Calls) -> None:
    """Run an attempt until no more rows are sent, then leave what kill -9 would leave."""
    task = asyncio.create_task(attempt.run(client))
    idle = 0
    # No event tells that nothing more begins.
    while idle < 500:
        assert not task.done()
        await asyncio.sleep(0)
        idle = idle + 1 if held_up(calls) else 0
    Held.let_go.set()
    with pytest.raises(JournalError, match="killed"):
        await task


def held_up(calls: Calls) -> bool:
    return Held.holds.is_set() and not calls.open


# What a bucket sends and writes.


async def test_a_bucket_sends_its_rows_and_writes_their_outcomes(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    emulator.faults.add(Fault(status=422, user_id="u-3", problem={"title": "Never"}))
    one = job(journal)
    result = await sent(client, one, ids(6))
    assert result == BucketResult(
        tenant=0,
        bucket=0,
        counts={OK: 5, FAILED: 1, UNKNOWN: 0, SKIPPED: 0},
        unsent=0,
        fatal=None,
        stopped=False,
    )
    rows = results(journal)
    assert rows[0] == {
        "input": "partition 0",
        "line": 1,
        "user_id": "u-0",
        "status": OK,
        "http_status": 200,
        "error": None,
        "trace_id": rows[0]["trace_id"],
        "attempts": 1,
    }
    assert [row["line"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert (rows[3]["status"], rows[3]["http_status"]) == (FAILED, 422)
    assert "Never" in rows[3]["error"]
    emulator.faults.clear()
    again = await sent(client, one, ids(6))
    assert again.counts[OK] == 6
    assert statuses(journal) == [OK] * 6
    assert executed(emulator) == {f"u-{n}": 1 for n in range(6)}


async def test_results_have_answers_and_secrets_only_when_wanted(
    client: MonoCloudClient, tmp_path: Path
) -> None:
    rows = [{"user_id": "u-1"}]
    found: list[Any] = []
    for number, more in enumerate(({}, {"answers": True}, {"answers": True, "show_secrets": True})):
        place = f"{tmp_path}/{number}"
        await sent(client, job(place, "passwords.reset", **more), rows)
        found.append(results(place)[0].get("result", {}).get("link"))
    none, masked, link = found
    assert (none, masked) == (None, "***")
    assert link.startswith("http")


async def test_results_name_the_tenant_if_there_are_several(
    client: MonoCloudClient, local: str
) -> None:
    domains = ("acme.us.monocloud.com", "other.us.monocloud.com")
    one = job(local, tenants=dict.fromkeys(domains, "env:KEY"))
    await sent(client, one, [{"domain": domains[0], **row} for row in ids(2)])
    assert [row["domain"] for row in results(local)] == [domains[0]] * 2


async def test_nothing_but_staged_rows_has_a_secret_and_nobody_else_reads_it(
    emulator: Emulator, client: MonoCloudClient, tmp_path: Path, local: str
) -> None:
    emulator.faults.add(Fault(status=400, every=2))
    rows = [{"email": f"{n}@b.example", "password": "hunter22-ABC!"} for n in range(4)]
    await sent(client, job(local, "users.create", answers=True), rows)
    check_secrets(Path(local))


def check_secrets(journal: Path) -> None:
    paths = list(journal.rglob("*"))
    contents = {path: path.read_bytes() for path in paths if path.is_file()}
    assert {p.parent.name for p, content in contents.items() if b"hunter22" in content} == {"rows"}
    assert not [path for path, content in contents.items() if KEY.encode() in content]
    modes = {(path.is_dir(), stat.S_IMODE(path.stat().st_mode)) for path in (journal, *paths)}
    assert modes == {(True, 0o700), (False, 0o600)}


# Kills.


async def test_after_a_kill_no_more_than_400_rows_and_those_in_flight_are_sent_again(
    emulator: Emulator, client: MonoCloudClient, calls: Calls, journal: str, held: type[Held]
) -> None:
    one = job(journal)
    held.spared = 2
    await killed(Attempt(send_bucket, one, ids(USERS)), client, calls)
    done = recorded(journal)
    assert {entry.status for entry in done.values()} == {OK}
    lost = emulator.executions - len(done)
    assert 380 < lost <= 400 + CONCURRENCY
    held.spared = USERS
    result = await sent(client, one, ids(USERS))
    assert result.counts == {OK: USERS, FAILED: 0, UNKNOWN: 0, SKIPPED: 0}
    assert statuses(journal) == [OK] * USERS
    assert emulator.executions == USERS + lost
    assert emulator.counts.requests == USERS + lost


async def test_the_last_row_of_a_user_wins_over_kills(
    emulator: Emulator, client: MonoCloudClient, calls: Calls, local: str, held: type[Held]
) -> None:
    one = job(local, "users.patch_claims")
    rows = [{"user_id": f"u-{n % 5}", "nickname": f"{n:04}"} for n in range(700)]
    held.spared = 1
    await killed(Attempt(send_bucket, one, rows), client, calls)
    first = emulator.counts.requests
    held.spared = USERS
    result = await sent(client, one, rows)
    assert first < 700 < len(emulator.requests) <= 1100 + CONCURRENCY
    assert result.counts[OK] == 700
    requests = [(r.user_id, json.loads(r.body)["nickname"]) for r in emulator.requests]
    for some in (requests[:first], requests[first:]):
        for user_id in range(5):
            names = [name for found, name in some if found == f"u-{user_id}"]
            assert names == sorted(names)
    assert {name for _, name in requests} == {row["nickname"] for row in rows}
    users = [await client.users.get(f"u-{n}") for n in range(5)]
    assert [found.claims["nickname"] for found in users] == [f"{695 + n:04}" for n in range(5)]


async def test_a_row_that_a_later_one_supersedes_is_not_sent_again(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    emulator.faults.add(Fault(status=400, user_id="u-1", times=1))
    one = job(journal, "phones.set_primary")
    rows = [{"user_id": "u-1", "identifier_id": phone} for phone in ("p", "q")]
    assert (await sent(client, one, rows)).counts[FAILED] == 1
    assert (await sent(client, one, rows)).counts == {OK: 1, FAILED: 0, UNKNOWN: 0, SKIPPED: 1}
    assert results(journal)[0]["error"].startswith("superseded: row 2 of the same user is done")
    assert emulator.counts.requests == 2


# Newer attempts.


async def test_an_attempt_that_was_cut_off_stops_when_another_takes_over(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    attempt = Attempt(send_bucket, job(journal), ids(USERS))
    newer: list[PartJournal] = []

    def take_over(_: str) -> None:
        if not newer:
            newer.append(PartJournal(Storage(journal), PARTS, SUBJECT))

    attempt.settled = take_over
    with pytest.raises(FencedError, match=f"another worker has taken over {PARTS}"):
        await attempt.run(client)
    assert 0 < emulator.executions < USERS
    assert not Storage(journal).exists("results/0000-00000.jsonl")
    newer[0].close()
    assert emulator.executions - len(recorded(journal)) <= 400 + CONCURRENCY
    assert (await sent(client, job(journal), ids(USERS))).counts[OK] == USERS


async def test_an_attempt_that_waits_does_not_go_on_once_another_has_taken_over(
    emulator: Emulator, client: MonoCloudClient, journal: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("monocloud_async.dask.fencing._SECONDS", 0.05)
    emulator.faults.add(Fault(status=429, headers={"Retry-After": "1"}, times=3))
    attempt = asyncio.create_task(Attempt(send_bucket, job(journal), ids(3)).run(client))
    while emulator.counts.requests < 3:  # noqa: ASYNC110  (no event announces it)
        await asyncio.sleep(0.005)
    # Its rows are older than what the newer attempt may send meanwhile.
    PartJournal(Storage(journal), PARTS, SUBJECT).close()
    with pytest.raises(FencedError):
        await attempt
    assert emulator.executions == 0


async def test_an_attempt_that_was_cut_off_leaves_the_results_to_the_newer_one(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    await sent(client, job(journal), ids(5))
    before = results(journal)
    # It is stopped and sends nothing, but would write what it knows of the rows.
    attempt = Attempt(send_bucket, job(journal), ids(9))
    attempt.stop.ask("interrupted")
    attempt.settled = lambda _: PartJournal(Storage(journal), PARTS, SUBJECT).close()
    with pytest.raises(FencedError):
        await attempt.run(client)
    assert results(journal) == before


async def test_rows_that_are_noted_are_not_sent_once_another_has_taken_over(
    emulator: Emulator, client: MonoCloudClient, local: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class TakenOver(Storage):
        def write(self, name: str, data: bytes) -> None:
            super().write(name, data)
            if name.endswith("-000000.json"):
                PartJournal(Storage(local), PARTS, SUBJECT).close()

    monkeypatch.setattr("monocloud_async.dask.bucket.Storage", TakenOver)
    with pytest.raises(FencedError):
        await sent(client, job(local, "passwords.reset"), ids(10))
    assert emulator.counts.requests == 0


def test_an_attempt_is_newer_than_all_that_it_finds(journal: str) -> None:
    storage = Storage(journal)
    # The clock of the second worker is behind.
    first = PartJournal(storage, PARTS, SUBJECT, lambda: 2000)
    first.record([Entry(1, hash_of("u"), OK)])
    second = PartJournal(storage, PARTS, SUBJECT, lambda: 1000)
    assert second.resumed
    assert second.epoch > first.epoch
    second.check()
    with pytest.raises(FencedError):
        first.check()
    with pytest.raises(FencedError):
        first.record([Entry(1, hash_of("u"), FAILED), Entry(2, hash_of("u"), OK)])
    second.record([Entry(1, hash_of("u"), SKIPPED)])
    third = PartJournal(storage, PARTS, SUBJECT, lambda: 1000)
    assert {n: entry.status for n, entry in third.entries(1, 9).items()} == {1: SKIPPED, 2: OK}
    for each in (first, second, third):
        each.close()


def test_what_is_not_a_part_is_refused(journal: str) -> None:
    storage = Storage(journal)
    for content in (b"", b"[]", b"{}", b'{"entries": [[]], "begun": [], "unsent": []}'):
        storage.write(f"{PARTS}/00000000000000000001-0-000000.json", content)
        with pytest.raises(JournalError, match=r"000000\.json is not part of a journal"):
            PartJournal(storage, PARTS, SUBJECT)


# Endings.


@pytest.mark.parametrize("status", [401, 403])
async def test_an_error_that_all_rows_would_hit_ends_it_with_everything_recorded(
    emulator: Emulator, client: MonoCloudClient, journal: str, status: int
) -> None:
    emulator.faults.add(Fault(status=status, after=100))
    result = await sent(client, job(journal), ids(500))
    assert result.stopped
    assert f"status {status}" in str(result.fatal) or str(status) in str(result.fatal)
    assert result.counts[OK] == emulator.executions == 100
    assert result.unsent == 400
    assert Counter(statuses(journal)) == {OK: 100, SKIPPED: 400}
    emulator.faults.clear()
    assert (await sent(client, job(journal), ids(500))).counts[OK] == 500
    assert emulator.executions == 500


async def test_its_stop_ends_it_after_the_calls_in_flight(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    attempt = Attempt(send_bucket, job(local), ids(500))
    attempt.settled = lambda _: attempt.stop.ask("another tenant's key is wrong")
    result = await attempt.run(client)
    assert (result.stopped, result.fatal) == (True, None)
    assert 1 <= result.counts[OK] == emulator.executions < 100
    assert result.unsent == 500 - result.counts[OK]
    assert (await sent(client, job(local), ids(500))).counts[OK] == 500
    assert emulator.executions == 500


async def test_a_cancelled_task_sends_nothing_more(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    attempt = Attempt(send_bucket, job(local), ids(500))
    task = asyncio.create_task(attempt.run(client))
    attempt.settled = lambda _: task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    others = asyncio.all_tasks() - {asyncio.current_task()}
    assert not [each for each in others if "_work" in repr(each) or "_receive" in repr(each)]
    assert emulator.counts.requests < 100
    assert (await sent(client, job(local), ids(500))).counts[OK] == 500


async def test_a_journal_that_cannot_be_written_ends_it_with_an_error(
    emulator: Emulator, client: MonoCloudClient, local: str, held: type[Held]
) -> None:
    held.spared = 1
    held.let_go.set()
    with pytest.raises(JournalError, match="killed"):
        await Attempt(send_bucket, job(local), ids(USERS)).run(client)
    assert emulator.executions < USERS
    assert not Storage(local).exists("results/0000-00000.jsonl")


# Rows that must not be sent twice.


def noted(job: Job, count: int) -> None:
    """Leave what an attempt leaves that was killed when these rows were handed out."""
    left = PartJournal(Storage(job.journal), PARTS, SUBJECT)
    left.begin(list(range(1, count + 1)), [])
    left.close()


async def test_users_that_may_have_been_created_are_looked_up_first(
    emulator: Emulator, client: MonoCloudClient, journal: str
) -> None:
    one = job(journal, "users.create", answers=True)
    rows: list[dict[str, Any]] = [
        {"email": "done@b.example", "name": "Done", "password": "hunter22-ABC!"},
        {"email": "new@b.example", "name": "New"},
        {"phone_number": "+447700900001", "name": "Another"},
        {"username": "differs", "name": "Mine"},
        {"name": "Nobody"},
        {"email": "done@b.example", "username": "differs"},
        {"email": "later@b.example"},
    ]
    await client.users.create(**rows[0])
    await client.users.create(username="differs", name="Theirs")
    noted(one, 6)
    result = await sent(client, one, rows)
    assert result.counts == {OK: 3, FAILED: 1, UNKNOWN: 3, SKIPPED: 0}
    found = {row["line"]: (row["status"], row["error"]) for row in results(journal)}
    created = [user async for user in client.users.list(filter='email:"done@b.example"')]
    theirs = [user async for user in client.users.list(filter="username:differs")]
    before, _, refusal = found[3][1].partition(" and was created before this job began; ")
    assert before == "user u-1 has an identifier of the row,"
    assert refusal.startswith("users.create: 422 ")
    assert found == {
        1: (OK, f"applied by an earlier attempt: it created user {created[0].user_id}"),
        2: (OK, "an earlier attempt did not apply it"),
        3: (FAILED, found[3][1]),
        4: (
            UNKNOWN,
            f"user {theirs[0].user_id} has an identifier of the row, but differs from it",
        ),
        5: (UNKNOWN, "the row has no identifier to look the user up by"),
        6: (UNKNOWN, "its identifiers belong to 2 users"),
        7: (OK, None),
    }
    assert results(journal)[0]["result"]["user_id"] == created[0].user_id
    assert emulator.counts.requests_by_operation["users.create"] == 2 + 3
    # Only the row that failed is sent again.
    again = await sent(client, one, rows)
    assert again.counts == {OK: 3, FAILED: 1, UNKNOWN: 3, SKIPPED: 0}
    assert emulator.counts.requests_by_operation["users.create"] == 2 + 3 + 1


@pytest.mark.parametrize(
    ("operation", "member", "values", "what"),
    [
        ("emails.add", "email", ("one@b.example", "two@b.example"), "has the email address"),
        ("phones.add", "phone_number", ("+441632960001", "+441632960002"), "has the phone number"),
        ("groups.assign", "group_id", ("g", "g"), "is in the group"),
    ],
)
async def test_what_may_have_been_added_is_looked_up_first(
    emulator: Emulator,
    client: MonoCloudClient,
    local: str,
    operation: str,
    member: str,
    values: tuple[str, str],
    what: str,
) -> None:
    resource, _, name = operation.partition(".")
    method = getattr(getattr(client, resource), name)
    rows = [
        {"user_id": "u-5", member: values[0]},
        {"user_id": "u-6", member: values[1]},
        {"user_id": "missing", member: values[1]},
    ]
    await method(**rows[0])
    one = job(local, operation)
    noted(one, 3)
    result = await sent(client, one, rows)
    assert result.counts == {OK: 2, FAILED: 1, UNKNOWN: 0, SKIPPED: 0}
    found = results(local)
    assert found[0]["error"] == f"applied by an earlier attempt: the user {what}"
    assert found[1]["error"] == "an earlier attempt did not apply it"
    assert found[2]["error"].startswith(f"an earlier attempt did not apply it; {operation}: ")
    assert emulator.executions_of(operation) == 2


async def test_an_address_in_another_state_is_unknown(client: MonoCloudClient, local: str) -> None:
    rows = [{"user_id": "u-5", "email": "one@b.example", "is_verified": True}]
    await client.emails.add("u-5", "one@b.example")
    one = job(local, "emails.add")
    noted(one, 1)
    assert (await sent(client, one, rows)).counts[UNKNOWN] == 1
    assert results(local)[0]["error"] == "the user has the email address, but it is not verified"


async def test_a_lookup_that_fails_leaves_the_row_unknown(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    emulator.faults.add(Fault(status=400, operation="users.list"))
    one = job(local, "users.create")
    noted(one, 1)
    rows = [{"email": "new@b.example"}]
    assert (await sent(client, one, rows)).counts[UNKNOWN] == 1
    error = results(local)[0]["error"]
    assert error.startswith("may have been applied; the lookup failed: users.list: ")
    emulator.faults.clear()
    assert (await sent(client, one, rows)).counts[OK] == 1
    assert emulator.executions == 1


async def test_a_wrong_key_is_found_by_the_lookups_too(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    emulator.faults.add(Fault(status=401))
    one = job(local, "groups.assign")
    noted(one, 2)
    result = await sent(client, one, [{"user_id": f"u-{n}", "group_id": "g"} for n in range(4)])
    assert result.fatal
    assert result.stopped
    assert result.counts == {OK: 0, FAILED: 0, UNKNOWN: 2, SKIPPED: 2}
    assert emulator.counts.requests_by_operation["groups.assign"] == 0


@pytest.mark.parametrize("spared", [0, 3])
async def test_lookups_end_with_the_stop(
    emulator: Emulator, client: MonoCloudClient, local: str, spared: int
) -> None:
    one = job(local, "groups.assign")
    noted(one, 200)
    attempt = Attempt(
        send_bucket, one, [{"user_id": f"u-{n}", "group_id": "g"} for n in range(2, 300)]
    )
    if spared == 0:
        attempt.stop.ask("stopped")
    sending = asyncio.create_task(attempt.run(client))
    await seen(lambda: sending.done() or emulator.counts.requests >= spared)
    attempt.stop.ask("stopped")
    result = await sending
    assert result.stopped
    assert result.unsent == 98
    assert emulator.counts.requests <= (spared and 100)
    assert emulator.executions == 0


async def test_a_row_that_was_applied_after_the_lookup_is_not_reported_as_failed(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    # It is refused, as it would be if the killed worker's call had ended after the lookup.
    emulator.faults.add(Fault(status=409, executed=True, operation="users.create"))
    one = job(local, "users.create")
    noted(one, 1)
    assert (await sent(client, one, [{"email": "slow@b.example"}])).counts[OK] == 1
    assert "it created user" in results(local)[0]["error"]
    assert emulator.executions == 1


async def test_what_cannot_be_looked_up_stays_unknown_unless_it_may_be_sent_again(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    one = job(local, "passwords.reset")
    noted(one, 3)
    assert (await sent(client, one, ids(5))).counts == {OK: 2, FAILED: 0, UNKNOWN: 3, SKIPPED: 0}
    assert [row["error"] for row in results(local)] == [LOST] * 3 + [None] * 2
    retrying = job(local, "passwords.reset", retry_unknown=True)
    assert (await sent(client, retrying, ids(5))).counts[OK] == 5
    assert executed(emulator) == {f"u-{n}": 1 for n in range(5)}


async def test_what_an_earlier_attempt_removed_is_done(
    emulator: Emulator, client: MonoCloudClient, local: str
) -> None:
    one = job(local, "users.delete")
    await client.users.delete("u-1")
    noted(one, 2)
    assert (await sent(client, one, ids(4))).counts[OK] == 4
    assert results(local)[1]["error"] == "not found; an earlier attempt may have removed it"
    assert executed(emulator) == {f"u-{n}": 1 for n in range(4)}


async def test_kills_double_no_row_that_must_be_sent_once(
    emulator: Emulator, client: MonoCloudClient, calls: Calls, local: str, held: type[Held]
) -> None:
    one = job(local, "groups.assign")
    rows = [{"user_id": f"u-{n}", "group_id": "g"} for n in range(2, 700)]
    for spared in (1, 3, 6):
        held.let_go.clear()
        held.holds.clear()
        held.spared = spared
        await killed(Attempt(send_bucket, one, rows), client, calls)
    held.spared = USERS
    assert (await sent(client, one, rows)).counts[OK] == len(rows)
    assert Counter(executed(emulator)) == {row["user_id"]: 1 for row in rows}
