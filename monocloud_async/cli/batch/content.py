"""The bytes of an input: read more than once, and held to be the same each time."""

from __future__ import annotations

import gzip
import hashlib
import shutil
import sys
import tempfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import BinaryIO, cast

from ...errors import ConfigurationError, MonoCloudError

STDIN = "-"
# The longest line that is read, so that a binary file cannot fill the memory.
MAX_LINE = 1024 * 1024
_BLOCK = 64 * 1024
_GZIP = b"\x1f\x8b"


class InputChangedError(MonoCloudError):
    """The input is not what it was when it was checked."""


class LineTooLongError(Exception):
    """A line is longer than any row can be."""


class Content:
    """An input's bytes; the first pass over them settles what every later one has to find.

    Args:
        file: an open file that can be read anywhere.
        name: what messages call it.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.name = name
        # What is the digest of all bytes up to the end of each block; one more for the end.
        self._digests: list[bytes] = []
        self._settled = False

    @property
    def digest(self) -> str:
        """The digest of the whole, once a pass has come to its end."""
        return self._digests[-1].hex()

    def lines(self) -> Iterator[bytes]:
        """Return all lines with their ends, of any of the three kinds.

        Raises:
            InputChangedError: the bytes are not those of the first pass; no line of the changed
                block, or after it, is returned.
            LineTooLongError: a line is longer than ``MAX_LINE``.
        """
        rest = b""
        for block in self._blocks():
            lines = (rest + block).splitlines(keepends=True)
            # The next block may begin with the other half of the last one's end.
            rest = lines.pop()
            if len(rest) > MAX_LINE:
                raise LineTooLongError
            yield from lines
        if rest:
            yield rest

    def _blocks(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        for number in count():
            self._file.seek(number * _BLOCK)
            block = self._file.read(_BLOCK)
            digest.update(block)
            self._hold(number, digest.digest())
            if not block:
                self._settled = True
                return
            yield block

    def _hold(self, number: int, digest: bytes) -> None:
        """Settle the digest up to a block's end, or compare it with what was settled."""
        if self._settled and self._digests[number] != digest:
            raise InputChangedError(
                f"{self.name} has changed since it was checked: put it back as it was"
            )
        if not self._settled and number == len(self._digests):
            self._digests.append(digest)


@contextmanager
def open_content(path: str) -> Generator[Content, None, None]:
    """Open an input; one that is compressed with gzip is read as what it holds.

    Args:
        path: a file's path, or ``-`` for standard input.

    Raises:
        ConfigurationError: it cannot be read.
    """
    name = "standard input" if path == STDIN else path
    with ExitStack() as stack:
        source = stack.enter_context(_opened(path, name))
        # A pipe can be read only once; and what is on standard input may have been begun.
        if path == STDIN or not source.seekable():
            source = _copy(source, stack, name)
        if _is_compressed(source, name):
            source = _copy(cast("BinaryIO", gzip.GzipFile(fileobj=source)), stack, name)
        yield Content(source, name)


def _is_compressed(source: BinaryIO, name: str) -> bool:
    try:
        start = source.read(len(_GZIP))
        source.seek(0)
    except OSError as error:
        raise unreadable(name, error) from None
    return start == _GZIP


def _opened(path: str, name: str) -> AbstractContextManager[BinaryIO]:
    if path == STDIN and not cast("object", sys.stdin):
        # Python has none where the process was started with a closed one.
        raise ConfigurationError(f"{name}: it is closed; nothing was sent: give a file")
    try:
        # Standard input is not ours to close.
        return nullcontext(sys.stdin.buffer) if path == STDIN else Path(path).open("rb")
    except OSError as error:
        raise unreadable(name, error) from None


def unreadable(name: str, error: OSError) -> ConfigurationError:
    """Return the error for an input that cannot be read."""
    return ConfigurationError(
        f"{name}: {error.strerror}; nothing was sent: give a file that can be read"
    )


def _copy(source: BinaryIO, stack: ExitStack, name: str) -> BinaryIO:
    copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (that is one)
    try:
        shutil.copyfileobj(source, copy, _BLOCK)
        copy.flush()
        copy.seek(0)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ConfigurationError(
            f"{name}: what gzip made of it is damaged or breaks off; nothing was sent: give the "
            "whole file"
        ) from None
    except OSError as error:
        with suppress(OSError):
            # What is in its buffer cannot be written either, and would be tried again.
            copy.close()
        raise ConfigurationError(
            f"{name}: it cannot be copied to {tempfile.gettempdir()}: {error.strerror}; "
            "nothing was sent: give a regular file"
        ) from None
    return cast("BinaryIO", copy)
