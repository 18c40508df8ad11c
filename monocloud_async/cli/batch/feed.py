"""Hand out the rows that remain to be sent, and track those in flight.

If rows set a value, a user's last row in the input must win, however often a run is killed and
resumed. Rows of the same user are therefore sent and recorded one after the other: if a row is
recorded, so are all earlier rows of its user. A failed row is resent only if no later row of its
user is done; otherwise an older phone would replace a newer one.

If a row must not be sent twice, the journal notes rows, a few at a time, before they are handed
out. Rows that a killed process leaves without an outcome are reported as unknown.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from concurrent.futures import Executor
from itertools import islice
from typing import Any, NamedTuple

from ...bulk.row_pace import Tries
from .content import InputChangedError
from .journal import FAILED, OK, SKIPPED, UNKNOWN, Entry, Journal, JournalError, hash_of
from .recorder import Recorder
from .rules import SETS_VALUES, Older, Rules
from .source import AnyRow, HasRows
from .stop import Stop
from .tally import Tally

_ROWS_AT_ONCE = 500
# Rows noted per write before they are handed out; a kill leaves up to this many more unknown.
_BEGUN_AT_ONCE = 64
_CUT_OFF = {
    True: "may have been applied: the run stopped while it was in flight",
    False: "not applied: the run stopped while it was in flight",
}
LOST = "may have been applied: an earlier run was killed and may have sent it"
_HELD = "not sent again: "


class Sent(NamedTuple):
    """A row that is handed out, and its earlier status in the journal."""

    row: AnyRow
    user: int
    before: str | None


class Settled(NamedTuple):
    """A row that will not be sent, and its earlier status in the journal."""

    entry: Entry
    before: str | None


class Feed:
    """Hands out rows.

    Args:
        source: the input.
        journal: the outcomes of earlier runs; None without a journal.
        recorder: records the rows that will not be sent.
        tally: counts rows by status.
        thread: reads the input and the journal.
        stop: signals when to stop handing out rows.
        rules: which rows may be resent.
    """

    def __init__(
        self,
        source: HasRows,
        journal: Journal | None,
        recorder: Recorder,
        tally: Tally,
        thread: Executor,
        stop: Stop,
        rules: Rules = SETS_VALUES,
    ) -> None:
        self._rows = source.rows()
        self._journal = journal if journal and journal.resumed else None
        self._begins = journal if rules.once else None
        self._check = journal.check if journal else _unchecked
        self._rules = rules
        self._recorder = recorder
        self._tally = tally
        self._thread = thread
        self._stop = stop
        self._handed_out = 0
        self._in_flight: dict[int, Sent] = {}
        # Rows noted in the journal as begun, with their previous entries.
        self._begun: dict[int, Entry | None] = {}

    async def pairs(self) -> AsyncGenerator[Any, None]:
        """Yield the arguments of each row."""
        try:
            while (items := await self._next()) is not None:
                for item in items:
                    if self._stop.asked.is_set():
                        return
                    if isinstance(item, Settled):
                        self._tally.move(item.before, item.entry.status)
                        await self._recorder.add(item.entry)
                        continue
                    self._in_flight[self._handed_out] = item
                    self._handed_out += 1
                    yield item.row.given
        except (InputChangedError, JournalError) as error:
            self._stop.ask_for(error)
        except OSError as error:
            self._stop.ask(f"cannot read the input: {error.strerror}")

    def arrived(self, index: int) -> Sent:
        """Return the row handed out with this index, from 0, and stop tracking it."""
        sent = self._in_flight.pop(index)
        self._begun.pop(sent.row.number, None)
        return sent

    def cut_off(self, unsettled: Mapping[int, Tries]) -> dict[int, Entry]:
        """Return entries for the rows that were in flight when the run stopped.

        Args:
            unsettled: the attempts made for these rows, indexed as for ``arrived``.
        """
        entries: dict[int, Entry] = {}
        for index, tries in unsettled.items():
            row, user, before = self._in_flight[index]
            applied = tries.may_have_been_applied
            status = UNKNOWN if applied and self._rules.once else SKIPPED
            if before is None or applied:
                entry = Entry(row.number, user, status, error=_CUT_OFF[applied])
                entries[row.number] = entry._replace(attempts=tries.attempts)
            if applied and (before is not None or status == UNKNOWN):
                # An earlier attempt failed, but a later one may have succeeded.
                self._tally.move(before, status)
        return entries

    def unbegun(self, cut_off: Mapping[int, Entry]) -> dict[int, Entry]:
        """Return the previous entries of rows that were noted as begun but never sent.

        Args:
            cut_off: the entries of the rows that were in flight.
        """
        left = self._left(cut_off)
        return {number: entry for number, entry in left.items() if entry is not None}

    def settle(self, cut_off: Mapping[int, Entry]) -> None:
        """Record the state of the rows that were begun, if the rules need it.

        Args:
            cut_off: the entries of the rows that were in flight.

        Raises:
            JournalError: the journal cannot be written.
        """
        if not self._begins:
            return
        unknown = [entry for entry in cut_off.values() if entry.status == UNKNOWN]
        unsent = [number for number, entry in self._left(cut_off).items() if entry is None]
        self._begins.settle([*unknown, *self.unbegun(cut_off).values()], unsent)

    def _left(self, cut_off: Mapping[int, Entry]) -> Mapping[int, Entry | None]:
        """Return the rows that were begun but not sent, with their previous entries."""
        unknown = {number for number, entry in cut_off.items() if entry.status == UNKNOWN}
        return {n: entry for n, entry in self._begun.items() if n not in unknown}

    async def _next(self) -> Sequence[Sent | Settled] | None:
        """Read a chunk of rows, possibly with none to send; None at the end."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._read)

    def _read(self) -> Sequence[Sent | Settled] | None:
        rows = list(islice(self._rows, _BEGUN_AT_ONCE if self._begins else _ROWS_AT_ONCE))
        if not rows:
            return None
        known: Mapping[int, Entry] = {}
        items: list[Sent | Settled]
        if self._journal is None:
            items = [Sent(row, _user(row), None) for row in rows]
        else:
            known = self._journal.entries(rows[0].number, rows[-1].number)
            found = (self._decided(self._journal, row, known.get(row.number)) for row in rows)
            items = [item for item in found if item is not None]
        if self._begins:
            self._begin(self._begins, items, known)
        # Only now: a run that takes over later reads which rows were noted.
        self._check()
        return items

    def _begin(
        self, journal: Journal, items: Sequence[Sent | Settled], known: Mapping[int, Entry]
    ) -> None:
        """Note in the journal which rows are about to be handed out."""
        numbers = [item.row.number for item in items if isinstance(item, Sent)]
        if numbers:
            before = {number: known.get(number) for number in numbers}
            again = (entry for entry in before.values() if entry)
            journal.begin(numbers, [e._replace(status=UNKNOWN, error=LOST) for e in again])
            self._begun.update(before)

    def _decided(self, journal: Journal, row: AnyRow, entry: Entry | None) -> Sent | Settled | None:
        if entry and entry.status in (OK, SKIPPED):
            return None
        if entry and entry.status == UNKNOWN and not self._rules.resends_unknown:
            return None
        user = _user(row)
        before = entry.status if entry else None
        older = self._rules.older
        later = None if older is Older.SENT else journal.done_after(row.number, user)
        if later is None:
            return Sent(row, user, before)
        if older is Older.SUPERSEDED:
            return Settled(_skipped(entry or Entry(row.number, user, SKIPPED), later), before)
        if entry and entry.error and entry.error.startswith(_HELD):
            return None
        return Settled(_held(entry or Entry(row.number, user, FAILED), later), before)


def note_lost(journal: Journal, source: HasRows, rules: Rules) -> None:
    """Note which rows a killed run may have sent, and their users if older rows depend on them.

    Args:
        journal: the journal that the run left.
        source: the input.
        rules: which rows may be resent.

    Raises:
        InputChangedError: the input has changed since it was checked.
        JournalError: the journal cannot be written.
    """
    journal.note_lost(LOST)
    if rules.older is not Older.SENT and (numbers := journal.unnamed()):
        rows = islice(source.rows(), max(numbers))
        journal.name({row.number: _user(row) for row in rows if row.number in numbers})


def _unchecked() -> None:
    pass


def _user(row: AnyRow) -> int:
    return 0 if row.key is None else hash_of(row.key)


def _skipped(entry: Entry, later: int) -> Entry:
    why = f"superseded: row {later} of the same user is done"
    return entry._replace(status=SKIPPED, error=why + _earlier(entry))


def _held(entry: Entry, later: int) -> Entry:
    why = f"{_HELD}row {later} of the same user is done, and this row could undo it"
    return entry._replace(error=why + _earlier(entry))


def _earlier(entry: Entry) -> str:
    return f"; before that: {entry.error}" if entry.error else ""
