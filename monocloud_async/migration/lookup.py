"""What has to be remembered while a file is read: kept in a temporary file, not in memory."""

from __future__ import annotations

import sqlite3
from types import TracebackType


class Lookup:
    """Texts by key. SQLite keeps them in a file without a name, which nothing is left of."""

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
        """Keep a text under a key of one or more parts; return False if the key has one."""
        done = self._rows.execute(
            "INSERT OR IGNORE INTO texts VALUES (?, ?)", (_joined(key), _storable(value))
        )
        return done.rowcount == 1

    def replace(self, value: str, *key: str) -> None:
        """Keep a text under a key, in place of the one that it may have."""
        self._rows.execute(
            "INSERT OR REPLACE INTO texts VALUES (?, ?)", (_joined(key), _storable(value))
        )

    def get(self, *key: str) -> str | None:
        """Return the text of a key, None if it has none."""
        found = self._rows.execute("SELECT value FROM texts WHERE key = ?", (_joined(key),))
        row: tuple[str] | None = found.fetchone()
        return row[0] if row else None


def _joined(key: tuple[str, ...]) -> str:
    return _storable("\x1f".join(key))


def _storable(text: str) -> str:
    """Return a text that SQLite takes: halves of characters, which JSON may have, it does not."""
    return text.encode("utf-8", "backslashreplace").decode()
