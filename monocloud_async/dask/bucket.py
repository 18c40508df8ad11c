"""Send the rows of a bucket: what one task of a cluster does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing
from typing import Any, Protocol, cast

import attrs

from .._journal_file import JournalError
from ..cli.batch.feed import note_lost
from ..cli.batch.journal import FAILED, OK, SKIPPED, UNKNOWN, Entry, Journal, Subject
from ..cli.batch.outcomes import answer_of, any_entry
from ..cli.batch.results import report_rows
from ..cli.batch.sending import Ending, Sender, Sending
from ..cli.batch.source import AnyRow
from ..cli.batch.stop import Stop
from ..cli.batch.tally import Tally
from ..client import MonoCloudClient
from .bucket_rows import BucketRow, BucketRows
from .fencing import fenced
from .job import Job
from .looking import Looking
from .operation import JobOperation
from .part_journal import OF_PARTS, PartJournal
from .plan import Bucket
from .storage import Storage

# Makes the run of a method over rows, until the function returns true.
Start = Callable[[Callable[..., Any], Any, Callable[[], bool]], Sender]
_BECAME = ("status", "http_status", "error", "trace_id", "attempts")


class Observer(Protocol):
    """Observes a bucket."""

    def begun(self, tally: Tally) -> None:
        """Take the tally, which counts the rows of earlier attempts already."""
        ...

    def moved(self, status: str) -> None:
        """Take the new status of a row, which the tally counts already."""
        ...

    def failed(self, text: str) -> None:
        """Take a row's file, line and error."""
        ...


@attrs.frozen
class BucketResult:
    """How a bucket ended.

    Attributes:
        tenant: the tenant's number.
        bucket: the bucket's number.
        counts: the number of rows by status; rows that were not sent count as skipped.
        unsent: the number of rows that were not sent, and have no outcome.
        fatal: the error that all rows of the tenant would hit, such as that of a wrong key.
        stopped: whether it was stopped, by that or by its ``Stop``.
    """

    tenant: int
    bucket: int
    counts: Mapping[str, int]
    unsent: int
    fatal: str | None
    stopped: bool


async def send_bucket(
    job: Job,
    bucket: Bucket,
    client: MonoCloudClient,
    start: Start,
    stop: Stop,
    observer: Observer,
) -> BucketResult:
    """Send the rows of a bucket that are not done, and write the results of all its rows.

    Args:
        job: the job.
        bucket: the bucket.
        client: the tenant's client.
        start: makes the run of a method over rows.
        stop: stops the bucket. It belongs to this bucket alone, because errors set it, too.
        observer: receives the tally, its changes and the rows that fail.

    Raises:
        FencedError: another worker has taken over the bucket.
        JournalError: the journal cannot be read or written.
    """
    # Some kinds of storage look for credentials first.
    sending = await asyncio.to_thread(_Bucket, job, bucket, stop, observer)
    journal = await asyncio.to_thread(sending.journal)
    with closing(journal):
        return await sending.send(journal, client, start)


def result_of(
    job: Job, bucket: Bucket, stop: Stop, counts: Mapping[str, int], unsent: int
) -> BucketResult:
    """Return how a bucket ended, with the tenant in its error if there are several."""
    fatal = None
    if stop.error is not None:
        tenant = f"{job.domains[bucket.tenant]}: " if len(job.domains) > 1 else ""
        fatal = f"{tenant}{stop.error}"
    stopped = stop.asked.is_set()
    return BucketResult(bucket.tenant, bucket.number, counts, unsent, fatal, stopped)


