"""`monocloud users export`, in its own process, against the emulator."""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import signal
import stat
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing, closing
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import pytest

from benchmarks import exporting, server
from monocloud_async import MonoCloudClient as AsyncClient
from monocloud_async.cli.export.columns import columns_of
from monocloud_async.cli.export.formats import Csv, JsonLines
from monocloud_async.cli.export.journal import ExportJournal, State, Subject
from monocloud_async.cli.export.sink import Sink
from monocloud_async.cli.export.target import Part
from monocloud_async.emulator import Emulator as AsyncEmulator
from monocloud_async.emulator import Fault, RateLimit
from monocloud_async.errors import APIError, ConfigurationError, NotFoundError
from monocloud_async.exports.engine import Engine
from monocloud_async.exports.raw import ExportedLine, RawUser, raw_user
from monocloud_async.exports.reading import Reading
from monocloud_async.exports.row import Done, Row
from monocloud_async.exports.seen import MOST, Key
from monocloud_async.models import UserGroup
from monocloud_async.response import Headers
from monocloud_sync import MonoCloudClient
from monocloud_sync.emulator import Emulator

from .commands import on_a_terminal, run, started
from .conftest import API_KEY, DOMAIN, KEY
from .test_exports import tenant

EXPORT = ("users", "export")
FULL = pytest.mark.full
USERS = 320


@pytest.fixture(scope="module")
def running() -> Iterator[Emulator]:
    with Emulator(tenant(USERS), api_key=KEY) as emulator:
        yield emulator


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "users.jsonl"


