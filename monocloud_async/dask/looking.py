"""Look up the rows of a bucket that earlier attempts may have sent."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import aclosing
from itertools import takewhile
from typing import Any

from .._messages import one_line
from ..bulk import Outcome
from ..cli.batch.journal import FAILED, UNKNOWN, Entry, Journal
from ..cli.batch.outcomes import answer_of
from ..cli.batch.sending import Outcomes, Sender
from ..cli.batch.stop import Stop
from ..cli.batch.tally import Tally
from ..cli.batch.until_stopped import until_stopped
from ..client import MonoCloudClient
from .bucket_rows import BucketRows
from .job import Job
from .lookups import Found, Look, lookup_for

Start = Callable[[Callable[..., Any], Any, Callable[[], bool]], Sender]


class Looking:
    """Looks up rows, and records what was found.

    Args:
        rows: the rows of the bucket.
        journal: the outcomes of earlier attempts.
        tally: counts the rows.
        stop: stops the bucket.
        job: the job.
    """

    def __init__(
        self, rows: BucketRows, journal: Journal, tally: Tally, stop: Stop, job: Job
    ) -> None:
        self._rows = rows
        self._journal = journal
        self._tally = tally
        self._stop = stop
        self._job = job
        # What was found of rows that are sent again, by number.
        self._again: dict[int, str] = {}

    async def before(self, client: MonoCloudClient, start: Start) -> None:
        """Look up the rows that may have been applied: what was not applied is sent again.

        Args:
            client: the tenant's client.
            start: makes the run of a method over rows.

        Raises:
            JournalError: the journal cannot be read or written.
        """
        look = _lookup(self._job, client)
        unknown = await asyncio.to_thread(self._journal.of_status, UNKNOWN) if look else ()
        if look and unknown:
            await self._look(look, unknown, start)

    async def after(self, client: MonoCloudClient, start: Start) -> None:
        """Look up the rows that were sent again and refused: the earlier call may just have ended.

        Args:
            client: the tenant's client.
            start: makes the run of a method over rows.

        Raises:
            JournalError: the journal cannot be read or written.
        """
        look = _lookup(self._job, client)
        if not look or not self._again or self._stop.asked.is_set():
            return
        failed = await asyncio.to_thread(self._journal.of_status, FAILED)
        if refused := [entry for entry in failed if entry.number in self._again]:
            await self._look(look, refused, start)

    def noted(self, entry: Entry) -> Entry:
        """Return the entry of a row that was sent, with what a lookup found before."""
        note = self._again.get(entry.number)
        if note is None:
            return entry
        return entry._replace(error=f"{note}; {entry.error}" if entry.error else note)

    async def _look(self, look: Look, entries: Sequence[Entry], start: Start) -> None:
        by_number = {entry.number: entry for entry in entries}
        rows = await asyncio.to_thread(lambda: list(self._rows.some(by_number)))
        stopped = self._stop.asked.is_set
        # The run itself checks only before a user's further rows.
        going_on = takewhile(lambda _: not stopped(), rows)
        run = start(look, ((row.given, self._job.began_at) for row in going_on), stopped)
        ordered = [by_number[row.number] for row in rows]
        found: list[Entry] = []
        receiving = self._receive(run.outcomes(), ordered, found)
        await until_stopped(receiving, self._stop, lambda _: None)
        await asyncio.to_thread(self._journal.record, found)
        for entry in found:
            self._tally.move(by_number[entry.number].status, entry.status)

    async def _receive(
        self, outcomes: Outcomes, entries: Sequence[Entry], found: list[Entry]
    ) -> None:
        async with aclosing(outcomes):
            async for each in outcomes:
                outcome: Outcome[Found] = each
                entry = self._entry(outcome, entries[outcome.index])
                found.append(entry)

    def _entry(self, outcome: Outcome[Found], before: Entry) -> Entry:
        if outcome.result is None:
            why = f"may have been applied; the lookup failed: {one_line(str(outcome.error))}"
            return before._replace(error=why)
        status, note, user = outcome.result
        if status == FAILED and before.status == FAILED:
            # It was sent again already, and refused.
            return before
        if status == FAILED:
            self._again[before.number] = note
        result: str | None = None
        if user is not None and self._job.answers:
            answer = Outcome(index=0, result=user)
            result = answer_of(answer, secrets=self._job.show_secrets)
        return before._replace(status=status, error=note, result=result)


def _lookup(job: Job, client: MonoCloudClient) -> Look | None:
    caller = client._caller  # pyright: ignore[reportPrivateUsage]
    return lookup_for(job.operation.replace("-", "_"), caller)
