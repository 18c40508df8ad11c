"""Staging: every row is checked as `monocloud run` does it, then written to its bucket."""

from __future__ import annotations

import gzip
import json
import pickle
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, ClassVar

import fsspec
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed.core import error_message
from fsspec import AbstractFileSystem
from fsspec.implementations.memory import MemoryFileSystem

from monocloud_async._journal_file import JournalError
from monocloud_async._secret import Secret
from monocloud_async.dask import staging
from monocloud_async.dask.bucket_rows import BucketRow, BucketRows
from monocloud_async.dask.duplicates import duplicates
from monocloud_async.dask.inputs import stage_part
from monocloud_async.dask.job import Job, checked_key_source, read_key
from monocloud_async.dask.job_file import began_at, kept, key_of
from monocloud_async.dask.operation import JobOperation
from monocloud_async.dask.pieces import Piece, pieces
from monocloud_async.dask.plan import planned
from monocloud_async.dask.staging import StagedPiece, stage, stage_rows
from monocloud_async.dask.storage import Storage
from monocloud_async.dask.task import task
from monocloud_async.dask.workplace import send_on_worker, why_no_keys
from monocloud_async.errors import ConfigurationError, MonoCloudError

from .dask_buckets import by_slot

KEY = "mc_live_0123456789abcdef"
ACME, OTHER = "acme.us.monocloud.com", "other.us.monocloud.com"


