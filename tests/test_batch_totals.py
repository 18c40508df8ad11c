"""Whatever stops a batch, its totals and its results say the same, and add up to the input."""

from __future__ import annotations

import csv
import os
import random
import signal
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from pathlib import Path

import pytest

from monocloud_async import MonoCloudError, UnauthorizedError
from monocloud_async.bulk import PhoneOutcome
from monocloud_async.bulk.row_pace import Tries
from monocloud_async.cli.batch.content import open_content
from monocloud_async.cli.batch.journal import FAILED, OK, SKIPPED, Journal, Subject
from monocloud_async.cli.batch.outcomes import entry_of
from monocloud_async.cli.batch.progress import Reporter
from monocloud_async.cli.batch.results import Results
from monocloud_async.cli.batch.rows import Input
from monocloud_async.cli.batch.sending import Ending, Sending
from monocloud_async.cli.batch.tally import Tally

from .test_batch_progress import Shown

ROWS = 400
ENDS = ("signal", "signals", "failures", "journal", "key", "none")


class Fake:
    """Sends rows, and has the run end at some moment."""

    def __init__(self, chance: random.Random, end: str, journal: Journal) -> None:
        self.chance = chance
        self.end = end
        self.end_after = chance.randrange(ROWS)
        self.journal = journal
        self.unsettled: dict[int, Tries] = {}

    def start(self, pairs: AsyncIterable[tuple[str, str]], _: Callable[[], bool]) -> Fake:
        self.pairs = pairs
        return self

    async def outcomes(self) -> AsyncGenerator[PhoneOutcome, None]:
        waiting: list[PhoneOutcome] = []
        index = 0
        async for user_id, phone in self.pairs:
            error = MonoCloudError("no") if self.chance.random() < 0.1 else None
            waiting.append(
                PhoneOutcome(index=index, user_id=user_id, identifier_id=phone, error=error)
            )
            index += 1
            if index == self.end_after:
                self.come_to_an_end()
            while len(waiting) > 8:
                yield waiting.pop(self.chance.randrange(len(waiting)))
        for outcome in waiting:
            yield outcome

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
@pytest.mark.parametrize("seed", range(4))
async def test_totals_and_results_agree(tmp_path: Path, end: str, seed: int) -> None:
    chance = random.Random(f"{end}{seed}")
    path, told = tmp_path / "rows.csv", tmp_path / "results.csv"
    users = (chance.randrange(ROWS) for _ in range(ROWS))
    path.write_text("user_id,identifier_id\n" + "".join(f"u-{n},p\n" for n in users))
    with open_content(str(path)) as content:
        source = Input(content)
        for run in (end, chance.choice(ENDS), "none"):
            journal = Journal(
                tmp_path / "journal",
                Subject(content.digest, "https://acme.example", source.by, source.count),
            )
            tally = Tally(source.count, journal.counts())
            fake = Fake(chance, run, journal)
            ending = await Sending(
                source,
                journal,
                tally,
                Reporter(tally, Shown()),
                fake.start,
                entry_of,
                chance.randrange(20) if run == "failures" else None,
            ).run()
            Results(told).write(source, journal, ending.unrecorded)
            check(told, tally, journal, ending)
            journal.close()
    assert tally.of(OK) + tally.of(FAILED) + tally.of(SKIPPED) == ROWS
    assert not ending.stop.why


def check(told: Path, tally: Tally, journal: Journal, ending: Ending) -> None:
    with told.open(newline="") as file:
        found = Counter(row["status"] for row in csv.DictReader(file))
    assert sum(found.values()) == ROWS
    assert found == +Counter({status: tally.of(status) for status in (OK, FAILED, SKIPPED)})
    if not ending.unrecorded:
        recorded = Counter(journal.counts())
        assert (recorded[OK], recorded[FAILED]) == (tally.of(OK), tally.of(FAILED))
