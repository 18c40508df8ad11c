"""Destination: the file and the format of an export."""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from ...errors import ConfigurationError
from .columns import Column, columns_of
from .formats import Csv, Format, JsonLines
from .options import FormatName
from .target import Part, Stream, part_of

STDOUT = "-"
_SUFFIXES: dict[str, FormatName] = {".csv": "csv", ".parquet": "parquet"}
_GZIP = ".gz"


class Destination:
    """Where an export goes.

    Args:
        file: the path of a file; ``-`` for standard output.
        name: the format; None to choose by the file's name.
        columns: the names of the columns, separated by commas; None for the default ones.
        groups: whether the groups are exported.

    Attributes:
        path: the file; None for standard output.
        part: its name until it is complete.
        form: the format and the columns, as text.
        format: the format that users are first written in.

    Raises:
        ConfigurationError: the options do not fit together.
    """

    def __init__(
        self, file: str, name: FormatName | None, columns: str | None, *, groups: bool
    ) -> None:
        # Keep a symlink: replace its target.
        self.path: Path | None = None if file == STDOUT else Path(os.path.realpath(file))
        plain = file.removesuffix(_GZIP)
        name = name or _SUFFIXES.get(Path(plain).suffix.lower(), "jsonl")
        self._gzip = self.path is not None and plain != file
        self._columns: Sequence[Column] = ()
        if name != "jsonl":
            self._columns = columns_of(columns, groups=groups, all_=name == "parquet")
        elif columns is not None:
            raise ConfigurationError("--columns only works with CSV and Parquet; nothing was sent")
        self._parquet = name == "parquet"
        self._check(file)
        self.format: Format = (
            Csv(self._columns) if name == "csv" else JsonLines(plain=not self.path)
        )
        self.form: str = " ".join((name, *(column.name for column in self._columns)))

    def _check(self, file: str) -> None:
        if self.path is not None and self.path.exists() and not self.path.is_file():
            raise ConfigurationError(
                f"{file} is not a regular file; nothing was sent: pass a file, or - for standard "
                "output"
            )
        if not self._parquet:
            return
        if self.path is None or self._gzip:
            raise ConfigurationError(
                "Parquet needs a FILE and has its own compression; nothing was sent: pass a name "
                "that does not end in .gz"
            )
        from .parquet import check_installed

        check_installed()

    @property
    def part(self) -> Path:
        """The file's name until it is complete."""
        assert self.path is not None  # noqa: S101  (only files have one)
        return part_of(self.path)

    @property
    def names(self) -> Sequence[Path]:
        """All files that are written."""
        return [self.path, self.part] if self.path else []

    def open(self, size: int, *, known: bool) -> Part | Stream:
        """Open it.

        Args:
            size: how many bytes of the unfinished file to keep.
            known: whether the unfinished file may exist already.
        """
        if self.path is None:
            return Stream()
        return Part(self.part, size, known=known, gzip=self._gzip)

    def complete(self) -> None:
        """Give the file its name."""
        if self.path is None:
            return
        if self._parquet:
            from .parquet import convert

            convert(self.part, self.path, self._columns)
        else:
            self.part.replace(self.path)

    def discard(self) -> None:
        """Remove the unfinished file."""
        with suppress(OSError):
            self.part.unlink()

    def unwritable(self, error: OSError) -> str:
        """Return the error message for a failed write."""
        target = "standard output" if self.path is None else str(self.part)
        return f"cannot write {target}: {error.strerror or error}"
