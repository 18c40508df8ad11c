"""Import the users of a bucket: what one task of a cluster does in an import."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncGenerator, Iterator, Mapping
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
from .bucket import BucketResult, BucketTally, Observer, result_of
from .bucket_rows import BucketRow, BucketRows
from .fencing import fenced
from .import_parts import OF_PARTS, ImportPartJournal
from .job import Job, UserImport
from .plan import Bucket
from .storage import Storage
from .user_rows import UserRows

_AT_ONCE = 500
_STATUSES = (CREATED, EXISTED, FAILED)


async def import_bucket(
    job: Job,
    bucket: Bucket,
    client: MonoCloudClient,
    start: Start,
    stop: Stop,
    observer: Observer,
) -> BucketResult:
    """Import the rows of a bucket that are not done, and write the results of all its rows.

    The arguments and errors are those of ``send_bucket``.
    """
    importing = await asyncio.to_thread(_Importing, job, bucket, stop, observer)
    with closing(importing.journal):
        return await importing.run(client, start)


class _Importing:
    def __init__(self, job: Job, bucket: Bucket, stop: Stop, observer: Observer) -> None:
        self._job = job
        self._import = job.user_import or UserImport()
        self._bucket = bucket
        self._stop = stop
        self._observer = observer
        # Where the rows in flight come from, by number.
        self._places: dict[int, str] = {}
        self._storage = Storage(job.journal, job.storage_options)
        self._rows = BucketRows(self._storage, UserRows(job), bucket.staged)
        self._rows.check()
        self.journal = ImportPartJournal(
            self._storage,
            f"parts/{bucket.name}",
            origin(job.domains[bucket.tenant], allow_http=True),
            bytes.fromhex(job.key),
            job.began_at,
        )

    async def run(self, client: MonoCloudClient, start: Start) -> BucketResult:
        """Import the rows, and write the results."""
        before = await asyncio.to_thread(self._before)
        counts = Counter(before.values())
        tally = BucketTally(self._rows.count, counts, (FAILED,), self._observer)
        tally.before = counts[CREATED] + counts[EXISTED]
        if not self._stop.asked.is_set():
            outcomes = self._importing(client, start).through(self.journal)
            receiving = self._receive(outcomes, before, tally)
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
    ) -> None:
        async with aclosing(outcomes):
            async for outcome in outcomes:
                place = self._places.pop(outcome.index)
                if outcome.earlier:
                    continue
                tally.move(before.get(outcome.index), FAILED if outcome.error else outcome.status)
                if outcome.error:
                    self._observer.failed(f"{place}: {one_line(str(outcome.error))}")

    def _write(self) -> Counter[str]:
        """Write the results, and return the number of rows by status."""
        counts: Counter[str] = Counter()
        lines = self._lines(counts)
        self._storage.write_parts(f"results/{self._bucket.name}.jsonl", lines)
        return counts

    def _lines(self, counts: Counter[str]) -> Iterator[bytes]:
        domain = self._job.domains[self._bucket.tenant]
        of_tenant = {"domain": domain} if len(self._job.domains) > 1 else {}
        for row, line in _results(self._rows.rows(), self._import.groups, self.journal):
            counts[line["status"]] += 1
            whole = {"input": row.piece, **line, **of_tenant}
            yield json.dumps(whole).encode() + b"\n"

    def _result(self, counts: Counter[str]) -> BucketResult:
        shown = {status: counts[status] for status in (*_STATUSES, SKIPPED)}
        return result_of(self._job, self._bucket, self._stop, shown, counts[SKIPPED])


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
