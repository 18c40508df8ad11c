"""The text of an export file: compressed or not, with or without a byte order mark."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import IO, Any, cast

from ..errors import ConfigurationError

# The maximum record length in characters, to bound memory.
MAX_RECORD = 16 * 1024 * 1024
_PEEKED = 4096
_GZIP = b"\x1f\x8b"
_ENCODINGS = ((b"\xef\xbb\xbf", "utf-8-sig"), (b"\xff\xfe", "utf-16"), (b"\xfe\xff", "utf-16"))


class TruncatedError(ConfigurationError):
    """A file ends in the middle of a record.

    Attributes:
        line: the record's first line.
    """

    def __init__(self, message: str, line: int = 0) -> None:
        super().__init__(message)
        self.line: int = line


def mistake(name: str, line: int, problem: str, remedy: str) -> ConfigurationError:
    """Return the error for a line of a file."""
    return ConfigurationError(f"{name}, line {line}: {problem}; {remedy}")


def truncated(name: str, line: int) -> TruncatedError:
    """Return the error for a file that ends in the middle of a record."""
    return TruncatedError(
        f"{name}, line {line}: the file ends in the middle of this record; export it again, or "
        "allow truncated files to read the records before it",
        line,
    )


class Source:
    """The text of a file.

    Args:
        name: the name for error messages.
        text: the file, opened as text.

    Attributes:
        line: the current line, as far as encoding errors are concerned.
        unfinished: whether the last line has no line break.
        cut: whether the file is compressed and truncated.
    """

    def __init__(self, name: str, text: IO[str]) -> None:
        self.name = name
        self.line: int = 1
        self.unfinished: bool = False
        self.cut: bool = False
        self._text = text

    def first(self) -> str:
        """Return the first non-blank character without consuming it, or "" at the end."""
        found = ""
        while (text := self.read(_PEEKED)) and not (found := text.lstrip()[:1]):
            pass
        self._guarded(self._text.seek, 0)
        return found

    def read(self, size: int) -> str:
        """Return up to ``size`` characters; "" at the end."""
        return self._guarded(self._text.read, size)

    def lines(self) -> Iterator[str]:
        """Yield the lines, including line breaks."""
        while line := self._guarded(self._text.readline, MAX_RECORD + 1):
            if len(line) > MAX_RECORD:
                raise mistake(
                    self.name, self.line, "the line is longer than 16 MiB", "export it again"
                )
            self.line += 1
            self.unfinished = not line.endswith(("\n", "\r"))
            yield line

    def _guarded(self, read: Callable[[int], Any], size: int) -> str:
        try:
            return cast("str", read(size))
        except UnicodeDecodeError as error:
            problem = f"invalid UTF-8 ({error.reason}), here or a little further on"
            remedy = "save the file as UTF-8"
            raise mistake(self.name, self.line, problem, remedy) from None
        except EOFError:
            self.cut = True
            return ""
        except (OSError, zlib.error) as error:
            problem = f"the file cannot be read: {error}"
            raise mistake(self.name, self.line, problem, "copy the file again") from None


@contextmanager
def opened(path: Path) -> Generator[Source, None, None]:
    """Open an export file.

    Raises:
        ConfigurationError: the file is unreadable, or not a text file.
    """
    with ExitStack() as stack:
        try:
            raw: io.BufferedReader = stack.enter_context(path.open("rb"))
            head = raw.peek(4)
        except OSError as error:
            raise ConfigurationError(
                f"{path}: {error.strerror}; nothing was read: use a readable file"
            ) from None
        stream: IO[bytes] = raw
        if head.startswith(_GZIP):
            unpacked = stack.enter_context(gzip.GzipFile(fileobj=raw))
            head = _head(unpacked, path)
            stream = cast("IO[bytes]", unpacked)
        if head.startswith(b"PK\x03\x04"):
            raise ConfigurationError(
                f"{path}: this is a ZIP file or a workbook; unpack it or export it as CSV"
            )
        text = io.TextIOWrapper(cast("io.BufferedReader", stream), _encoding(head), newline="")
        yield Source(str(path), stack.enter_context(text))


def _head(stream: gzip.GzipFile, path: Path) -> bytes:
    try:
        return stream.peek(4)
    except (EOFError, OSError, zlib.error) as error:
        raise ConfigurationError(f"{path}: invalid gzip file: {error}; copy it again") from None


def _encoding(head: bytes) -> str:
    return next((name for mark, name in _ENCODINGS if head.startswith(mark)), "utf-8")
