"""Whatever stops a batch, its totals match its results and add up to the input."""

from __future__ import annotations

import csv
import functools
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from pathlib import Path

import pytest

from monocloud_async import MonoCloudError, TransportError, UnauthorizedError
from monocloud_async.bulk import PhoneOutcome
from monocloud_async.bulk.row_pace import Tries
from monocloud_async.cli.batch.content import open_content
from monocloud_async.cli.batch.journal import FAILED, OK, SKIPPED, UNKNOWN, Journal, Subject
from monocloud_async.cli.batch.outcomes import any_entry, entry_of
from monocloud_async.cli.batch.progress import Reporter
from monocloud_async.cli.batch.reports import phones_report
from monocloud_async.cli.batch.results import Results
from monocloud_async.cli.batch.rows import Input
from monocloud_async.cli.batch.rules import SETS_VALUES, Older, Rules
from monocloud_async.cli.batch.sending import Ending, Sending
from monocloud_async.cli.batch.tally import Tally

from .test_batch_progress import Shown

ROWS = 400
# This kind of error may have been applied.
LOST = TransportError("lost", operation="x", may_have_been_applied=True)
ONCE = Rules(once=True, older=Older.SENT, retry_unknown=True)
ENDS = ("signal", "signals", "failures", "journal", "key", "none")


class Fake:
    """Sends rows, and ends the run at some moment."""

    def __init__(self, chance: random.Random, end: str, journal: Journal) -> None:
        self.chance = chance
        self.end = end
        self.end_after = chance.randrange(ROWS)
        self.journal = journal
        self.unsettled: dict[int, Tries] = {}
        self.busy = chance.randrange(8)

    def start(self, pairs: AsyncIterable[tuple[str, str]], _: Callable[[], bool]) -> Fake:
        self.pairs = pairs
        return self

    async def outcomes(self) -> AsyncGenerator[PhoneOutcome, None]:
        waiting: list[PhoneOutcome] = []
        index = 0
        async for user_id, phone in self.pairs:
            error = self.chance.choice([LOST, MonoCloudError("no"), *[None] * 14])
            waiting.append(
                PhoneOutcome(index=index, user_id=user_id, identifier_id=phone, error=error)
            )
            index += 1
            self.unsettled = {
                outcome.index: Tries(1, may_have_been_applied=outcome.index % 2 == 0)
                for outcome in waiting[: self.busy]
            }
            if index == self.end_after:
                self.come_to_an_end()
            while len(waiting) > 8:
                yield self.settled(waiting.pop(self.chance.randrange(len(waiting))))
        for outcome in waiting:
            yield self.settled(outcome)

    def settled(self, outcome: PhoneOutcome) -> PhoneOutcome:
        self.unsettled.pop(outcome.index, None)
        return outcome

    def come_to_an_end(self) -> None:
        if self.end.startswith("signal"):
            os.kill(os.getpid(), signal.SIGINT)
        if self.end == "signals":
            os.kill(os.getpid(), signal.SIGTERM)
        if self.end == "journal":
            self.journal._db.execute("PRAGMA max_page_count = 1")
        if self.end == "key":
            raise UnauthorizedError(401, {}, {}, operation="phones.set_primary")  # type: ignore[arg-type]


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize(
    ("seed", "rules"),
    [*((seed, SETS_VALUES) for seed in range(4)), (4, ONCE), (5, ONCE)],
    ids=["0", "1", "2", "3", "4-once", "5-once"],
)
async def test_totals_and_results_agree(tmp_path: Path, end: str, seed: int, rules: Rules) -> None:
    chance = random.Random(f"{end}{seed}")
    to_entry = functools.partial(any_entry, once=True) if rules.once else entry_of
    failures = (FAILED, UNKNOWN) if rules.once else (FAILED,)
    path, report = tmp_path / "rows.csv", tmp_path / "results.csv"
    users = (chance.randrange(ROWS) for _ in range(ROWS))
    path.write_text("user_id,identifier_id\n" + "".join(f"u-{n},p\n" for n in users))
    with open_content(str(path)) as content:
        source = Input(content)
        for run in (end, chance.choice(ENDS), "none"):
            journal = Journal(
                tmp_path / "journal",
                Subject(content.digest, "https://acme.example", source.by, source.count),
            )
            if rules.once:
                journal.note_lost("lost")
            tally = Tally(source.count, journal.counts(), failures)
            fake = Fake(chance, run, journal)
            ending = await Sending(
                source,
                journal,
                tally,
                Reporter(tally, Shown()),
                fake.start,
                to_entry,
                chance.randrange(20) if run == "failures" else None,
                rules,
            ).run()
            Results(report).write(
                source, journal, ending.unrecorded, phones_report(by_number=False)
            )
            check(report, tally, journal, ending)
            journal.close()
    assert sum(map(tally.of, (OK, FAILED, UNKNOWN, SKIPPED))) == ROWS
    assert not ending.stop.why


def check(report: Path, tally: Tally, journal: Journal, ending: Ending) -> None:
    with report.open(newline="") as file:
        found = Counter(row["status"] for row in csv.DictReader(file))
    assert sum(found.values()) == ROWS
    assert found == +Counter(
        {status: tally.of(status) for status in (OK, FAILED, UNKNOWN, SKIPPED)}
    )
    if not ending.unrecorded:
        recorded = Counter(journal.counts())
        for status in (OK, FAILED, UNKNOWN):
            assert recorded[status] == tally.of(status)
