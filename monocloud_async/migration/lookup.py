"""Remembers values while a file is read, in a temporary file instead of memory."""

from __future__ import annotations

import sqlite3
from types import TracebackType


class Lookup:
    """Strings by key, in an anonymous temporary SQLite file that leaves nothing behind."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", check_same_thread=False, isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE texts (key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID")
        self._rows.execute("BEGIN")

    def __enter__(self) -> Lookup:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._rows.close()

    def add(self, value: str, *key: str) -> bool:
        """Store a string under a key of one or more parts; return False if the key exists."""
        done = self._rows.execute(
            "INSERT OR IGNORE INTO texts VALUES (?, ?)", (_joined(key), _storable(value))
        )
        return done.rowcount == 1

    def replace(self, value: str, *key: str) -> None:
        """Store a string under a key, replacing an existing one."""
        self._rows.execute(
            "INSERT OR REPLACE INTO texts VALUES (?, ?)", (_joined(key), _storable(value))
        )

    def get(self, *key: str) -> str | None:
        """Return the string of a key, or None."""
        found = self._rows.execute("SELECT value FROM texts WHERE key = ?", (_joined(key),))
        row: tuple[str] | None = found.fetchone()
        return row[0] if row else None


def _joined(key: tuple[str, ...]) -> str:
    return _storable("\x1f".join(key))


def _storable(text: str) -> str:
    """Return a string that SQLite accepts, with the lone surrogates that JSON allows escaped."""
    return text.encode("utf-8", "backslashreplace").decode()
