"""The rows of an import on their way to the workers, each with what the journal has of it."""

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

# How many rows the journal is told of before they are given out: after a kill, as many may have
# to be looked up in vain.
_BEGUN_AT_ONCE = 256
# It is told about the next ones this many rows ahead.
_AHEAD = 192
_ENTRIES_AT_ONCE = 500
# In the place of a row that is not carried out, so that those after it keep their numbers.
PASSED_OVER: Final = object()


@attrs.frozen(eq=False)
class Work:
    """A row on its way.

    Attributes:
        number: which row, 0 for the first.
        given: the row as given.
        row: what it says; None where it is a mistake.
        error: why it cannot be sent, if so.
        digest: its content's.
        before: what the journal has of it.
        unknown: whether it may have been sent before, with nothing known of what came of it.
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
        """What rows that may be of one user share: they are done in their order."""
        if self.row is None:
            return None
        first = self.row.email or self.row.phone
        return hash((first.value if first else str(self.row.username)).casefold())


class Feed:
    """Gives out rows.

    Args:
        rows: the rows.
        groups: the ids of groups, by their names.
        recorder: keeps the journal.
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
        # How many rows the journal knows of, and how many it is going to.
        self._known = self._asked = self._begun
        self._entries: Mapping[int, Entry] = {}

    async def works(self) -> AsyncGenerator[tuple[int | None, Work], None]:
        """Yield each row, and before it what rows share that are to be done in their order."""
        number = 0
        async with aclosing(_each(self._rows)) as rows:
            async for given in rows:
                if self._recorder.journal is not None:
                    await self._prepare(number)
                if given is not PASSED_OVER:
                    work = self._work(number, given)
                    yield work.key, work
                number += 1

    async def _prepare(self, number: int) -> None:
        """Have the journal know that the row is begun, and look up what it has of it."""
        journal = self._recorder.journal
        assert journal is not None  # noqa: S101  (only then is this called)
        if number < self._begun and number % _ENTRIES_AT_ONCE == 0:
            last = number + _ENTRIES_AT_ONCE - 1
            self._entries = await self._recorder.ask(journal.entries, number, last)
        if number >= self._asked - _AHEAD:
            self._asked = number + _BEGUN_AT_ONCE
            self._recorder.begin(self._asked)
        if number >= self._known:
            self._known = await self._recorder.begun(number + 1)

    def _work(self, number: int, given: object) -> Work:
        try:
            row = import_row(given, self._groups)
        except InvalidArgumentError as error:
            # Its frames hold the row's password.
            told = RowMistakeError(f"rows[{number}]: {error}; nothing was sent")
            return Work(number, given, error=told)
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