@pytest.fixture(params=["file", "memory"])
def journal(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    yield str(tmp_path / "journal") if request.param == "file" else "memory://journal"
    fsspec.filesystem("memory").store.clear()


def job(journal: str, operation: str = "users.disable", **more: Any) -> Job:
    more = {"tenants": {ACME: "env:KEY"}, "slots": 4, **more}
    return Job(operation=operation, journal=journal, **more)


def rows_of(job: Job, *staged: StagedPiece) -> dict[tuple[int, int], list[BucketRow]]:
    storage, operation = Storage(job.journal), JobOperation(job)
    places = by_slot(staged)
    return {
        bucket: list(BucketRows(storage, operation, some).rows()) for bucket, some in places.items()
    }


def staged(job: Job, text: str | bytes, path: Path) -> StagedPiece:
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return stage(job, 0, Piece(str(path)))


def all_given(job: Job, *staged: StagedPiece) -> list[Mapping[str, Any]]:
    rows = [row for some in rows_of(job, *staged).values() for row in some]
    return [row.given for row in sorted(rows, key=lambda row: (row.piece, row.line))]


# Keys.


@pytest.mark.parametrize("source", [KEY, "", "env:", "env:a key", "file:", "vault:x", None])
def test_a_key_is_refused_without_showing_it(source: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        Job(operation="users.disable", tenants={ACME: source}, journal="x")
    assert "must be given as env:NAME or file:PATH" in str(error.value)
    assert KEY not in str(error.value)


def test_a_key_is_read_where_it_is_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACME_KEY", KEY)
    (tmp_path / "key").write_text(f"{KEY}\n")
    for source in ("env:ACME_KEY", f"file:{tmp_path}/key"):
        assert checked_key_source(source) == source
        key = read_key(source)
        assert (key, type(key), repr(key)) == (KEY, Secret, "'***'")


@pytest.mark.parametrize(
    ("source", "told"),
    [
        ("env:MISSING_KEY", "MISSING_KEY is not set on a worker"),
        ("env:BAD_KEY", "BAD_KEY must be a string of printable ASCII"),
        ("file:/no/such/file", "cannot read the API key from /no/such/file on a worker: No such"),
        ("file:/", "cannot read the API key from / on a worker: Is a directory"),
    ],
)
def test_a_key_that_cannot_be_read_names_its_source(
    source: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_KEY", "hunter 22")
    with pytest.raises(ConfigurationError, match=told) as error:
        read_key(source)
    assert "hunter" not in str(error.value)


def test_a_job_can_be_pickled_and_numbers_its_tenants_by_domain() -> None:
    one = job("x", tenants={OTHER: "env:B", ACME: "file:/a"}, storage_options={"key": "hunter22"})
    again = pickle.loads(pickle.dumps(one))
    assert again == one
    assert again.domains == (ACME, OTHER)
    assert "hunter22" not in repr(one)


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({"tenants": {}}, "a job needs a tenant's domain"),
        ({"tenants": {ACME: "env:A", f"https://{ACME}": "env:B"}}, "are the same tenant"),
        ({"tenants": {"not a domain": "env:A"}}, "not a tenant's domain"),
        ({"slots": 0}, "slots must be a whole number from 1 to 100,000, not 0"),
        ({"concurrency": 0}, "concurrency must be a whole number, 1 or more, not 0"),
        ({"rate": -1.0}, "rate must be a number"),
        ({"show_secrets": True}, "show_secrets needs answers=True"),
    ],
)
def test_a_job_with_a_mistake_is_refused(more: dict[str, Any], told: str) -> None:
    with pytest.raises(MonoCloudError, match=told):
        job("x", **more)


# Pieces.


def test_patterns_are_sorted_and_name_each_file_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deeper.csv").mkdir()
    for name in ("b.csv", "a.csv", "c[1].csv", "d.parquet"):
        (tmp_path / name).write_text("")
    monkeypatch.chdir(tmp_path)
    names = [f"{tmp_path}/{name}" for name in ("a.csv", "b.csv", "c[1].csv", "d.parquet")]
    assert [piece.name for piece in pieces("*.csv")] == names[:3]
    assert [piece.name for piece in pieces(["*.parquet", f"{tmp_path}/*"])] == [
        *(names[3], *names[:3])
    ]
    assert [piece.name for piece in pieces("c[1].csv")] == [names[2]]
    with fsspec.open_files(["memory://rows/1.csv", "memory://rows/2.csv"], "w") as files:
        for file in files:
            file.write("user_id\nu\n")
    found = pieces("memory://rows/*")
    assert [piece.name for piece in found] == ["memory:///rows/1.csv", "memory:///rows/2.csv"]
    assert stage(job("memory://journal"), 0, found[1]).rows == 1
    fsspec.filesystem("memory").store.clear()


class Remote(MemoryFileSystem):  # type: ignore[misc]
    """Object storage with a host, which URLs name and paths do not; it remembers listings."""

    protocol = "remote"
    listings: ClassVar[dict[str, list[Any]]] = {}
    # They look at listings.
    find, walk = AbstractFileSystem.find, AbstractFileSystem.walk

    def __init__(self, host: str, **more: Any) -> None:
        super().__init__(**more)
        assert host == "store:8020"

    @classmethod
    def _strip_protocol(cls, path: str) -> str:
        return path.removeprefix("remote://").removeprefix("store:8020").rstrip("/")

    @staticmethod
    def _get_kwargs_from_urls(url: str) -> dict[str, str]:
        found = re.match("remote://([^/]+)/", url)
        return {"host": found[1]} if found else {}

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        found = self.listings.setdefault(path, super().ls(path, detail=True))
        return found if detail else [each["name"] for each in found]

    def invalidate_cache(self, path: str | None = None) -> None:
        for each in [path] if path else list(self.listings):
            self.listings.pop(each, None)


@pytest.fixture
def remote() -> Iterator[Remote]:
    fsspec.register_implementation("remote", Remote, clobber=True)
    yield Remote("store:8020")
    Remote.store.clear()
    Remote.listings.clear()


def test_files_of_a_host_are_read_from_that_host(remote: Remote, tmp_path: Path) -> None:
    remote.pipe_file("/rows/a.csv", b"user_id\nu\n")
    (found,) = pieces("remote://store:8020/rows/*.csv")
    assert found.name.endswith("/rows/a.csv")
    assert stage(job(str(tmp_path / "journal")), 0, found).rows == 1


def test_files_that_came_later_are_found(remote: Remote) -> None:
    for name in ("a", "b"):
        remote.pipe_file(f"/rows/{name}.csv", b"")
        assert pieces("remote://store:8020/rows/*.csv")[-1].name.endswith(f"/rows/{name}.csv")


def test_listings_of_a_journal_are_not_kept_in_memory(remote: Remote) -> None:
    storage = Storage("remote://store:8020/journal")
    for name in ("a", "b"):
        storage.write(f"parts/{name}", b"")
        assert storage.names("parts")[-1] == name
    assert Remote.listings == {}


def test_the_url_of_an_input_has_no_password() -> None:
    with pytest.raises(ConfigurationError, match="must not contain a password") as error:
        pieces("ftp://me:hunter22@host/rows/*.csv")
    assert "nothing was sent" in str(error.value)
    assert "hunter22" not in str(error.value)


@pytest.mark.parametrize("pattern", ["*.parquet", "missing.csv", "deeper", "memory://none/*"])
def test_a_pattern_without_files_is_refused(
    pattern: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "deeper").mkdir()
    (tmp_path / "a.csv").write_text("")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="no files match") as error:
        pieces(["a.csv", pattern])
    assert str(error.value).startswith(f"no files match {pattern}; nothing was sent")


