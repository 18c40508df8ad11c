"""Reads JSON records: one per line, in an array, or in an array inside one large document."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NoReturn

from .source import MAX_RECORD, Source, mistake, truncated

_CHUNK = 64 * 1024
# How far to read the first object to tell a record from a whole document.
_PROBED = 256 * 1024
_BLANKS = re.compile(r"[\s\ufeff]*")
# The document members that hold records.
CONTAINERS = ("users", "Users", "federatedUsers", "data")
_CONTAINER = re.compile(f'"(?:{"|".join(CONTAINERS)})"\\s*:\\s*\\[')
# An error this close to the end of the buffer may only mean that more input is needed.
_NEAR = 16
_REMEDY = "correct the file, or export it again"

Found = tuple[int, Any]


def _refused(word: str) -> NoReturn:
    raise ValueError(f"{word} is not JSON")


_DECODER = json.JSONDecoder(parse_constant=_refused)


class _Scanner:
    """Scans consecutive JSON values from text that is read in chunks.

    Args:
        source: the text.
    """

    def __init__(self, source: Source) -> None:
        self._source = source
        self._buffer = ""
        self._at = 0
        self._counted = 0
        self._line = 1

    @property
    def line(self) -> int:
        """The line number of the next value."""
        self._line += self._buffer.count("\n", self._counted, self._at)
        self._counted = self._at
        self._source.line = self._line
        return self._line

    def _fill(self) -> bool:
        """Read another chunk, larger if much is pending, and return whether there was one."""
        _ = self.line
        rest = self._buffer[self._at :]
        if len(rest) > MAX_RECORD:
            self.fail("a record is longer than 16 MiB", "use the file of one realm or one export")
        chunk = self._source.read(max(_CHUNK, len(rest)))
        self._buffer, self._at, self._counted = rest + chunk, 0, 0
        return bool(chunk)

    def peek(self) -> str:
        """Return the next non-blank character, or "" at the end."""
        while True:
            found = _BLANKS.match(self._buffer, self._at)
            self._at = found.end() if found else self._at
            if self._at < len(self._buffer):
                return self._buffer[self._at]
            if not self._fill():
                return ""

    def take(self, character: str) -> None:
        """Consume the character that must come next."""
        if (found := self.peek()) != character:
            self.stop(f"{character} is missing") if found else self.cut()
        self._at += 1

    def value(self) -> Any:
        """Return the next value."""
        self.peek()
        while True:
            try:
                found, end = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if self._broken(error):
                    self.stop(f"it is not valid JSON: {error.msg}")
                if not self._fill():
                    self.cut()
                continue
            except (ValueError, RecursionError) as error:
                self.stop(f"it cannot be read: {type(error).__name__}")
            # A number may continue in the next chunk.
            if end == len(self._buffer) and isinstance(found, (int, float)) and self._fill():
                continue
            self._at = end
            return found

    def _broken(self, error: json.JSONDecodeError) -> bool:
        near = error.pos >= len(self._buffer) - _NEAR
        return not near and not error.msg.startswith("Unterminated")

    def is_document(self) -> bool:
        """Return whether the next object is a document with records, not a record itself."""
        while True:
            try:
                found, _ = _DECODER.raw_decode(self._buffer, self._at)
            except json.JSONDecodeError as error:
                if len(self._buffer) - self._at > _PROBED:
                    return True
                if self._broken(error) or not self._fill():
                    return _CONTAINER.search(self._buffer, self._at) is not None
                continue
            except (ValueError, RecursionError):
                return False
            lists = any(isinstance(found.get(name), list) for name in CONTAINERS)
            return lists or ("realm" in found and "username" not in found)

    def cut(self) -> NoReturn:
        """Raise the error for a file that ends too early."""
        raise truncated(self._source.name, self.line)

    def stop(self, problem: str) -> NoReturn:
        """Raise the error for invalid input."""
        self.fail(problem, _REMEDY)

    def fail(self, problem: str, remedy: str) -> NoReturn:
        """Raise an error with a remedy."""
        raise mistake(self._source.name, self.line, problem, remedy)


def read_json(source: Source) -> Iterator[Found]:
    """Yield the records of a file, each with its line number.

    Args:
        source: the file; its first non-blank character is { or [.
    """
    scanner = _Scanner(source)
    if scanner.peek() == "[":
        yield from _elements(scanner)
        _end(scanner)
    elif scanner.is_document():
        while scanner.peek() == "{":
            yield from _members(scanner)
        _end(scanner)
    else:
        yield from _series(scanner)


def _end(scanner: _Scanner) -> None:
    if scanner.peek():
        scanner.stop("there is more text after the end of the document")


def _series(scanner: _Scanner) -> Iterator[Found]:
    while character := scanner.peek():
        if character == ",":
            scanner.stop("there is a comma between two records")
        line = scanner.line
        yield line, scanner.value()


def _elements(scanner: _Scanner) -> Iterator[Found]:
    scanner.take("[")
    has_more = scanner.peek() != "]"
    while has_more:
        scanner.peek()
        line = scanner.line
        yield line, scanner.value()
        if has_more := scanner.peek() == ",":
            scanner.take(",")
    scanner.take("]")


def _members(scanner: _Scanner) -> Iterator[Found]:
    """Yield the records in a document's arrays, skipping its other members."""
    scanner.take("{")
    found = False
    has_more = scanner.peek() != "}"
    while has_more:
        name: object = scanner.value()
        scanner.take(":")
        wanted = name in CONTAINERS
        if scanner.peek() != "[":
            scanner.value()
        else:
            found = found or wanted
            for element in _elements(scanner):
                if wanted:
                    yield element
        if has_more := scanner.peek() == ",":
            scanner.take(",")
    scanner.take("}")
    if not found:
        scanner.fail(
            "the file contains no users",
            "Keycloak writes them to separate files: use NAME-users-0.json and so on, or "
            "their directory",
        )
