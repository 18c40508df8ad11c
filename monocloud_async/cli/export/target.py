"""Where an export is written: a file that is renamed once complete, or a stream."""

from __future__ import annotations

import os
import sys
import zlib
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol

from ...errors import ConfigurationError
from .journal import missing

# zlib's setting for a gzip header and trailer.
_GZIP = 16 + zlib.MAX_WBITS
_LEVEL = 6


class _Packer(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...
    def flush(self) -> bytes: ...


def part_of(path: Path) -> Path:
    """Return the name of a file until it is complete."""
    return path.with_name(f"{path.name}.part")


def _flags(size: int, *, known: bool) -> int:
    flags = os.O_RDWR | getattr(os, "O_BINARY", 0)
    if size:
        return flags
    return flags | os.O_CREAT | (0 if known else os.O_EXCL)


class Stream:
    """Standard output."""

    def __init__(self) -> None:
        self._file: BinaryIO = sys.stdout.buffer

    def write(self, data: bytes) -> None:
        """Write some bytes."""
        self._file.write(data)

    def keep(self) -> int:
        """Flush, and return how many bytes were written."""
        self._file.flush()
        return 0

    def close(self) -> None:
        """Close the target."""


class Part:
    """An unfinished file, which only its owner can read.

    Args:
        path: its path.
        size: how many of its bytes to keep; later ones are from an interrupted write.
        known: whether it may exist already.
        gzip: whether to compress.

    Raises:
        ConfigurationError: the file cannot be written.
    """

    def __init__(self, path: Path, size: int, *, known: bool, gzip: bool) -> None:
        self._gzip = gzip
        self._size = size
        self._packer = self._new_packer()
        try:
            number = os.open(path, _flags(size, known=known), 0o600)
        except FileExistsError:
            raise ConfigurationError(
                f"{path} exists: another export is running, or one was killed; nothing was sent: "
                "remove it, or use the --journal that it was written with"
            ) from None
        except OSError as error:
            if size and not path.exists():
                raise missing(path) from None
            raise ConfigurationError(
                f"{path}: {error.strerror}; nothing was sent: choose another file"
            ) from None
        self._file = os.fdopen(number, "r+b")
        if os.fstat(number).st_size < size:
            self._file.close()
            raise missing(path)
        self._file.truncate(size)
        self._file.seek(size)

    def write(self, data: bytes) -> None:
        """Write some bytes."""
        self._file.write(self._packer.compress(data) if self._packer else data)
        self._begun = True

    def keep(self) -> int:
        """Flush to disk, and return the size of the file."""
        if self._packer and self._begun:
            # Each checkpoint ends a complete gzip member; readers concatenate members.
            self._file.write(self._packer.flush())
            self._packer = self._new_packer()
        self._file.flush()
        os.fsync(self._file.fileno())
        return self._file.tell()

    def _new_packer(self) -> _Packer | None:
        self._begun = False
        return zlib.compressobj(_LEVEL, zlib.DEFLATED, _GZIP) if self._gzip else None

    def close(self) -> None:
        """Close the file; drop what is still buffered if the disk is full."""
        with suppress(OSError):
            self._file.close()
