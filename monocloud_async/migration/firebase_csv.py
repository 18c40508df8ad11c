"""Reads Firebase's CSV, which has no header and quotes inconsistently."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .source import Source, mistake, truncated

_FIRST = ("localId", "email", "emailVerified", "passwordHash", "salt", "displayName", "photoUrl")
_PROVIDERS = ("google.com", "facebook.com", "twitter.com", "github.com")
_PROVIDER = ("rawId", "email", "displayName", "photoUrl")
_LAST = ("createdAt", "lastSignedInAt", "phoneNumber", "disabled", "customAttributes")
_LEAST = 26
_MOST = 30
_CLAIMS = 27
# Names may contain line breaks, which are not quoted.
_MOST_LINES = 20


def looks_right(line: str) -> bool:
    """Return whether a line can be the first one of such a file."""
    cells = _cells(line)
    return len(cells) > 2 and cells[2] in {"true", "false"} and bool(cells[0])


def read_firebase(source: Source, lines: Iterator[str], *, head: str) -> Iterator[tuple[int, Any]]:
    """Yield the accounts of the file, each with its first line number."""
    text: str | None = head
    while text is not None:
        line = source.line - 1
        if text.strip():
            yield line, _record(source, line, _whole(source, line, text, lines))
        text = next(lines, None)


def _whole(source: Source, line: int, text: str, lines: Iterator[str]) -> list[str]:
    """Return the cells of an account, which may span several lines."""
    for _ in range(_MOST_LINES):
        cells = _cells(text)
        if len(cells) >= _LEAST and not _is_cut(source, text):
            return cells
        if (next_line := next(lines, None)) is None:
            raise truncated(source.name, line)
        text += next_line
    problem = f"it has fewer than {_LEAST} cells, even together with the lines after it"
    raise mistake(source.name, line, problem, "export as JSON, which is unambiguous")


def _is_cut(source: Source, text: str) -> bool:
    """Return whether this is a last line without the trailing comma that every line has."""
    return source.unfinished and not text.endswith(",")


def _record(source: Source, line: int, cells: list[str]) -> dict[str, Any]:
    if len(cells) > _MOST:
        # Older command lines did not quote the claims, which are the last cell.
        cells = [*cells[:_CLAIMS], ",".join(cells[_CLAIMS:]).rstrip(",")]
    if cells[2] not in {"true", "false"}:
        problem = "its third cell is neither true nor false, so its cells are shifted"
        raise mistake(source.name, line, problem, "export as JSON, which is unambiguous")
    record: dict[str, Any] = dict(zip(_FIRST, cells, strict=False))
    record.update(zip(_LAST, cells[23:], strict=False))
    record["providerUserInfo"] = [
        {"providerId": name, **_filled(zip(_PROVIDER, cells[at : at + 4], strict=False))}
        for name, at in zip(_PROVIDERS, range(7, 23, 4), strict=True)
        if cells[at]
    ]
    return _filled(record.items())


def _filled(members: Any) -> dict[str, Any]:
    return {name: value for name, value in members if value not in ("", [])}


def _cells(text: str) -> list[str]:
    """Return the cells of a line."""
    text = text.rstrip("\r\n")
    cells: list[str] = []
    at = 0
    while at <= len(text):
        # Quotes inside a name are not doubled, but those inside the claims are.
        end = _closing(text, at + 1, doubled=len(cells) == _CLAIMS)
        if text.startswith('"', at) and end >= 0:
            cells.append(text[at + 1 : end].replace('""', '"'))
            end += 1
        else:
            end = text.find(",", at)
            end = len(text) if end < 0 else end
            cells.append(text[at:end])
        at = end + 1
    return cells


def _closing(text: str, at: int, *, doubled: bool) -> int:
    """Return the position of the closing quote of a cell, which precedes a comma."""
    while (at := text.find('"', at)) >= 0:
        if doubled and text.startswith('""', at):
            at += 2
        elif at + 1 == len(text) or text[at + 1] == ",":
            return at
        else:
            at += 1
    return -1
