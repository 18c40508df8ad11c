"""The journal of a batch, and the order of rows across kills and new runs."""

from __future__ import annotations

import asyncio
import itertools
import random
import sqlite3
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from monocloud_async.cli.batch.content import open_content
from monocloud_async.cli.batch.feed import Feed
from monocloud_async.cli.batch.journal import (
    FAILED,
    OK,
    SKIPPED,
    Entry,
    Journal,
    JournalError,
    Subject,
    hash_of,
)
from monocloud_async.cli.batch.recorder import BEHIND, Recorder
from monocloud_async.cli.batch.rows import Input
from monocloud_async.cli.batch.stop import Stop
from monocloud_async.cli.batch.tally import Tally
from monocloud_async.errors import ConfigurationError

SUBJECT = Subject("digest", "https://acme.example", "identifier", 3)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal"


def consume(items: Iterable[object]) -> None:
    for _ in items:
        pass


# The file.


def test_entries_survive_closing_the_journal(path: Path) -> None:
    failed = Entry(2, hash_of("u"), FAILED, 404, "no such phone", "trace", 3, "p")
    journal = Journal(path, SUBJECT)
    assert not journal.resumed
    journal.record([Entry(1, hash_of("u"), OK, 200), failed])
    journal.record([Entry(1, hash_of("u"), SKIPPED)])
    journal.close()
    journal = Journal(path, SUBJECT)
    assert journal.resumed
    assert journal.entries(1, 3) == {1: Entry(1, hash_of("u"), SKIPPED), 2: failed}
    assert journal.counts() == {SKIPPED: 1, FAILED: 1}
    journal.close()


def test_a_later_completed_row_of_the_user_is_found(path: Path) -> None:
    for _ in range(2):
        journal = Journal(path, SUBJECT)
        journal.record([Entry(5, hash_of("u"), OK), Entry(9, hash_of("u"), OK)])
        journal.record([Entry(7, hash_of("v"), OK), Entry(8, hash_of("u"), FAILED)])
        assert journal.done_after(4, hash_of("u")) == 9
        assert journal.done_after(9, hash_of("u")) is None
        assert journal.done_after(7, hash_of("v")) is None
        assert journal.done_after(1, hash_of("w")) is None
        journal.close()


@pytest.mark.parametrize("left", ["", "empty", "locked once"])
def test_a_new_journal_left_by_a_kill_can_be_used(path: Path, left: str) -> None:
    if left:
        path.touch()
    if left == "locked once":
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
        connection.close()
    Journal(path, SUBJECT).close()
    Journal(path, SUBJECT).close()


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (Subject("other", SUBJECT.origin, "identifier", 3), "another input"),
        (Subject("digest", "https://other.example", "identifier", 3), "other.example"),
    ],
)
def test_a_journal_belongs_to_one_input_and_one_tenant(
    path: Path, other: Subject, why: str
) -> None:
    Journal(path, SUBJECT).close()
    before = path.read_bytes()
    with pytest.raises(ConfigurationError, match=why):
        Journal(path, other)
    assert path.read_bytes() == before


def test_a_journal_of_another_version_is_refused(path: Path) -> None:
    Journal(path, SUBJECT).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 3")
    connection.close()
    with pytest.raises(ConfigurationError, match="another version"):
        Journal(path, SUBJECT)


def test_an_open_journal_is_refused(path: Path) -> None:
    journal = Journal(path, SUBJECT)
    with pytest.raises(ConfigurationError, match="another run is using it"):
        Journal(path, SUBJECT)
    journal.record([Entry(1, 1, OK)])
    journal.close()
    Journal(path, SUBJECT).close()


def test_the_error_says_why_a_journal_cannot_be_opened(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="it is a directory"):
        Journal(tmp_path, SUBJECT)
    with pytest.raises(ConfigurationError, match=f"the directory {tmp_path}/none does not exist"):
        Journal(tmp_path / "none" / "journal", SUBJECT)