def lines(content: str | bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


def ids(content: str | bytes) -> Counter[str]:
    return Counter(line["user_id"] for line in lines(content))


def names(count: int = USERS) -> Counter[str]:
    return Counter(f"u{number}" for number in range(count))


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# Output


def test_lines_go_to_standard_output(emulator: Emulator) -> None:
    before = int(time.time())
    done = run(*EXPORT)
    assert done.returncode == 0, done.stderr
    assert ids(done.stdout) == names()
    line = next(line for line in lines(done.stdout) if line["user_id"] == "u7")
    assert before <= line.pop("read_at") <= time.time()
    assert line == emulator.user("u7").to_dict()
    assert done.stderr == "320 users exported\n"


def test_a_file_is_private_and_replaced_atomically(emulator: Emulator, file: Path) -> None:
    file.write_text("what was there")
    done = run(*EXPORT, file)
    assert (done.returncode, done.stdout) == (0, "320 users exported\n"), done.stderr
    assert ids(file.read_text()) == names()
    assert mode(file) == 0o600
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_a_gz_file_is_compressed(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "users.jsonl.gz"
    assert run(*EXPORT, path, "--no-details", "--groups").returncode == 0
    found = lines(gzip.decompress(path.read_bytes()))
    assert len(found) == USERS
    assert not any("private_data" in line for line in found)
    assert all(line["groups"] == [] for line in found)


def test_csv_has_the_requested_columns(emulator: Emulator, tmp_path: Path) -> None:
    path = tmp_path / "users.csv"
    with MonoCloudClient(emulator.url, KEY) as client:
        user = client.users.create(email="a@b.example", phone_number="+43664123", name="=1+1")
    columns = "user_id,email,email_verified,phone_number,claims.name,private_data:json,username"
    done = run(*EXPORT, path, "--columns", columns, "--filter", "a@b.example")
    assert done.returncode == 0, done.stderr
    head, row = csv.reader(io.StringIO(path.read_text()))
    assert head == columns.split(",")
    assert row == [user.user_id, "a@b.example", "false", "+43664123", "'=1+1", "{}", ""]
    assert run(*EXPORT, path).returncode == 0
    assert len(path.read_text().splitlines()) == 1 + USERS + 1


def test_parquet_columns_have_types(emulator: Emulator, tmp_path: Path) -> None:
    parquet = pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "users.parquet"
    done = run(*EXPORT, path)
    assert done.returncode == 0, done.stderr
    assert [found.name for found in tmp_path.iterdir()] == [path.name]
    assert mode(path) == 0o600
    rows = {row["user_id"]: row for row in parquet.read_table(path).to_pylist()}
    assert rows.keys() == names().keys()
    record = emulator.user("u7").to_dict()
    assert json.loads(rows["u7"]["private_data"]) == record["private_data"]
    created = datetime.fromtimestamp(record["creation_time"], timezone.utc)
    assert rows["u7"]["creation_time"] == created
    assert run(*EXPORT, path, "--columns", "user_id,private_data.number").returncode == 0
    assert {"user_id": "u7", "private_data.number": "7"} in parquet.read_table(path).to_pylist()


def test_without_pyarrow_the_error_says_what_to_install(emulator: Emulator, tmp_path: Path) -> None:
    hidden = "import sys; sys.modules['pyarrow'] = None; sys.modules.pop('pyarrow.parquet', None)"
    done = run(*EXPORT, tmp_path / "users.parquet", before=hidden)
    assert done.returncode == 2
    assert "pip install 'monocloud[parquet]'" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_exported_text_cannot_control_the_terminal(emulator: Emulator) -> None:
    with MonoCloudClient(emulator.url, KEY) as client:
        user = client.users.create(username="odd")
        client.data.patch_private(user.user_id, {"said": "\x9b31m \u202e"})
    screen, code = on_a_terminal(*EXPORT, "--filter", "odd", columns=300)
    assert code == 0
    assert "\\u009b31m \\u202e" in screen


def test_an_export_without_users_is_complete(emulator: Emulator, tmp_path: Path) -> None:
    for name, content in (("a.jsonl", ""), ("a.csv", "user_id\n")):
        options = ("--columns", "user_id") if name == "a.csv" else ()
        done = run(*EXPORT, tmp_path / name, "--filter", "nobody", *options)
        assert (done.returncode, done.stdout) == (0, "0 users exported\n"), done.stderr
        assert (tmp_path / name).read_text() == content


# Refusals and failures


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--journal", "j"], "--journal needs a FILE"),
        (["--format", "parquet"], "needs a FILE"),
        (["a.jsonl", "--journal", "a.jsonl"], "the same file"),
        (["a.jsonl", "--columns", "user_id"], "only works with CSV and Parquet"),
        (["a.csv", "--columns", "user_id,nmae"], "unknown column 'nmae'"),
        (["a.csv", "--columns", "user_id,user_id"], "twice"),
        (["a.csv", "--columns", "user_id,,"], "an empty column name"),
        (["a.csv", "--columns", "groups"], "needs --groups"),
        (["/dev/null"], "is not a regular file"),
        (["nowhere/a.jsonl"], "No such file"),
        (["--filter", " "], "filter must be"),
    ],
)
def test_invalid_options_are_refused_at_once(
    emulator: Emulator, tmp_path: Path, options: list[str], why: str
) -> None:
    done = run(*EXPORT, *options, before=f"import os; os.chdir({str(tmp_path)!r})")
    assert done.returncode == 2
    assert why in done.stderr
    assert "nothing was sent" in done.stderr
    assert emulator.requests == []
    assert not list(tmp_path.iterdir())


def test_an_unfinished_file_of_another_export_is_left_alone(emulator: Emulator, file: Path) -> None:
    part = file.with_name("users.jsonl.part")
    part.write_text("another's")
    for options in ((), ("--journal", file.with_name("journal"))):
        done = run(*EXPORT, file, *options)
        assert done.returncode == 2
        assert "users.jsonl.part exists" in done.stderr
        assert part.read_text() == "another's"


