"""The results file: what became of each row of the input, written as a whole in the end."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

from ...errors import ConfigurationError, MonoCloudError
from .journal import SKIPPED, Entry, Journal
from .reports import Report, Told
from .source import AnyRow, Source

_ROWS_AT_ONCE = 1000
_NOT_SENT = "not sent: the run ended before it"


class ResultsError(MonoCloudError):
    """The results file cannot be written."""


class Results:
    """A results file, which is there as a whole or not at all.

    Args:
        path: its path; a regular file is replaced in the end. Pipes and devices are written to,
            and so is a file that is open already, such as /dev/stdout.
        private: whether nobody but its owner may read a file that is made.

    Raises:
        ConfigurationError: it could not be written.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        self._given = path
        self._private = private
        try:
            self._descriptor = _descriptor(path)
            self._replaces = self._descriptor is None and (path.is_file() or not path.exists())
            # A link stays one: what it leads to is replaced.
            self._path = Path(os.path.realpath(path)) if self._replaces else path
            self._try()
        except OSError as error:
            raise ConfigurationError(
                f"the results {path}: {error.strerror}; nothing was sent: give another "
                "--results file"
            ) from None

    def write(
        self,
        source: Source[AnyRow],
        journal: Journal,
        unrecorded: Mapping[int, Entry],
        report: Report,
    ) -> None:
        """Write what became of each row of an input.

        Args:
            source: the input.
            journal: what became of its rows.
            unrecorded: what became of rows that the journal does not have, by their number.
            report: writes it.

        Raises:
            ResultsError: it cannot be written; what was there before is unchanged.
        """
        try:
            with self._opened() as file:
                report(file, _told(source, journal, unrecorded))
        except OSError as error:
            raise ResultsError(
                f"the results {self._given} cannot be written: {error.strerror}"
            ) from None

    def _try(self) -> None:
        if self._descriptor is not None:
            os.write(self._descriptor, b"")
        elif self._replaces:
            temporary = self._temporary()
            temporary.open("x").close()
            temporary.unlink()
        elif self._path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))

    def _temporary(self) -> Path:
        return self._path.with_name(f".{self._path.name}.{secrets.token_hex(4)}")

    @contextmanager
    def _opened(self) -> Generator[TextIO, None, None]:
        if not self._replaces:
            with _closed_at_once(self._written_to()) as file:
                yield file
            return
        temporary = self._temporary()
        try:
            with self._made(temporary) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _made(self, path: Path) -> TextIO:
        mode = 0o600 if self._private else 0o666
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        return os.fdopen(number, "w", encoding="utf-8", newline="")

    def _written_to(self) -> TextIO:
        if self._descriptor is None:
            return self._path.open("w", encoding="utf-8", newline="")
        # Opened anew, a file would be emptied, and what is printed later be written over its start.
        return os.fdopen(os.dup(self._descriptor), "w", encoding="utf-8", newline="")


@contextmanager
def _closed_at_once(file: TextIO) -> Generator[TextIO, None, None]:
    """Close a file in the end; what is still in its buffer is dropped where writing ends early."""
    try:
        yield file
        file.close()
    except BaseException:
        # A pipe that nobody reads would be waited for once more.
        cast("Any", file).buffer.raw.close()
        with suppress(ValueError, OSError):
            file.close()
        raise


def _descriptor(path: Path) -> int | None:
    """Return the number of the open file that a path stands for, such as 1 for /dev/stdout."""
    open_files = os.path.realpath("/dev/fd")
    while path.exists():
        directory = os.path.realpath(path.parent)
        if directory == open_files and path.name.isdigit():
            return int(path.name)
        if not path.is_symlink():
            break
        path = Path(directory, path.readlink())
    return None


def _told(
    source: Source[AnyRow], journal: Journal, unrecorded: Mapping[int, Entry]
) -> Iterator[Told]:
    rows = source.rows()
    while some := list(islice(rows, _ROWS_AT_ONCE)):
        entries = journal.entries(some[0].number, some[-1].number)
        for row in some:
            entry = unrecorded.get(row.number) or entries.get(row.number)
            yield row, entry or Entry(row.number, 0, SKIPPED, error=_NOT_SENT)
