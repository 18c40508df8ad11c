"""Import the users of a bucket: what one task of a cluster does in an import."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing, closing
from itertools import islice
from typing import Any

from .._address import origin
from .._journal_file import JournalError
from .._messages import one_line
from ..cli.batch.stop import Stop
from ..cli.batch.until_stopped import until_stopped
from ..cli.imports.records import Record
from ..cli.imports.results import SKIPPED, line_of
from ..client import MonoCloudClient
from ..imports.journal import CREATED, EXISTED, FAILED, ImportJournal
from ..imports.run import Import, Start
from ..outcome import ImportOutcome
from .bucket import BucketResult, BucketTally, Observer, Progress, Unobserved
from .bucket_rows import BucketRow, BucketRows
from .fencing import fenced
from .import_parts import OF_PARTS, ImportPartJournal
from .job import Job, UserImport
from .staging import Staged
from .storage import Storage
from .user_rows import UserRows

_AT_ONCE = 500
_STATUSES = (CREATED, EXISTED, FAILED)


async def import_bucket(
    job: Job,
    tenant_number: int,
    bucket: int,
    segments: Sequence[Staged],
    client: MonoCloudClient,
    start: Start,
    stop: Stop,
    progress: Progress,
    observer: Observer | None = None,
) -> BucketResult:
    """Import the rows of a bucket that are not done, and write the results of all its rows.

    Args:
        job: the job.
        tenant_number: the tenant's number.
        bucket: the bucket's number.
        segments: where its rows are, in the order of the input.
        client: the tenant's client.
        start: makes the run of a method over rows.
        stop: stops the bucket. It belongs to this bucket alone, because errors set it, too.
        progress: called with a row's earlier status and its new one. First, it is called with
            None and the status for each row that earlier attempts ended.
        observer: receives the tally and the rows that fail.

    Raises:
        FencedError: another worker has taken over the bucket.
        JournalError: the journal cannot be read or written.
    """
    importing = await asyncio.to_thread(_Importing, job, tenant_number, bucket, segments, stop)
    with closing(importing.journal):
        return await importing.run(client, start, progress, observer or Unobserved())


class _Importing:
    def __init__(
        self, job: Job, tenant: int, bucket: int, segments: Sequence[Staged], stop: Stop
    ) -> None:
        self._job = job
        self._import = job.user_import or UserImport()
        self._tenant = tenant
        self._bucket = bucket
        self._name = f"{tenant:04}-{bucket:05}"
        self._stop = stop
        # Where the rows in flight come from, by number.
        self._places: dict[int, str] = {}
        self._storage = Storage(job.journal, job.storage_options)
        self._rows = BucketRows(self._storage, UserRows(job), segments)
        self._rows.check()
        self.journal = ImportPartJournal(
            self._storage,
            f"parts/{self._name}",
            origin(job.domains[tenant], allow_http=True),
            bytes.fromhex(job.key),
            job.began_at,
        )

    async def run(
        self, client: MonoCloudClient, start: Start, progress: Progress, observer: Observer
    ) -> BucketResult:
        """Import the rows, and write the results."""
        before = await asyncio.to_thread(self._before)
        tally = BucketTally(self._rows.count, Counter(before.values()), (FAILED,), progress)
        tally.before = tally.of(CREATED) + tally.of(EXISTED)
        observer.begun(tally)
        if not self._stop.asked.is_set():
            outcomes = self._importing(client, start).through(self.journal)
            receiving = self._receive(outcomes, before, tally, observer)
            async with fenced(self.journal, self._stop):
                await until_stopped(receiving, self._stop, lambda _: None)
        if isinstance(self._stop.error, JournalError):
            raise self._stop.error
        await asyncio.to_thread(self.journal.check)
        return self._result(await asyncio.to_thread(self._write))

    def _before(self) -> Mapping[int, str]:
        """Return the status of the rows that earlier attempts ended."""
        return {n: status for status in _STATUSES for n in self.journal.numbers(status)}

    def _importing(self, client: MonoCloudClient, start: Start) -> Import:
        return Import(
            client._caller,  # pyright: ignore[reportPrivateUsage]
            self._given(),
            self._import.settings,
            self._import.groups,
            self._job.concurrency,
            None,
            self._stop.asked.is_set,
            limits=OF_PARTS,
            start=start,
        )

    async def _given(self) -> AsyncGenerator[Mapping[str, Any], None]:
        rows = self._rows.rows()
        while some := await asyncio.to_thread(_next, rows):
            for row in some:
                self._places[row.number - 1] = f"{row.piece}, line {row.line}"
                yield row.given

    async def _receive(
        self,
        outcomes: AsyncGenerator[ImportOutcome, None],
        before: Mapping[int, str],
        tally: BucketTally,
        observer: Observer,
    ) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                place = self._places.pop(outcome.index)
                if outcome.earlier:
                    continue
                tally.move(before.get(outcome.index), FAILED if outcome.error else outcome.status)
                if outcome.error:
                    observer.failed(f"{place}: {one_line(str(outcome.error))}")

    def _write(self) -> Counter[str]:
        """Write the results, and return the number of rows by status."""
        counts: Counter[str] = Counter()
        lines = self._lines(counts)
        self._storage.write_parts(f"results/{self._name}.jsonl", lines)
        return counts

    def _lines(self, counts: Counter[str]) -> Iterator[bytes]:
        domain = self._job.domains[self._tenant]
        of_tenant = {"domain": domain} if len(self._job.domains) > 1 else {}
        for row, line in _results(self._rows.rows(), self._import.groups, self.journal):
            counts[line["status"]] += 1
            whole = {"input": row.piece, **line, **of_tenant}
            yield json.dumps(whole).encode() + b"\n"

    def _result(self, counts: Counter[str]) -> BucketResult:
        return BucketResult(
            self._tenant,
            self._bucket,
            {status: counts[status] for status in (*_STATUSES, SKIPPED)},
            counts[SKIPPED],
            str(self._stop.error) if self._stop.error else None,
            self._stop.asked.is_set(),
        )


def _next(rows: Iterator[BucketRow]) -> list[BucketRow]:
    return list(islice(rows, _AT_ONCE))


def _results(
    rows: Iterator[BucketRow], groups: Mapping[str, str], journal: ImportJournal
) -> Iterator[tuple[BucketRow, dict[str, Any]]]:
    while some := _next(rows):
        # The import counts rows from 0.
        entries = journal.entries(some[0].number - 1, some[-1].number - 1)
        for row in some:
            record = Record(row.line, row.given)
            yield row, line_of(record, groups, entries.get(row.number - 1), journal)