# Rows.


def test_rows_are_grouped_by_user_in_the_order_of_the_input(journal: str, tmp_path: Path) -> None:
    one = job(journal, "groups.assign", slots=3)
    first = "user_id,group_id\n" + "".join(f"u-{n % 7},g-{n}\n" for n in range(40))
    second = "user_id;group_id\n\n" + "".join(f"u-{n % 7};g-{n}\n" for n in range(40, 80))
    found = [staged(one, first, tmp_path / "1.csv"), stage(one, 1, _piece(tmp_path, second))]
    assert [piece.rows for piece in found] == [40, 40]
    rows = rows_of(one, *found)
    assert set(rows) <= {(0, 0), (0, 1), (0, 2)}
    assert sum(map(len, rows.values())) == 80
    where = {row.key: bucket for bucket, some in rows.items() for row in some}
    for bucket, some in rows.items():
        assert [row.number for row in some] == list(range(1, len(some) + 1))
        assert {where[row.key] for row in some} == {bucket}
        numbers = [int(row.given["group_id"][2:]) for row in some]
        assert numbers == sorted(numbers)
    assert {(row.piece, row.line - int(row.given["group_id"][2:])) for row in rows[0, 0]} == {
        (str(tmp_path / "1.csv"), 2),
        (str(tmp_path / "2.csv"), 3 - 40),
    }


def _piece(tmp_path: Path, text: str) -> Piece:
    (tmp_path / "2.csv").write_text(text)
    return Piece(str(tmp_path / "2.csv"))


def test_rows_without_a_user_are_spread_over_all_slots(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "users.create")
    found = staged(one, "email\n" + "a@b.example\n" * 100, tmp_path / "rows.csv")
    assert set(by_slot([found])) == {(0, n) for n in range(4)}


def test_segments_hold_no_more_than_fits_into_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MOST_BYTES", 500)
    monkeypatch.setattr("monocloud_async.dask.bucket_rows._BLOCK", 64)
    one = job(str(tmp_path / "journal"))
    found = staged(one, "user_id\n" + "".join(f"u-{n}\n" for n in range(100)), tmp_path / "a.csv")
    assert [segment.path for segment in found.segments[:2]] == [
        *("rows/00000.000.rows", "rows/00000.001.rows")
    ]
    assert len(found.segments) > 4
    assert [given["user_id"] for given in all_given(one, found)] == [f"u-{n}" for n in range(100)]
    for some in rows_of(one, found).values():
        assert [row.line for row in some] == sorted(row.line for row in some)


def test_the_order_of_rows_depends_on_what_the_digest_covers_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "MOST_BYTES", 400)
    one = job(str(tmp_path / "journal"), "users.create", slots=1024)

    def order(password: str, blank_lines: int) -> tuple[str, list[str]]:
        lines = [f"u-{n}@b.example,{password}" for n in range(60)]
        text = "email,password\n" + "\n" * blank_lines + "\n".join(lines)
        found = staged(one, text, tmp_path / "a.csv")
        # A bucket takes all slots of each segment in turn.
        (bucket,) = planned([found], {0: 1})
        rows = BucketRows(Storage(one.journal), JobOperation(one), bucket.staged).rows()
        return found.digest, [row.given["email"] for row in rows]

    first = order("short-1", 0)
    assert order("much longer than before", 0) == first
    assert order("short-1", 1000) == first


