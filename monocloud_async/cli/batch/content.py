"""The bytes of an input, which may be read repeatedly but must not change."""

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
# The longest line to read, so that a binary file cannot fill memory.
MAX_LINE = 1024 * 1024
_BLOCK = 64 * 1024
_GZIP = b"\x1f\x8b"


class InputChangedError(MonoCloudError):
    """The input has changed since it was checked."""


class LineTooLongError(Exception):
    """A line is too long to be a row."""


class Content:
    """An input's bytes; later passes must find the same bytes as the first.

    Args:
        file: an open, seekable file.
        name: its name in messages.
    """

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file = file
        self.name = name
        # The digest of all bytes up to the end of each block, plus one for the end of the file.
        self._digests: list[bytes] = []
        self._settled = False

    @property
    def digest(self) -> str:
        """The digest of the whole input, available after a complete pass."""
        return self._digests[-1].hex()

    def lines(self) -> Iterator[bytes]:
        """Yield all lines, including their line endings (LF, CR LF or CR).

        Raises:
            InputChangedError: the bytes differ from the first pass; no line of the changed block,
                or after it, is returned.
            LineTooLongError: a line is longer than ``MAX_LINE``.
        """
        rest = b""
        for block in self._blocks():
            lines = (rest + block).splitlines(keepends=True)
            # The next block may start with the LF of a CR LF.
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
        """Record the digest up to a block's end, or compare it with the recorded one."""
        if self._settled and self._digests[number] != digest:
            raise InputChangedError(
                f"{self.name} has changed since it was checked: restore the original"
            )
        if not self._settled and number == len(self._digests):
            self._digests.append(digest)


@contextmanager
def open_content(path: str) -> Generator[Content, None, None]:
    """Open an input; gzip is decompressed.

    Args:
        path: a file's path, or ``-`` for standard input.

    Raises:
        ConfigurationError: the input cannot be read.
    """
    name = "standard input" if path == STDIN else path
    with ExitStack() as stack:
        source = stack.enter_context(_opened(path, name))
        if path == STDIN:
            # It may be partly consumed.
            source = _copy(source, stack, name)
        yield content_of(source, name, stack)


def content_of(source: BinaryIO, name: str, stack: ExitStack) -> Content:
    """Return the content of an open file; gzip is decompressed.

    Args:
        source: the file.
        name: its name in messages.
        stack: closes the copies that are made.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    # A pipe can be read only once.
    if not source.seekable():
        source = _copy(source, stack, name)
    if _is_compressed(source, name):
        source = _copy(cast("BinaryIO", gzip.GzipFile(fileobj=source)), stack, name)
    return Content(source, name)


def _is_compressed(source: BinaryIO, name: str) -> bool:
    try:
        start = source.read(len(_GZIP))
        source.seek(0)
    except OSError as error:
        raise unreadable(name, error) from None
    return start == _GZIP


def _opened(path: str, name: str) -> AbstractContextManager[BinaryIO]:
    if path == STDIN and not cast("object", sys.stdin):
        # sys.stdin is None if the process was started without it.
        raise ConfigurationError(f"{name} is closed; nothing was sent: pass a file")
    try:
        # Standard input is not ours to close.
        return nullcontext(sys.stdin.buffer) if path == STDIN else Path(path).open("rb")
    except OSError as error:
        raise unreadable(name, error) from None


def unreadable(name: str, error: OSError) -> ConfigurationError:
    """Return the error for an unreadable input."""
    return ConfigurationError(f"{name}: {error.strerror}; nothing was sent: pass a readable file")


def _copy(source: BinaryIO, stack: ExitStack, name: str) -> BinaryIO:
    copy = stack.enter_context(tempfile.TemporaryFile())  # noqa: SIM115  (that is one)
    try:
        shutil.copyfileobj(source, copy, _BLOCK)
        copy.flush()
        copy.seek(0)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise ConfigurationError(
            f"{name}: the gzip data is damaged or truncated; nothing was sent: pass the "
            "complete file"
        ) from None
    except OSError as error:
        with suppress(OSError):
            # Drop the buffer: it cannot be written either, and closing would try again.
            copy.close()
        raise ConfigurationError(
            f"{name}: cannot copy it to {tempfile.gettempdir()}: {error.strerror}; "
            "nothing was sent: pass a regular file"
        ) from None
    return cast("BinaryIO", copy)
