"""Feeds the rows of an import to the workers, each with its journal entry."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable, Mapping
from contextlib import aclosing
from typing import Any, Final

import attrs

from ..errors import InvalidArgumentError
from .checks import RowMistakeError, changed
from .journal import Entry
from .reading import import_row
from .recorder import Recorder
from .row import ImportRow

# The number of rows to journal before handing them out. After a crash, up to this many rows
# are looked up for nothing.
_BEGUN_BATCH = 256
# The next rows are journaled this many rows ahead.
_AHEAD = 192
_ENTRIES_BATCH = 500
# Takes the place of a row that is skipped, so that later rows keep their numbers.
SKIPPED_ROW: Final = object()


@attrs.frozen(eq=False)
class Work:
    """A row in flight.

    Attributes:
        number: the row's number, counting from 0.
        given: the row as given.
        row: the parsed row. None if it is invalid.
        error: why the row cannot be sent, if it cannot.
        digest: the digest of its content.
        before: its journal entry from an earlier run.
        unknown: whether an earlier run may have sent it, with an unknown result.
    """

    number: int
    given: Any = attrs.field(repr=False)
    row: ImportRow | None = attrs.field(default=None, repr=False)
    error: InvalidArgumentError | None = None
    digest: bytes = b""
    before: Entry | None = None
    unknown: bool = False

    @property
    def key(self) -> int | None:
        """The ordering key: rows that may belong to the same user share it, and run in order."""
        return None if self.row is None else hash(self.row.key)


class Feed:
    """Hands out rows.

    Args:
        rows: the rows.
        groups: group ids by name.
        recorder: writes the journal.
    """

    def __init__(
        self,
        rows: Iterable[object] | AsyncIterable[object],
        groups: Mapping[str, str],
        recorder: Recorder,
    ) -> None:
        self._rows = rows
        self._groups = groups
        self._recorder = recorder
        journal = recorder.journal
        self._begun = journal.begun if journal else 0
        # The numbers of rows that the journal covers, and that it has been asked to cover.
        self._known = self._requested = self._begun
        self._entries: Mapping[int, Entry] = {}

    async def works(self) -> AsyncGenerator[tuple[int | None, Work], None]:
        """Yield each row with its ordering key."""
        number = 0
        async with aclosing(_each(self._rows)) as rows:
            async for given in rows:
                if self._recorder.journal is not None:
                    await self._prepare(number)
                if given is not SKIPPED_ROW:
                    work = self._work(number, given)
                    yield work.key, work
                number += 1

    async def _prepare(self, number: int) -> None:
        """Make sure that the journal has the row as begun, and load its earlier entry."""
        journal = self._recorder.journal
        assert journal is not None  # noqa: S101  (the caller checked)
        if number < self._begun and number % _ENTRIES_BATCH == 0:
            last = number + _ENTRIES_BATCH - 1
            self._entries = await self._recorder.ask(journal.entries, number, last)
        if number >= self._requested - _AHEAD:
            self._requested = number + _BEGUN_BATCH
            self._recorder.begin(self._requested)
        if number >= self._known:
            self._known = await self._recorder.begun(number + 1)

    def _work(self, number: int, given: object) -> Work:
        try:
            row = import_row(given, self._groups)
        except InvalidArgumentError as error:
            # The original error's frames hold the row's password.
            mistake = RowMistakeError(f"rows[{number}]: {error}; nothing was sent")
            return Work(number, given, error=mistake)
        journal = self._recorder.journal
        if journal is None:
            return Work(number, given, row)
        digest = journal.digest(row)
        before = self._entries.get(number) if number < self._begun else None
        if before and not before.allows(digest):
            return Work(number, given, error=changed(number))
        return Work(number, given, row, None, digest, before, self._is_unknown(number, before))

    def _is_unknown(self, number: int, before: Entry | None) -> bool:
        return number < self._begun and (before is None or before.applied)


async def _each(
    rows: Iterable[object] | AsyncIterable[object],
) -> AsyncGenerator[object, None]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in rows:
            yield row