def test_options_apply_to_rows_as_in_the_command(tmp_path: Path) -> None:
    one = job(
        str(tmp_path / "journal"),
        "users.patch_claims",
        fixed=("locale=en-GB",),
        null="NULL",
        ignored=("nam",),
    )
    found = staged(one, "user_id,name,nickname,nam,team\nu,NULL,,x,red\n", tmp_path / "a.csv")
    assert all_given(one, found) == [{"user_id": "u", "name": None, "locale": "en-GB"}]
    assert found.passed_over == ("team",)


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.jsonl.gz"])
def test_a_file_is_read_by_its_content(name: str, tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "emails.add")
    lines = "".join(
        json.dumps({"user_id": f"u-{n}", "email": "a@b.example", "is_verified": True}) + "\n"
        for n in range(3)
    )
    text = gzip.compress(lines.encode()) if name.endswith(".gz") else lines
    found = staged(one, text, tmp_path / name)
    assert all_given(one, found)[2] == {
        "user_id": "u-2",
        "email": "a@b.example",
        "is_verified": True,
    }


def test_damaged_gzip_says_so(tmp_path: Path) -> None:
    text = gzip.compress(b"user_id\nu\n" * 99)[:-20]
    with pytest.raises(ConfigurationError, match=r"the gzip data is damaged or truncated"):
        staged(job(str(tmp_path / "journal")), text, tmp_path / "a.csv.gz")


# Parquet and DataFrames.


def test_parquet_has_strings_booleans_whole_numbers_and_objects(
    journal: str, tmp_path: Path
) -> None:
    one = job(journal, "emails.add", null="NULL")
    table = pa.table(
        {
            "user_id": ["u-1", "u-2", "u-3"],
            "Email": pa.array(["a@b.example"] * 3).dictionary_encode(),
            "is_verified": [True, None, False],
            "score": [1.5, None, 2.5],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    found = stage(one, 0, Piece(str(tmp_path / "a.parquet")))
    assert (found.rows, found.mistakes, found.passed_over) == (3, (), ("score",))
    common = {"email": "a@b.example"}
    assert all_given(one, found) == [
        {"user_id": "u-1", **common, "is_verified": True},
        {"user_id": "u-2", **common},
        {"user_id": "u-3", **common, "is_verified": False},
    ]


def test_missing_members_of_an_object_clear_nothing(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "data.patch_private")
    table = pa.table({"user_id": ["a", "b"], "private_data": [{"x": 1}, {"y": [None, "z"]}]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = stage(one, 0, Piece(str(tmp_path / "a.parquet")))
    assert [given["private_data"] for given in all_given(one, found)] == [
        {"x": 1},
        {"y": [None, "z"]},
    ]


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"user": ["u"]}, "the table must have the column user_id, but it has user"),
        ({"user_id": [1, 2]}, "user_id must be a string"),
        ({"user_id": ["u", None]}, "missing member user_id"),
        ({"user_id": ["u", ""]}, "user_id must be a non-empty string"),
    ],
)
def test_mistakes_of_a_table_have_the_number_of_the_row(
    table: dict[str, Any], told: str, tmp_path: Path
) -> None:
    one = job(str(tmp_path / "journal"))
    pq.write_table(pa.table(table), tmp_path / "a.parquet")
    from_file = stage(one, 0, Piece(str(tmp_path / "a.parquet")))
    frame = pd.DataFrame(table)
    from_frame = stage_rows(one, 1, "partition 1", frame.to_dict("records"), list(frame.columns))
    for found in (from_file, from_frame):
        assert told in found.mistakes[-1].message
        assert found.mistakes[-1].line == len(next(iter(table.values())))
        assert found.segments == ()
    assert not (tmp_path / "journal").exists()


def test_a_damaged_parquet_file_says_so(tmp_path: Path) -> None:
    found = staged(job(str(tmp_path / "journal")), b"PAR1 and no more", tmp_path / "a.parquet")
    assert "the Parquet file is damaged" in found.mistakes[0].message