def test_unreadable_users_are_reported_and_read_by_the_next_run(
    emulator: Emulator, file: Path
) -> None:
    emulator.faults.add(Fault(status=418, operation="users.get", user_id="u77"))
    command = (*EXPORT, file, "--journal", file.with_name("journal"))
    done = run(*command)
    assert done.returncode == 1
    assert "user u77: users.get: 418" in done.stderr
    assert "some users could not be read" in done.stderr
    assert done.stdout == "319 users exported; 1 could not be read\n"
    assert not file.exists()
    assert run(*command).returncode == 1
    emulator.faults.clear()
    emulator.requests.clear()
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "320 users exported (319 in earlier runs)\n"
    assert ids(file.read_text()) == names()
    assert len(emulator.requests) < 5


def test_a_user_without_groups_is_read_by_the_next_run(emulator: Emulator, file: Path) -> None:
    emulator.faults.add(Fault(status=418, operation="groups.list", user_id="u77"))
    command = (*EXPORT, file, "--no-details", "--groups", "--journal", file.with_name("journal"))
    assert run(*command).returncode == 1
    emulator.faults.clear()
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert ids(file.read_text()) == names()


def test_too_many_failures_stop_the_export(emulator: Emulator, file: Path) -> None:
    emulator.faults.add(Fault(status=418, operation="users.get"))
    done = run(*EXPORT, file, "--max-failures", "3")
    assert done.returncode == 1
    assert "more than 3 users could not be read; nothing was kept" in done.stderr
    assert list(file.parent.iterdir()) == []


def test_a_wrong_key_ends_the_export(emulator: Emulator, file: Path) -> None:
    done = run(*EXPORT, file, env={API_KEY: "wrong"})
    assert done.returncode == 1
    assert "401" in done.stderr
    assert list(file.parent.iterdir()) == []


def test_a_full_disk_ends_the_export(emulator: Emulator, file: Path) -> None:
    limit = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5000, 5000))\n"
    limit += "import signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)"
    done = run(*EXPORT, file, before=limit)
    assert done.returncode == 1
    assert "users.jsonl.part: File too large" in done.stderr
    assert not file.exists()
    # Most users were not listed yet, so nothing is known about users that the API omits.
    assert "more than it lists" not in done.stdout


