"""Gives out the rows that are still to be sent, and knows which are on their way.

The last row of a user in the input has to win, however often a run is killed and goes on. Rows of
one user are sent, and recorded, one after the other; so where a row is recorded, every earlier one
of its user is. A row that failed is sent again only if no later one of its user is done: the older
phone would take the place of the newer one.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import NamedTuple

from ...bulk.row_pace import Tries
from .content import InputChangedError
from .journal import OK, SKIPPED, Entry, Journal, JournalError, hash_of
from .recorder import Recorder
from .rows import Input, Row
from .stop import Stop
from .tally import Tally

_ROWS_AT_ONCE = 500
_CUT_OFF = {
    True: "may have been sent when the run was stopped, and applied",
    False: "not applied: the run ended while it was tried",
}


class Sent(NamedTuple):
    """A row that is given out, and its status in the journal before that."""

    row: Row
    user: int
    before: str | None


class Superseded(NamedTuple):
    """A row that is not to be sent any more, and its status in the journal before that."""

    entry: Entry
    before: str | None


class Feed:
    """Gives out rows.

    Args:
        source: the input.
        journal: what became of rows in earlier runs; None without a journal.
        recorder: takes the rows that are not to be sent any more.
        tally: counts them.
        thread: what reads the input and the journal.
        stop: says when no more are given out.
    """

    def __init__(
        self,
        source: Input,
        journal: Journal | None,
        recorder: Recorder,
        tally: Tally,
        thread: Executor,
        stop: Stop,
    ) -> None:
        self._rows = source.rows()
        self._journal = journal if journal and journal.resumed else None
        self._recorder = recorder
        self._tally = tally
        self._thread = thread
        self._stop = stop
        self._given = 0
        self._on_the_way: dict[int, Sent] = {}

    async def pairs(self) -> AsyncGenerator[tuple[str, str], None]:
        """Yield users' ids and phones."""
        try:
            while (some := await self._next()) is not None:
                for item in some:
                    if self._stop.asked.is_set():
                        return
                    if isinstance(item, Superseded):
                        self._tally.move(item.before, item.entry.status)
                        await self._recorder.add(item.entry)
                        continue
                    self._on_the_way[self._given] = item
                    self._given += 1
                    yield item.row.user_id, item.row.phone
        except (InputChangedError, JournalError) as error:
            self._stop.ask(str(error))
        except OSError as error:
            self._stop.ask(f"the input cannot be read: {error.strerror}")

    def arrived(self, index: int) -> Sent:
        """Return the row that was given out as this one, 0 for the first; its way is over."""
        return self._on_the_way.pop(index)

    def cut_off(self, unsettled: Mapping[int, Tries]) -> dict[int, Entry]:
        """Return what to say of the rows in the midst of which the run was stopped.

        Args:
            unsettled: what was tried for these rows, numbered as for ``arrived``.
        """
        entries: dict[int, Entry] = {}
        for index, tries in unsettled.items():
            row, user, before = self._on_the_way[index]
            applied = tries.may_have_been_applied
            if before is None or applied:
                entry = Entry(row.number, user, SKIPPED, error=_CUT_OFF[applied])
                entries[row.number] = entry._replace(attempts=tries.attempts)
            if before is not None and applied:
                # It did fail, but may have succeeded since.
                self._tally.move(before, SKIPPED)
        return entries

    async def _next(self) -> Sequence[Sent | Superseded] | None:
        """Read some rows; there may be none to send among them, and None at the end."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    def _read(self) -> Sequence[Sent | Superseded] | None:
        rows = list(islice(self._rows, _ROWS_AT_ONCE))
        if not rows:
            return None
        if self._journal is None:
            return [Sent(row, hash_of(row.user_id), None) for row in rows]
        known = self._journal.entries(rows[0].number, rows[-1].number)
        found = (self._decided(self._journal, row, known.get(row.number)) for row in rows)
        return [item for item in found if item is not None]

    def _decided(self, journal: Journal, row: Row, entry: Entry | None) -> Sent | Superseded | None:
        if entry and entry.status in (OK, SKIPPED):
            return None
        user = hash_of(row.user_id)
        later = journal.done_after(row.number, user)
        before = entry.status if entry else None
        if later is None:
            return Sent(row, user, before)
        return Superseded(_skipped(entry or Entry(row.number, user, SKIPPED), later), before)


def _skipped(entry: Entry, later: int) -> Entry:
    why = f"superseded: row {later} is of the same user, and done"
    earlier = f"; before that: {entry.error}" if entry.error else ""
    return entry._replace(status=SKIPPED, error=why + earlier)