def test_the_error_says_why_a_temporary_journal_cannot_be_opened(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def connect(*_: object, **__: object) -> None:
        raise sqlite3.OperationalError("unable to open database file")

    monkeypatch.setattr(sqlite3, "connect", connect)
    with pytest.raises(ConfigurationError) as raised:
        Journal(None, SUBJECT)
    assert str(raised.value) == (
        "the list of completed work cannot be kept: unable to open database file; nothing was "
        "sent: set TMPDIR to a writable directory"
    )


def test_entries_are_recorded_all_or_none(path: Path) -> None:
    journal = Journal(path, SUBJECT)
    journal._db.execute("PRAGMA max_page_count = 10")
    numbers = itertools.count()

    def record_two() -> None:
        journal.record([Entry(next(numbers), 1, OK, error="x" * 500) for _ in range(2)])

    with pytest.raises(JournalError, match=f"the journal {path} cannot be kept: .* full"):
        consume(record_two() for _ in range(1000))
    kept = journal.counts()[OK]
    assert kept > 0
    assert kept % 2 == 0
    journal.close()
    journal = Journal(path, SUBJECT)
    assert journal.counts()[OK] == kept
    journal.close()


def test_an_entry_that_sqlite_refuses_is_a_journal_error(path: Path) -> None:
    journal = Journal(path, SUBJECT)
    with pytest.raises(JournalError, match="cannot be kept"):
        journal.record([Entry(1, 1, OK), Entry(2, 1, OK, error="\ud800")])
    assert not journal.counts()
    journal.close()


# The recorder.


class Slow:
    """A journal that writes only when the test lets it."""

    def __init__(self) -> None:
        self.let = threading.Semaphore(0)
        self.written = threading.Event()
        self.batches: list[list[Entry]] = []
        self.failure: JournalError | None = None

    def record(self, entries: list[Entry]) -> None:
        assert self.let.acquire(timeout=10)
        if self.failure:
            raise self.failure
        self.batches.append(entries)
        self.written.set()


@pytest.fixture
def thread() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(1) as thread:
        yield thread


def no_failure(error: JournalError) -> None:
    raise error


async def test_rows_wait_when_they_are_too_far_ahead_of_the_journal(
    thread: ThreadPoolExecutor,
) -> None:
    slow: Any = Slow()
    recorder = Recorder(slow, thread, no_failure)
    writing = asyncio.create_task(recorder.write())
    added = 0

    async def add() -> None:
        nonlocal added
        for added in range(1, 501):
            await recorder.add(Entry(added, 1, OK))

    adding = asyncio.create_task(add())
    while not adding.done():
        await asyncio.sleep(0.01)
        # The waiting entry is counted already. There is room again only after a batch is written.
        assert added - sum(map(len, slow.batches)) <= BEHIND + 1
        slow.let.release()
        await asyncio.sleep(0.01)
    recorder.end()
    slow.let.release(100)
    await writing
    assert [entry.number for batch in slow.batches for entry in batch] == list(range(1, 501))
    assert not recorder.lost


async def test_a_single_entry_is_written_soon(thread: ThreadPoolExecutor) -> None:
    slow: Any = Slow()
    slow.let.release()
    recorder = Recorder(slow, thread, no_failure)
    writing = asyncio.create_task(recorder.write())
    await recorder.add(Entry(1, 1, OK))
    assert await asyncio.get_running_loop().run_in_executor(None, slow.written.wait, 5)
    recorder.end()
    await writing


async def test_an_entry_cancelled_while_it_waits_is_still_written(
    thread: ThreadPoolExecutor,
) -> None:
    slow: Any = Slow()
    recorder = Recorder(slow, thread, no_failure)
    writing = asyncio.create_task(recorder.write())
    for number in range(BEHIND):
        await recorder.add(Entry(number, 1, OK))
    adding = asyncio.create_task(recorder.add(Entry(BEHIND, 1, OK)))
    await asyncio.sleep(0)
    adding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await adding
    recorder.end()
    slow.let.release(10)
    await writing
    assert sum(map(len, slow.batches)) == BEHIND + 1


async def test_unwritable_entries_are_lost_and_no_row_waits(thread: ThreadPoolExecutor) -> None:
    slow: Any = Slow()
    slow.failure = JournalError("full")
    failures: list[JournalError] = []
    recorder = Recorder(slow, thread, failures.append)
    writing = asyncio.create_task(recorder.write())
    adding = [asyncio.create_task(recorder.add(Entry(n, 1, OK))) for n in range(200)]
    await asyncio.sleep(0)
    slow.let.release(10)
    await asyncio.gather(*adding, writing)
    assert failures == [slow.failure]
    assert sorted(entry.number for entry in recorder.lost) == list(range(200))


# The order of rows.


class Tenant:
    """A fake tenant: some calls fail, and some failures hide that the call succeeded."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.calm = False
        self.primary: dict[str, str] = {}
        self.sent: list[tuple[str, str]] = []

    def set_primary(self, user_id: str, phone: str) -> bool:
        """Carry out a row, or not; return whether the sender learns of a success."""
        self.sent.append((user_id, phone))
        draw = 1.0 if self.calm else self.chance.random()
        if draw > 0.2:
            self.primary[user_id] = phone
        return draw > 0.3


async def sent(
    tenant: Tenant, pairs: AsyncIterable[tuple[str, str]]
) -> AsyncGenerator[tuple[int, bool], None]:
    """Send rows as a run does: one at a time for each user, otherwise in any order."""
    waiting: list[tuple[int, str, str]] = []
    ended, index = False, 0
    source = aiter(pairs)
    while waiting or not ended:
        while not ended and len(waiting) < 6:
            pair = await anext(source, None)
            ended = pair is None
            if pair is not None:
                waiting.append((index, *pair))
                index += 1
        users: dict[str, tuple[int, str, str]] = {}
        for row in waiting:
            users.setdefault(row[1], row)
        if users:
            row = tenant.chance.choice(list(users.values()))
            waiting.remove(row)
            yield row[0], tenant.set_primary(*row[1:])


async def one_run(
    source: Input, journal: Journal, tenant: Tenant, thread: ThreadPoolExecutor, kill_after: int
) -> Tally:
    """Send the pending rows until a kill; entries not written by then are lost."""
    tally = Tally(source.count, journal.counts())
    recorder = Recorder(journal, thread, no_failure)
    feed = Feed(source, journal, recorder, tally, thread, Stop())
    writing = asyncio.create_task(recorder.write())
    async with aclosing(sent(tenant, feed.pairs())) as outcomes:
        async for index, ok in outcomes:
            row, user, before = feed.arrived(index)
            entry = Entry(row.number, user, OK if ok else FAILED)
            tally.move(before, entry.status)
            await recorder.add(entry)
            if tenant.chance.random() < 0.2:
                recorder._due.set()
                await asyncio.sleep(0)
                await asyncio.get_running_loop().run_in_executor(thread, int)
            kill_after -= 1
            if kill_after == 0:
                writing.cancel()
                break
    recorder.end()
    await asyncio.gather(writing, return_exceptions=True)
    # Let the current write finish, or the journal could not be closed.
    await asyncio.get_running_loop().run_in_executor(thread, int)
    return tally


@pytest.mark.parametrize("seed", range(40))
async def test_the_last_row_of_a_user_wins_despite_failures_and_kills(
    tmp_path: Path, thread: ThreadPoolExecutor, seed: int
) -> None:
    chance = random.Random(seed)
    tenant = Tenant(chance)
    wanted = [(f"u-{chance.randrange(6)}", f"p-{n}") for n in range(40)]
    path = tmp_path / "rows.csv"
    path.write_text("user_id,identifier_id\n" + "".join(f"{u},{p}\n" for u, p in wanted))
    with open_content(str(path)) as content:
        source = Input(content)
        subject = Subject(content.digest, "https://acme.example", source.by, source.count)
        runs: Sequence[int] = [chance.randrange(1, 60) for _ in range(chance.randrange(1, 5))]
        for kill_after in (*runs, 0, 0):
            # The last runs meet no failures, so every row that can be done is done.
            tenant.calm = kill_after == 0
            journal = Journal(tmp_path / "journal", subject)
            done = {n for n, entry in journal.entries(1, 40).items() if entry.status == OK}
            tenant.sent.clear()
            tally = await one_run(source, journal, tenant, thread, kill_after)
            assert not {wanted[n - 1] for n in done} & set(tenant.sent)
            counts = journal.counts()
            if not kill_after:
                assert {status: tally.of(status) for status in counts} == counts
            journal.close()
        assert sum(counts.values()) == 40
        assert counts.get(FAILED, 0) == 0
        assert not tenant.sent
    assert tenant.primary == dict(wanted)
