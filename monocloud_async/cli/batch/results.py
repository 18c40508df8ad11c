"""The results file: the outcome of each input row, written in one go at the end."""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, TextIO, cast

from ...errors import ConfigurationError, MonoCloudError
from .journal import SKIPPED, Entry, Journal
from .reports import Report, ReportRow
from .source import AnyRow, HasRows, Source

_ROWS_AT_ONCE = 1000
_NOT_SENT = "not sent: the run ended first"


class ResultsError(MonoCloudError):
    """The results file cannot be written."""


class Results:
    """A results file, written completely or not at all.

    Args:
        path: its path. A regular file is replaced when complete; pipes, devices and files that are
            already open, such as /dev/stdout, are written to directly.
        private: whether only the owner may read a new file.

    Raises:
        ConfigurationError: the file cannot be written.
    """

    def __init__(self, path: Path, *, private: bool = False) -> None:
        self._given = path
        self._private = private
        try:
            self._descriptor = _descriptor(path)
            self._replaces = self._descriptor is None and (path.is_file() or not path.exists())
            # Keep a symlink: replace its target.
            self._path = Path(os.path.realpath(path)) if self._replaces else path
            self._check_writable()
        except OSError as error:
            raise ConfigurationError(
                f"cannot write the results to {path}: {error.strerror}; nothing was sent: choose "
                "another --results file"
            ) from None

    def write(
        self,
        source: Source[AnyRow],
        journal: Journal,
        unrecorded: Mapping[int, Entry],
        report: Report,
    ) -> None:
        """Write the outcome of each input row.

        Args:
            source: the input.
            journal: the outcomes of its rows.
            unrecorded: outcomes that the journal does not have, by row number.
            report: writes the lines.

        Raises:
            ResultsError: the file cannot be written; an existing file is unchanged.
        """
        self.write_by(lambda file: report(file, report_rows(source, journal, unrecorded)))

    def write_by(self, write: Callable[[TextIO], None]) -> None:
        """Write what a function writes.

        Args:
            write: writes all lines to a file.

        Raises:
            ResultsError: the file cannot be written; an existing file is unchanged.
        """
        try:
            with self._opened() as file:
                write(file)
        except OSError as error:
            raise ResultsError(
                f"cannot write the results to {self._given}: {error.strerror}"
            ) from None

    def _check_writable(self) -> None:
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
            with _closed_at_once(self._stream()) as file:
                yield file
            return
        temporary = self._temporary()
        try:
            with self._created(temporary) as file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self._path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise

    def _created(self, path: Path) -> TextIO:
        mode = 0o600 if self._private else 0o666
        number = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        return os.fdopen(number, "w", encoding="utf-8", newline="")

    def _stream(self) -> TextIO:
        if self._descriptor is None:
            return self._path.open("w", encoding="utf-8", newline="")
        # Reopening would truncate a file, and later output would overwrite its start.
        return os.fdopen(os.dup(self._descriptor), "w", encoding="utf-8", newline="")


@contextmanager
def _closed_at_once(file: TextIO) -> Generator[TextIO, None, None]:
    """Close a file at the end; on an error, drop what is still buffered."""
    try:
        yield file
        file.close()
    except BaseException:
        # Flushing would block again on a pipe that nobody reads.
        cast("Any", file).buffer.raw.close()
        with suppress(ValueError, OSError):
            file.close()
        raise


def _descriptor(path: Path) -> int | None:
    """Return the descriptor that a path stands for, such as 1 for /dev/stdout."""
    open_files = os.path.realpath("/dev/fd")
    while path.exists():
        directory = os.path.realpath(path.parent)
        if directory == open_files and path.name.isdigit():
            return int(path.name)
        if not path.is_symlink():
            break
        path = Path(directory, path.readlink())
    return None


def report_rows(
    source: HasRows, journal: Journal, unrecorded: Mapping[int, Entry]
) -> Iterator[ReportRow]:
    """Yield each row with its outcome.

    Args:
        source: the input.
        journal: the outcomes of its rows.
        unrecorded: outcomes that the journal does not have, by row number.
    """
    rows = source.rows()
    while batch := list(islice(rows, _ROWS_AT_ONCE)):
        entries = journal.entries(batch[0].number, batch[-1].number)
        for row in batch:
            entry = unrecorded.get(row.number) or entries.get(row.number)
            yield row, entry or Entry(row.number, 0, SKIPPED, error=_NOT_SENT)