class _Bucket:
    def __init__(self, job: Job, bucket: Bucket, stop: Stop, observer: Observer) -> None:
        self._job = job
        self._bucket = bucket
        self._stop = stop
        self._observer = observer
        self._operation = JobOperation(job)
        self._rules = self._operation.rules
        self._storage = Storage(job.journal, job.storage_options)
        self._rows = BucketRows(self._storage, self._operation, bucket.staged)

    def journal(self) -> PartJournal:
        """Open the journal with all that earlier attempts left."""
        origin, rows = self._job.domains[self._bucket.tenant], self._rows.count
        subject = Subject("", origin, self._operation.runnable.name, rows)
        self._rows.check()
        journal = PartJournal(self._storage, f"parts/{self._bucket.name}", subject)
        if self._rules.once:
            note_lost(journal, self._rows, self._rules)
        return journal

    async def send(
        self, journal: PartJournal, client: MonoCloudClient, start: Start
    ) -> BucketResult:
        """Send the rows, and write the results."""
        failures = (FAILED, UNKNOWN) if self._rules.once else (FAILED,)
        tally = BucketTally(self._rows.count, journal.counts(), failures, self._observer)
        looking = Looking(self._rows, journal, tally, self._stop, self._job)
        ending = Ending(self._stop, {})
        async with fenced(journal, self._stop):
            await looking.before(client, start)
            if not self._stop.asked.is_set():
                ending = await self._sending(journal, tally, client, start, looking).run()
                await looking.after(client, start)
        if isinstance(self._stop.error, JournalError):
            raise self._stop.error
        await asyncio.to_thread(journal.check)
        await asyncio.to_thread(self._write, journal, ending)
        return self._result(tally)

    def _sending(
        self,
        journal: Journal,
        tally: Tally,
        client: MonoCloudClient,
        start: Start,
        looking: Looking,
    ) -> Sending:
        method = self._operation.method(client)

        def to_entry(outcome: Any, number: int, user: int) -> Entry:
            entry = any_entry(outcome, number, user, once=self._rules.once)
            if self._job.answers:
                answer = answer_of(outcome, secrets=self._job.show_secrets)
                entry = entry._replace(result=answer)
            return looking.noted(entry)

        return Sending(
            self._rows,
            journal,
            tally,
            _Silent(),
            lambda rows, stopped: start(method, rows, stopped),
            to_entry,
            None,
            self._rules,
            self._stop,
            OF_PARTS,
            self._failed,
        )

    def _failed(self, row: AnyRow, error: str) -> None:
        piece = cast("BucketRow", row).piece
        self._observer.failed(f"{piece}, line {row.line}: {error}")

    def _write(self, journal: Journal, ending: Ending) -> None:
        lines = self._lines(journal, ending.unrecorded)
        self._storage.write_parts(f"results/{self._bucket.name}.jsonl", lines)

    def _lines(self, journal: Journal, unrecorded: Mapping[int, Entry]) -> Iterator[bytes]:
        domain = self._job.domains[self._bucket.tenant] if len(self._job.domains) > 1 else None
        hidden = self._operation.secrets
        for row, entry in report_rows(self._rows, journal, unrecorded):
            line = json.dumps(_members(row, entry, domain, hidden))
            # The result is JSON already.
            result = f', "result": {entry.result}' if entry.result else ""
            yield f"{line[:-1]}{result}}}\n".encode()

    def _result(self, tally: Tally) -> BucketResult:
        counts = {status: tally.of(status) for status in (OK, FAILED, UNKNOWN, SKIPPED)}
        unsent = tally.rows - tally.done
        return result_of(self._job, self._bucket, self._stop, counts, unsent)


def _members(
    row: BucketRow, entry: Entry, domain: str | None, hidden: frozenset[str]
) -> Mapping[str, object]:
    shown = {name: value for name, value in row.given.items() if name not in hidden}
    of_tenant = {} if domain is None else {"domain": domain}
    became = {name: getattr(entry, name) for name in _BECAME}
    return {"input": row.piece, "line": row.line, **of_tenant, **shown, **became}


class BucketTally(Tally):
    """Counts rows, and passes each change on.

    Args:
        rows: the number of rows.
        before: the counts by status from earlier attempts.
        failing: the statuses that count as failed.
        observer: receives the tally and its changes.
    """

    def __init__(
        self, rows: int, before: Mapping[str, int], failing: Sequence[str], observer: Observer
    ) -> None:
        super().__init__(rows, before, failing)
        self._observer = observer
        observer.begun(self)

    def move(self, before: str | None, now: str) -> None:
        super().move(before, now)
        self._observer.moved(now)


class _Silent:
    """Shows nothing: an observer sees the rows that fail."""

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None, None]:
        yield

    def failed(self, line: int, error: str) -> None:
        pass

    def note(self, text: str) -> None:
        pass
