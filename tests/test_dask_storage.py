"""The storage of a job: complete objects, private files, and errors that say what to do."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path

import fsspec
import pytest

from monocloud_async._journal_file import JournalError
from monocloud_async.dask.storage import Storage
from monocloud_async.errors import ConfigurationError


@pytest.fixture(params=["path", "file", "memory"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    places = {"path": str(tmp_path / "journal"), "file": f"file://{tmp_path}/journal"}
    yield places.get(request.param, "memory://journal")
    fsspec.filesystem("memory").store.clear()


def test_objects_are_written_read_listed_and_removed(url: str) -> None:
    storage = Storage(url)
    assert storage.names("parts") == []
    assert not storage.exists("parts/b")
    storage.write("parts/b", b"first")
    storage.write("parts/b", b"0123456789")
    storage.write_parts("parts/a", (b"01", b"23"))
    storage.write("parts/deeper/c", b"")
    assert storage.exists("parts/b")
    assert storage.names("parts") == ["a", "b", "deeper"]
    assert storage.read("parts/b") == b"0123456789"
    assert storage.read_range("parts/b", 2, 5) == b"234"
    assert list(storage.read_all(["parts/b", "parts/a", "parts/deeper/c"])) == [
        *(b"0123456789", b"0123", b"")
    ]
    storage.remove("parts/a")
    storage.remove("parts/a")
    assert Storage(url).names("parts") == ["b", "deeper"]
    storage.remove_tree("parts")
    storage.remove_tree("parts")
    assert storage.names("parts") == []


@pytest.mark.parametrize("name", ["job[1]", "job?", "job*"])
def test_a_url_is_not_a_pattern(name: str, tmp_path: Path) -> None:
    for root in (str(tmp_path), "memory://"):
        storage, other = Storage(f"{root}/{name}"), Storage(f"{root}/job1")
        for one in (storage, other):
            one.write("rows-ab/a", b"x")
        assert storage.names("rows-ab") == ["a"]
        storage.remove_tree("rows-ab")
        assert not storage.exists("rows-ab/a")
        assert other.names("rows-ab") == ["a"]
    fsspec.filesystem("memory").store.clear()


def test_what_cannot_be_read_says_what_to_do(url: str) -> None:
    storage = Storage(url)
    storage.write("short", b"0123")
    with pytest.raises(JournalError) as error:
        storage.read("missing")
    assert str(error.value).startswith(f"the journal cannot be kept: cannot read {url}/missing: ")
    assert str(error.value).endswith(
        ": check that all workers may read and write there, then run the same job again to resume"
    )
    with pytest.raises(JournalError, match="shorter than expected"):
        storage.read_range("short", 2, 5)


def test_local_files_are_only_for_their_owner(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        storage = Storage(f"{tmp_path}/new/journal")
        storage.write("parts/0000-00000/a", b"x")
        storage.write_parts("rows/b", [b"x"])
    finally:
        os.umask(before)
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in tmp_path.rglob("*")}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


@pytest.mark.parametrize("url", ["{}/journal", "memory://journal"])
def test_an_object_that_is_not_complete_does_not_appear(url: str, tmp_path: Path) -> None:
    storage = Storage(url.format(tmp_path))
    storage.write("results/a", b"before")

    def broken() -> Iterator[bytes]:
        yield b"after"
        assert storage.names("results") == ["a"]
        raise JournalError("broken")

    for name in ("a", "b"):
        with pytest.raises(JournalError, match=r"^broken$"):
            storage.write_parts(f"results/{name}", broken())
    assert storage.names("results") == ["a"]
    assert storage.read("results/a") == b"before"
    assert [path.name for path in tmp_path.rglob("*")] in ([], ["journal", "results", "a"])
    fsspec.filesystem("memory").store.clear()


def test_a_directory_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(JournalError, match=r"cannot write .*/file/journal/a: Not a directory: che"):
        Storage(f"{tmp_path}/file/journal").write("a", b"")


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("unheard-of://bucket", "cannot open unheard-of://bucket: Protocol not known"),
        ("ftp://me:hunter22@host/journal", "must not contain a password"),
        ("simplecache::ftp://me:hunter22@host/journal", "must not contain a password"),
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str, told: str) -> None:
    with pytest.raises(ConfigurationError, match=told) as error:
        Storage(url)
    assert "nothing was sent" in str(error.value)
    assert "hunter22" not in str(error.value)