def test_missing_values_of_a_frame_are_absent(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "users.create")
    frame = pd.DataFrame(
        {
            "email": np.array(["a@b.example"] * 5, dtype=object),
            "name": ["x", None, np.nan, pd.NA, pd.NaT],
            "email_verified": np.array([True, False, True, True, False]),
        }
    )
    found = stage_rows(one, 0, "partition 0", frame.to_dict("records"), list(frame.columns))
    assert found.mistakes == ()
    given = all_given(one, found)
    assert [row.get("name") for row in given] == ["x", None, None, None, None]
    assert ["name" in row for row in given] == [True, False, False, False, False]
    assert [row["email_verified"] for row in given] == [True, False, True, True, False]


def test_only_the_given_text_clears_a_field(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "users.patch_claims", null="NULL")
    rows = [{"user_id": "u", "name": None, "nickname": "NULL"}]
    found = stage_rows(one, 0, "partition 0", rows)
    assert all_given(one, found) == [{"user_id": "u", "nickname": None}]


def test_a_row_that_is_not_a_mapping_is_a_mistake(tmp_path: Path) -> None:
    found = stage_rows(job(str(tmp_path / "journal")), 0, "partition 0", [("u",)])
    assert [tuple(mistake) for mistake in found.mistakes] == [
        (1, "the row must be a mapping, not of type tuple")
    ]


def test_numpy_values_become_python_values(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "data.patch_private")
    data = {
        "a": np.int64(1),
        "b": np.array([1, 2]),
        "c": np.float64(2.0),
        "d": np.datetime64("NaT", "s"),
    }
    rows = [{"user_id": np.str_("u"), "private_data": data}]
    found = stage_rows(one, 0, "partition 0", rows)
    assert found.mistakes == ()
    assert all_given(one, found) == [
        {"user_id": "u", "private_data": {"a": 1, "b": [1, 2], "c": 2}}
    ]


# Tenants.


def test_a_column_names_the_tenant_of_each_row(journal: str, tmp_path: Path) -> None:
    one = job(journal, tenants={OTHER: "env:B", f"https://{ACME}/": "env:A"}, slots=1)
    text = f"Domain,user_id\n{ACME},u-1\n{OTHER.upper()},u-2\nhttps://{ACME},u-3\n"
    members = [{"user_id": "u-4", "domain": OTHER}, {"domain": ACME, "user_id": "u-5"}]
    found = [staged(one, text, tmp_path / "a.csv"), stage_rows(one, 1, "partition 1", members)]
    assert [piece.mistakes for piece in found] == [(), ()]
    rows = rows_of(one, *found)
    numbers = {name.strip("/").rpartition("/")[2]: n for n, name in enumerate(one.domains)}
    users = {bucket: [row.given["user_id"] for row in some] for bucket, some in rows.items()}
    assert users == {
        (numbers[ACME], 0): ["u-1", "u-3", "u-5"],
        (numbers[OTHER], 0): ["u-2", "u-4"],
    }


def test_a_domain_that_is_unknown_or_missing_is_a_mistake(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), tenants={ACME: "env:A", OTHER: "env:B"})
    text = f"user_id,domain\nu-1,{ACME}\nu-2,third.us.monocloud.com\nu-3,\n"
    found = staged(one, text, tmp_path / "a.csv")
    assert [tuple(mistake) for mistake in found.mistakes] == [
        (3, "the domain is not one of the job's tenants"),
        (4, "the domain is not one of the job's tenants"),
    ]
    found = staged(one, "user_id\nu-1\n", tmp_path / "a.csv")
    assert found.mistakes[0].message == (
        "the header must have the columns domain and user_id, but it has user_id"
    )
    found = stage_rows(one, 0, "partition 0", [{"user_id": "u"}])
    assert found.mistakes[0].message == "missing member domain"


# The journal's job.


