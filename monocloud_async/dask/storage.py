"""Storage: the objects of a journal in a directory, on a local disk or in an object store."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Generator, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import fsspec  # type: ignore[import-untyped]
from fsspec.implementations.local import LocalFileSystem  # type: ignore[import-untyped]

from .._journal_file import JournalError
from .._messages import one_line
from ..errors import ConfigurationError

# What makes a path a pattern.
MAGIC = "*?["
_AT_ONCE = 64
_LONGEST = 300


class Storage:
    """The objects below a URL. All methods block, so call them from threads.

    On local file systems, directories have mode 0700 and files have mode 0600.

    Args:
        url: the directory, such as ``/data/journal`` or ``s3://bucket/journal``.
        options: the options of its file system.

    Raises:
        ConfigurationError: the URL or an option cannot be used.
    """

    def __init__(self, url: str, options: Mapping[str, Any] | None = None) -> None:
        if has_password(url):
            raise ConfigurationError(
                "the journal's URL must not contain a password; nothing was sent: pass it in "
                "storage_options"
            )
        self.url = url
        self._fs, root = opened(url, options or {})
        self._root = root.rstrip("/")
        self._local = isinstance(self._fs, LocalFileSystem)

    def write(self, name: str, data: bytes) -> None:
        """Write an object, which appears when it is complete and replaces an earlier one.

        Args:
            name: its path in the directory.
            data: its content.

        Raises:
            JournalError: it cannot be written.
        """
        with self._reporting_errors("write", name):
            if self._local:
                self._replace(name, (data,))
            else:
                self._fs.pipe_file(self._path(name), data)

    def write_parts(self, name: str, parts: Iterable[bytes]) -> None:
        """Write an object as ``write`` does, without having all of it in memory.

        Args:
            name: its path in the directory.
            parts: its content.

        Raises:
            JournalError: it cannot be written.
        """
        if self._local:
            with self._reporting_errors("write", name):
                self._replace(name, parts)
            return
        with tempfile.TemporaryDirectory() as directory, self._reporting_errors("write", name):
            copy = Path(directory, "object")
            with copy.open("wb") as file:
                file.writelines(parts)
            self._fs.put_file(str(copy), self._path(name))

    def read(self, name: str) -> bytes:
        """Return an object's content.

        Raises:
            JournalError: it cannot be read.
        """
        with self._reporting_errors("read", name):
            return cast("bytes", self._fs.cat_file(self._path(name)))

    def read_range(self, name: str, start: int, end: int) -> bytes:
        """Return the bytes of an object from ``start`` up to ``end``.

        Raises:
            JournalError: they cannot be read.
        """
        with self._reporting_errors("read", name):
            found = cast("bytes", self._fs.cat_file(self._path(name), start=start, end=end))
            if len(found) != end - start:
                raise ValueError("the file is shorter than expected")
            return found

    def read_all(self, names: Sequence[str]) -> Generator[bytes, None, None]:
        """Yield the contents of objects in order, with concurrent requests if possible.

        Raises:
            JournalError: one of them cannot be read.
        """
        for first in range(0, len(names), _AT_ONCE):
            some = names[first : first + _AT_ONCE]
            with ThreadPoolExecutor(_AT_ONCE // 4) as threads:
                contents = list(threads.map(self.read, some))
            yield from contents

    def names(self, directory: str) -> list[str]:
        """Return the sorted names in a directory, without it; none if it does not exist.

        Raises:
            JournalError: the directory cannot be read.
        """
        with self._reporting_errors("list", directory):
            path = self._path(directory)
            # Other workers write, too.
            self._fs.invalidate_cache(path)
            try:
                found: list[str] = self._fs.ls(path, detail=False)
            except FileNotFoundError:
                return []
            # Each bucket has directories of its own, so listings would fill the memory.
            self._fs.invalidate_cache(path)
            last = (each.rstrip("/").rpartition("/")[2] for each in found)
            return sorted(name for name in last if not name.startswith("."))

    def exists(self, name: str) -> bool:
        """Return whether an object exists.

        Raises:
            JournalError: the storage does not say.
        """
        with self._reporting_errors("read", name):
            path = self._path(name)
            self._fs.invalidate_cache(path.rpartition("/")[0])
            return bool(self._fs.exists(path))

    def remove(self, name: str) -> None:
        """Remove an object, if it exists.

        Raises:
            JournalError: it cannot be removed.
        """
        with self._reporting_errors("remove", name), suppress(FileNotFoundError):
            self._fs.rm_file(self._path(name))

    def remove_tree(self, directory: str) -> None:
        """Remove a directory and all objects in it, if it exists.

        Raises:
            JournalError: an object cannot be removed.
        """
        with self._reporting_errors("remove", directory), suppress(FileNotFoundError):
            path = self._path(directory)
            self._fs.invalidate_cache(path)
            if self._local or not any(character in path for character in MAGIC):
                self._fs.rm(path, recursive=True)
                return
            # It would be taken for a pattern.
            for each in self._fs.find(path):
                self._fs.rm_file(each)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}" if name else self._root

    def _replace(self, name: str, parts: Iterable[bytes]) -> None:
        path = Path(self._path(name))
        _make_directories(path.parent)
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            number = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(number, "wb") as file:
                file.writelines(parts)
                file.flush()
                # Survive a power cut: a row that is not noted would be resent.
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    @contextmanager
    def _reporting_errors(self, what: str, name: str) -> Generator[None, None, None]:
        try:
            yield
        except (JournalError, ConfigurationError):
            raise
        # Each kind of storage has its own exceptions.
        except Exception as error:
            place = f"{self.url.rstrip('/')}/{name}"
            raise JournalError(
                f"the journal cannot be kept: cannot {what} {place}: {reason(error)}: check that "
                "all workers may read and write there, then run the same job again to resume"
            ) from None


def opened(url: str, options: Mapping[str, Any]) -> tuple[Any, str]:
    """Return the file system of a URL, and the path there.

    Raises:
        ConfigurationError: there is no such file system, or an option is invalid.
    """
    try:
        return cast("Any", fsspec.core).url_to_fs(url, **options)  # type: ignore[no-any-return]
    # A missing package, an unknown protocol, and what each kind of storage raises.
    except Exception as error:
        raise ConfigurationError(
            f"cannot open {shown(url)}: {reason(error)}; nothing was sent: check the URL, the "
            "storage_options and the packages that are installed"
        ) from None


def reason(error: Exception) -> str:
    """Return why storage failed, as one line."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return one_line(text, _LONGEST) or type(error).__name__


def shown(url: str) -> str:
    """Return a URL for a message."""
    return f"{url.partition('://')[0]}://…" if has_password(url) else url


def has_password(url: str) -> bool:
    """Return whether a URL contains a password."""
    try:
        # A chain of file systems has one URL each.
        return any(urlsplit(each).password is not None for each in url.split("::"))
    except ValueError:
        return "@" in url


def _make_directories(path: Path) -> None:
    # Path.mkdir applies the mode to the last directory only.
    if not path.is_dir():
        _make_directories(path.parent)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