class FullOnce(Part):
    """A file on a disk that is full for a moment, halfway through the first write."""

    full = True

    def write(self, data: bytes) -> None:
        """Write the data, but only half of it the first time."""
        if data and self.full:
            self.full = False
            super().write(data[: len(data) // 2])
            raise OSError(28, "No space left on device")
        super().write(data)


async def test_a_line_torn_by_a_full_disk_is_not_kept(tmp_path: Path) -> None:
    line = ExportedLine(user=RawUser({"user_id": "u0"}), read_at=datetime.now(timezone.utc))
    made = [
        Done(Row(f"u{number}", Key(number, 0.0), number, number), line) for number in range(200)
    ]
    with closing(journal(tmp_path / "journal")) as kept, ThreadPoolExecutor(1) as thread:
        part = FullOnce(tmp_path / "part", 0, known=True, gzip=False)
        with closing(part):
            sink = Sink(JsonLines(plain=False), part, kept, thread)
            with pytest.raises(OSError, match="No space left"):
                await sink.add(made, 200)
            with pytest.raises(OSError, match="No space left"):
                sink.finish(whole=False)
        assert (kept.state.size, kept.state.exported) == (0, 0)


# Stopping and resuming


def wait_until(condition: Callable[[], bool]) -> None:
    until = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.005)


@pytest.mark.parametrize(
    ("end", "name"),
    [
        (signal.SIGINT, "users.jsonl"),
        (signal.SIGTERM, "users.csv.gz"),
        (signal.SIGKILL, "users.jsonl"),
        (signal.SIGKILL, "users.csv.gz"),
    ],
)
def test_an_interrupted_export_resumes_where_it_stopped(
    emulator: Emulator, tmp_path: Path, name: str, end: signal.Signals
) -> None:
    file = tmp_path / name
    command = (*EXPORT, file, "--journal", tmp_path / "journal", "--concurrency", 4)
    emulator.rate_limit = RateLimit(300, burst=100)
    with started(*map(str, command)) as process:
        wait_until(lambda: emulator.counts.requests > 120)
        process.send_signal(end)
        assert process.wait() in (-end, 128 + end)
    assert not file.exists()
    part = tmp_path / f"{name}.part"
    assert mode(part) == 0o600
    assert mode(tmp_path / "journal") == 0o600
    with part.open("ab") as torn:
        torn.write(b'{"user_id": "torn')
    emulator.rate_limit = None
    with MonoCloudClient(emulator.url, KEY) as client:
        for number in range(0, 100, 2):
            client.users.delete(f"u{number}")
    done = run(*command)
    assert done.returncode == 0, done.stderr
    if end is not signal.SIGKILL:
        assert "the list had 320 users at the start and 270 at the end" in done.stdout
        assert "in earlier runs" in done.stdout
    content = file.read_bytes()
    if name.endswith(".gz"):
        found = Counter(
            r["user_id"] for r in csv.DictReader(io.StringIO(gzip.decompress(content).decode()))
        )
    else:
        found = ids(content)
    assert set(found.values()) == {1}
    assert not {f"u{number}" for number in range(1, 320, 2)} - found.keys()
    assert not part.exists()


def test_a_stopped_export_without_a_journal_leaves_no_file(emulator: Emulator, file: Path) -> None:
    emulator.rate_limit = RateLimit(100, burst=20)
    with started(*EXPORT, str(file)) as process:
        wait_until(lambda: emulator.counts.requests > 40)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(20)
        assert process.wait() == 130
    assert "interrupted; nothing was kept: use --journal FILE" in err
    assert list(file.parent.iterdir()) == []


def test_a_journal_belongs_to_one_export_and_a_finished_one_starts_over(
    emulator: Emulator, file: Path
) -> None:
    command = (*EXPORT, file, "--journal", file.with_name("journal"))
    emulator.faults.add(Fault(status=418, operation="users.get", user_id="u77"))
    assert run(*command).returncode == 1
    for options in (("--groups",), ("--no-details",), ("--filter", "u1"), ("--format", "csv")):
        done = run(*command, *options)
        assert done.returncode == 2
        assert "with other options" in done.stderr
    file.with_name("users.jsonl.part").unlink()
    done = run(*command)
    assert done.returncode == 2
    assert "is missing or truncated" in done.stderr
    file.with_name("journal").unlink()
    emulator.faults.clear()
    for _ in range(2):
        emulator.requests.clear()
        done = run(*command)
        assert done.stdout == "320 users exported\n"
        assert len(emulator.requests) > USERS


@pytest.mark.parametrize("details", [True, False])
@pytest.mark.parametrize("seed", range(5))
async def test_only_users_that_were_not_kept_are_exported_again(
    tmp_path: Path, seed: int, details: bool
) -> None:
    chance = random.Random(seed)
    count = 600 if details else 6_000
    found: Counter[str] = Counter()
    removed: set[str] = set()
    whole = False
    async with AsyncEmulator(tenant(count, per_second=chance.choice([1, 3, 200]))) as emulator:
        async with AsyncClient(emulator.url, emulator.api_key) as client:
            while not whole:
                kept = journal(tmp_path / "journal")
                reading = Reading(client._caller, details=details, groups=False, filter=None)
                engine = Engine(reading, concurrency=8, rate=None, begin=kept.start())
                (tmp_path / "part").touch()
                whole = await some(engine, kept, chance, found, chance.randrange(count))
                kept.close()
                for number in chance.sample(range(count), chance.choice([0, 5, count // 20])):
                    if emulator._service.tenant.accounts.pop(f"u{number}", None):
                        removed.add(f"u{number}")
    assert set(found.values()) == {1}
    assert not names(count).keys() - removed - found.keys()


async def some(
    engine: Engine, kept: ExportJournal, chance: random.Random, found: Counter[str], most: int
) -> bool:
    """Export some users, keep most of them, and return whether these are all of them."""
    made: list[Done] = []
    async with aclosing(engine.results()) as results:
        async for more in results:
            made += more
            most -= len(more)
            if chance.random() < 0.1:
                kept.record(made, kept.state._replace(size=1))
                found.update(done.row.user_id for done in made if done.exported)
                made = []
            if most < 0:
                return False
    kept.record(made, kept.state._replace(size=1))
    found.update(done.row.user_id for done in made if done.exported)
    return True


@pytest.mark.slow
@pytest.mark.parametrize(
    ("few", "many", "most"), [(14_000, 28_000, 3), pytest.param(20_000, 60_000, 5, marks=FULL)]
)
def test_memory_does_not_grow_with_the_number_of_users(few: int, many: int, most: float) -> None:
    megabytes = []
    for users in (few, many):
        with server.running("benchmarks.export_server", str(users)) as origin:
            megabytes.append(exporting.measured_apart(exporting.LIST, origin, users).megabytes)
    assert max(megabytes) < 60
    assert megabytes[1] - megabytes[0] < most


@pytest.mark.slow
@pytest.mark.parametrize("kills", [3, pytest.param(6, marks=FULL)])
def test_an_export_killed_repeatedly_exports_every_user_once(kills: int, tmp_path: Path) -> None:
    chance = random.Random(10)
    file, count = tmp_path / "users.jsonl.gz", 4_000
    command = (*EXPORT, str(file), "--journal", str(tmp_path / "journal"))
    removed: set[str] = set()
    faults = [Fault(status=503, probability=0.01, seed=1)]
    with Emulator(tenant(count), api_key=KEY, faults=faults, journal=1) as emulator:
        settings = {DOMAIN: emulator.url, API_KEY: KEY}
        with MonoCloudClient(emulator.url, KEY) as client:
            for _ in range(kills):
                before = emulator.counts.requests
                with started(*command, "--rate", "400", **settings) as process:
                    more = chance.randrange(300, 700)
                    wait_until(
                        lambda: (
                            emulator.counts.requests > before + more  # noqa: B023
                            or process.poll() is not None
                        )
                    )
                    process.kill()
                    process.wait()
                for number in chance.sample(range(count), 40):
                    if f"u{number}" not in removed:
                        removed.add(f"u{number}")
                        client.users.delete(f"u{number}")
        done = run(*command, env=settings)
    assert done.returncode == 0, done.stderr
    assert "in earlier runs" in done.stdout
    found = ids(gzip.decompress(file.read_bytes()))
    assert set(found.values()) == {1}
    assert not (names(count).keys() - removed) - found.keys()


# The parts


def row(number: int) -> Row:
    key = Key(number + 1_000, float(number))
    return Row(f"u{number}", key, number, number)


def journal(path: Path) -> ExportJournal:
    subject = Subject("https://a.example", "users.jsonl", "jsonl")
    return ExportJournal(path, subject, path.with_name("part"))


def test_a_journal_knows_the_first_missing_user(tmp_path: Path) -> None:
    path = tmp_path / "journal"
    kept = journal(path)
    kept.start()
    (tmp_path / "part").touch()
    kept.record([Done(row(number)) for number in (0, 1, 2, 4, 5)], State(size=9, exported=5))
    kept.close()
    kept = journal(path)
    begin = kept.start()
    assert (kept.state.size, kept.state.exported) == (9, 5)
    assert (begin.number, begin.position) == (3, 3)
    assert begin.seen.joins(row(2).key)
    assert not begin.seen.has(row(4).key)
    assert row(4).key.digest in begin.done
    assert row(3).key.digest not in begin.done
    kept.close()


def test_a_journal_keeps_no_more_than_it_needs(tmp_path: Path) -> None:
    kept = journal(tmp_path / "journal")
    kept.start()
    (tmp_path / "part").touch()
    count = 3 * MOST
    for first in range(0, count, 5_000):
        state = State(size=1, exported=first, base=kept.state.base)
        kept.record([Done(row(number)) for number in range(first, first + 5_000)], state)
    [(rows,)] = kept._db.execute("SELECT count(*) FROM done")
    assert MOST <= rows < 2 * MOST
    kept.close()
    kept = journal(tmp_path / "journal")
    begin = kept.start()
    assert (begin.number, begin.position) == (count, count)
    assert begin.seen.has(row(0).key)
    kept.close()


def test_failed_users_are_kept_until_they_are_read(tmp_path: Path) -> None:
    kept = journal(tmp_path / "journal")
    error = APIError(418, {}, Headers(), operation="users.get")
    kept.record([Done(row(number), error=error) for number in range(3)], State())
    again = kept.start().first
    assert [one.user_id for one in again] == ["u0", "u1", "u2"]
    gone = NotFoundError(404, {}, Headers(), operation="users.get")
    kept.record([Done(again[0], error=gone), Done(again[1], error=error)], kept.state)
    assert [one.user_id for one in kept.start().first] == ["u1", "u2"]
    assert kept.start().number == 3
    kept.close()


def test_a_lone_surrogate_is_written_escaped() -> None:
    json = {"user_id": "u", "claims": {"name": "é\ud800"}}
    line = ExportedLine(user=RawUser(json), read_at=datetime.fromtimestamp(7, timezone.utc))
    assert lines(JsonLines().body([line])) == [{**json, "read_at": 7}]
    columns = columns_of("user_id,claims.name", groups=False)
    assert Csv(columns).body([line]) == "u,é\\ud800\n".encode()


@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.parametrize(
    "body",
    [
        b' {"user_id":"u","name":"\xc3\xa9\\n\\u0041"}',
        b'{\r\n  "user_id": "u",\r\n  "name": "\xc3\xa9\\nA"\r\n}\r\n',
        b'{"user_id":"u","groups":1,"read_at":null,"name":"\xc3\xa9\\nA"}',
    ],
)
def test_a_line_holds_what_the_api_sent(body: bytes, plain: bool) -> None:
    groups = (UserGroup(group_id="g"),)
    read_at = datetime.fromtimestamp(7, timezone.utc)
    line = ExportedLine(user=raw_user(body, {}), groups=groups, read_at=read_at)
    written = JsonLines(plain=plain).body([line])
    assert written.count(b"\n") == 1
    assert not plain or written.isascii()
    [found] = lines(written)
    assert found == {"user_id": "u", "name": "é\nA", "groups": ["g"], "read_at": 7}


@pytest.mark.parametrize("body", [b"[]", b"{}", b'{"user_id": 7}', b'{"user_id":"u"', b"NaN"])
def test_a_record_that_is_not_a_user_is_not_written(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"JSON|a user in the list"):
        raw_user(body, {})


def test_a_value_that_parquet_cannot_hold_leaves_the_json_lines(
    emulator: Emulator, tmp_path: Path
) -> None:
    pytest.importorskip("pyarrow")
    emulator._service.tenant.accounts["u7"].record["disabled"] = "perhaps"
    done = run(*EXPORT, tmp_path / "users.parquet")
    assert done.returncode == 1
    assert "user u7: disabled has an unexpected type" in done.stderr
    [left] = tmp_path.iterdir()
    assert left.name == "users.parquet.part"
    assert ids(left.read_text()) == names()


def test_a_column_reads_a_member_of_the_record() -> None:
    line = {"emails": [{"email": "a"}, {"email": "b", "primary": True}], "claims": {"a": {"b": 1}}}
    columns = columns_of("email,claims.a,claims.a.b,claims.c.d,groups", groups=True)
    assert [column.of(line) for column in columns] == ["b", {"b": 1}, 1, None, None]
    with pytest.raises(ConfigurationError, match="unknown column"):
        columns_of("claims..a", groups=False)