def test_a_run_that_was_overtaken_while_it_checked_its_rows_is_refused(
    journal: str, tmp_path: Path
) -> None:
    storage = Storage(journal)
    # Neither of two runs has found a journal when it began.
    first, second = (job(journal, key=key, began_at=at) for key, at in (("01", 1.0), ("02", 2.0)))
    found = staged(first, "user_id\nu\n", tmp_path / "a.csv")
    kept(storage, first, [found])
    # Digests with its key, and times since its beginning, would mean something else.
    with pytest.raises(ConfigurationError, match=r"another run began this job.*nothing was sent"):
        kept(storage, second, [found])
    assert (key_of(storage), began_at(storage, 3.0)) == ("01", 1.0)
    assert kept(storage, first, [found]).key == "01"


# Mistakes, digests and secrets.


def test_mistakes_name_their_lines_and_nothing_is_staged(journal: str, tmp_path: Path) -> None:
    one = job(journal)
    text = "user_id\n" + "u\n" * 3 + "..\n" + "u\n" + "a\u200bb\n"
    found = staged(one, text, tmp_path / "a.csv")
    assert [mistake.line for mistake in found.mistakes] == [5, 7]
    assert "must be an id" in found.mistakes[0].message
    assert (found.rows, found.segments, found.digest, found.more) == (6, (), "", False)
    assert Storage(journal).names("rows") == []
    found = staged(one, "user_id\n" + "..\n" * 30, tmp_path / "a.csv")
    assert (len(found.mistakes), found.more) == (20, True)


def test_the_digest_covers_the_rows_without_secrets(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "users.create")

    def digest(text: str) -> str:
        return staged(one, text, tmp_path / "a.csv").digest

    text = "email,password,name\na@b.example,hunter22,A\nc@d.example,hunter23,C\n"
    same = digest(text)
    assert same == digest(text.replace("hunter", "changed"))
    assert same == digest("name;email;password\n\nA;a@b.example;x\nC;c@d.example;y\n")
    assert same != digest(text.replace(",C\n", ",D\n"))
    assert same != digest(text.rpartition("c@d")[0])


def test_staging_leaves_no_passwords_on_the_disk_of_a_worker(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A killed worker would not remove its temporary files.
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    one = job("memory://journal", "users.create")
    found = staged(one, "email,password\na@b.example,hunter22\n", tmp_path / "a.csv")
    assert all_given(one, found)[0]["email"] == "a@b.example"
    fsspec.filesystem("memory").store.clear()


def test_a_damaged_staged_row_is_not_in_the_error(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "users.create")
    found = staged(one, "email,password\na@b.example,hunter22\n", tmp_path / "a.csv")
    place = next(tmp_path.glob("journal/rows/*.rows"))
    place.write_bytes(place.read_bytes().replace(b"}", b" "))
    with pytest.raises(JournalError, match="the staged rows are damaged") as error:
        task(rows_of)(one, found)
    assert b"hunter22" not in as_dask_sends_it(error.value)


def as_dask_sends_it(error: Exception) -> bytes:
    message: Any = error_message(error)
    return bytes(message["exception"].data)


@task
def reads_key(source: str) -> None:
    read_key(source)


def test_the_errors_of_tasks_do_not_have_what_they_hide(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(KEY.encode() + b"\xff")
    source = f"file:{tmp_path}/key"
    with pytest.raises(ConfigurationError, match="it is not a text file") as hidden:
        read_key(source)
    # The error that it hides has the content of the file.
    assert KEY.encode() in as_dask_sends_it(hidden.value)
    with pytest.raises(ConfigurationError, match="it is not a text file") as sent:
        pickle.loads(pickle.dumps(reads_key))(source)
    assert KEY.encode() not in as_dask_sends_it(sent.value)


@pytest.mark.parametrize("function", [send_on_worker, why_no_keys, stage, stage_part, duplicates])
def test_what_workers_call_is_a_task(function: Callable[..., object]) -> None:
    assert function.__code__.co_filename == task.__code__.co_filename


def test_secrets_are_concealed_when_staged_rows_are_read(tmp_path: Path) -> None:
    one = job(str(tmp_path / "journal"), "users.create")
    found = staged(one, "email,password\na@b.example,hunter22\n", tmp_path / "a.csv")
    given = all_given(one, found)[0]
    assert given["password"] == "hunter22"
    assert "hunter22" not in repr(given)
    assert "hunter22" not in repr(found)
