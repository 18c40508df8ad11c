"""The pieces of an input: the files of a pattern, and the rows in each of them."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from importlib import import_module
from typing import Any, BinaryIO, cast

import attrs

from ..cli.batch.columns import BrokenInputError, Records
from ..cli.batch.content import content_of
from ..errors import ConfigurationError
from .kind import Kind
from .storage import MAGIC, has_password, opened, reason, shown

_PARQUET = b"PAR1"
_ROWS_AT_ONCE = 1000


@attrs.frozen
class Piece:
    """A file of an input.

    Attributes:
        name: its URL, or its absolute path on a local file system.
        options: the options of its file system.
    """

    name: str
    options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)


def pieces(
    patterns: str | Iterable[str], options: Mapping[str, Any] | None = None
) -> tuple[Piece, ...]:
    """Return the files that match patterns, sorted within each, and each file once.

    Args:
        patterns: a pattern such as ``rows/*.csv`` or ``s3://bucket/*.parquet``, or several.
        options: the options of their file system.

    Raises:
        ConfigurationError: a pattern matches no files.
    """
    given = [patterns] if isinstance(patterns, str) else patterns
    found = {piece.name: piece for each in given for piece in _files(each, options)}
    if not found:
        raise ConfigurationError("no input was given; nothing was sent: pass a file or a pattern")
    return tuple(found.values())


def _files(pattern: str, options: Mapping[str, Any] | None) -> Sequence[Piece]:
    if has_password(pattern):
        raise ConfigurationError(
            f"the URL {shown(pattern)} must not contain a password; nothing was sent: pass it in "
            "storage_options"
        )
    system, path = opened(pattern, options or {})
    try:
        # An earlier run may have left a listing that lacks new files.
        system.invalidate_cache()
        # A file's name may look like a pattern.
        is_pattern = any(c in path for c in MAGIC) and not system.isfile(path)
        paths: Iterable[str] = system.glob(path) if is_pattern else (path,)
        found = sorted(each for each in paths if system.isfile(each))
    # Each kind of storage has its own exceptions.
    except Exception as error:
        raise ConfigurationError(
            f"cannot list {shown(pattern)}: {reason(error)}; nothing was sent: check the pattern "
            "and the storage_options"
        ) from None
    if not found:
        raise ConfigurationError(
            f"no files match {shown(pattern)}; nothing was sent: pass a file, or a pattern such as "
            "rows/*.csv"
        )
    if str(system.unstrip_protocol("")).startswith("file:"):
        return [Piece(each, options or {}) for each in found]
    # Paths may lack the host of their URL, but the file system's options have it.
    return [Piece(str(system.unstrip_protocol(each)), system.storage_options) for each in found]


@contextmanager
def records_of(piece: Piece, kind: Kind) -> Generator[Records, None, None]:
    """Open a piece, and provide its rows: Parquet, CSV or JSON Lines, the latter also as gzip.

    Args:
        piece: the piece.
        kind: reads the rows.

    Raises:
        ConfigurationError: the piece cannot be read.
        BrokenInputError: the same, at a known line; the iterator raises it too.
    """
    system, path = opened(piece.name, piece.options)
    with ExitStack() as stack:
        try:
            # The file may have been replaced since this process last listed its directory.
            system.invalidate_cache()
            file = stack.enter_context(system.open(path, "rb"))
            start = file.read(len(_PARQUET))
            file.seek(0)
        # Each kind of storage has its own exceptions.
        except Exception as error:
            raise _unreadable(piece.name, error) from None
        if start == _PARQUET:
            yield _reporting_errors(piece.name, parquet_records(file, kind))
        else:
            content = content_of(cast("BinaryIO", file), piece.name, stack)
            yield _reporting_errors(piece.name, kind.text(content))


def _reporting_errors(name: str, records: Records) -> Records:
    try:
        yield from records
    except (BrokenInputError, ConfigurationError):
        raise
    # Each kind of storage has its own exceptions.
    except Exception as error:
        raise _unreadable(name, error) from None


def _unreadable(name: str, error: Exception) -> ConfigurationError:
    return ConfigurationError(
        f"{name}: {reason(error)}; nothing was sent: pass a file that all workers can read"
    )


def parquet_records(file: BinaryIO, kind: Kind) -> Records:
    """Yield the rows of a Parquet file; a row's line is its number, from 1.

    Args:
        file: the open file.
        kind: reads the rows.

    Raises:
        BrokenInputError: it is damaged, or lacks a column.
    """
    # It has no types.
    pyarrow: Any = import_module("pyarrow")
    parquet: Any = import_module("pyarrow.parquet")
    number = 0
    try:
        table = parquet.ParquetFile(file)
        batches = table.iter_batches(
            _ROWS_AT_ONCE, columns=kind.used(list(table.schema_arrow.names))
        )
        for batch in batches:
            for row in batch.to_pylist():
                number += 1
                yield kind.record(number, row)
    except pyarrow.ArrowException as error:
        why = reason(cast("Exception", error))
        what = f"the Parquet file is damaged, or of an unknown kind: {why}"
        raise BrokenInputError(number + 1, what) from None
