"""The progress display of a batch."""

from __future__ import annotations

import asyncio

from monocloud_async.cli.batch.progress import MOST_FAILURES, Reporter
from monocloud_async.cli.batch.tally import Tally

from .clock import Clock


class Shown:
    """A display that records its lines; a broken one then raises."""

    seconds = 0.01

    def __init__(self, *, broken: bool = False) -> None:
        self.lines: list[str] = []
        self.news = asyncio.Event()
        self.broken = broken
        self.closed = False

    def open(self) -> None:
        pass

    def show(self, tally: Tally, line: str) -> None:  # noqa: ARG002
        self.note(line)

    def note(self, text: str) -> None:
        self.lines.append(text)
        self.news.set()
        if self.broken:
            raise BrokenPipeError

    def close(self) -> None:
        self.closed = True


def test_progress_shows_the_share_the_rate_and_the_time_left() -> None:
    tally, clock = Tally(20_000, {"ok": 12_000}), Clock()
    reporter = Reporter(tally, Shown(), clock)
    assert reporter.status_line() == "12,000 of 20,000 rows (60%), 0/s, 0 failed"
    for _ in range(1000):
        tally.move(None, "ok")
    clock.now += 5
    assert reporter.status_line() == "13,000 of 20,000 rows (65%), 200/s, 0 failed, 0:00:35 left"
    tally.move(None, "failed")
    clock.now += 20
    # The rate covers the last seconds, not the whole run.
    expected = "13,001 of 20,000 rows (65%), 0/s, 1 failed, 1 day, 14:53:00 left"
    assert reporter.status_line() == expected


def test_a_row_that_failed_before_is_counted_once() -> None:
    tally = Tally(3, {"ok": 1, "failed": 2})
    tally.move("failed", "ok")
    tally.move("failed", "failed")
    assert tally.summary(("ok", "failed", "skipped")) == "3 rows: 2 ok, 1 failed, 0 skipped"
    assert (tally.done, tally.failures, tally.before) == (3, 0, 1)


def test_only_a_row_that_had_not_failed_before_counts_as_a_new_failure() -> None:
    tally = Tally(3, {"failed": 1})
    tally.move("failed", "failed")
    tally.move(None, "failed")
    assert (tally.failures, tally.failed) == (1, 2)


def test_progress_is_shown_even_without_rows() -> None:
    tally = Tally(0)
    assert Reporter(tally, Shown(), Clock()).status_line() == "0 of 0 rows, 0/s, 0 failed"
    assert tally.summary(("ok", "failed", "skipped")) == "0 rows: 0 ok, 0 failed, 0 skipped"


async def test_progress_is_shown_periodically_until_the_run_ends() -> None:
    shown = Shown()
    async with Reporter(Tally(10), shown).running():
        for _ in range(2):
            shown.news.clear()
            await asyncio.wait_for(shown.news.wait(), 5)
    assert shown.closed
    assert shown.lines[0] == "0 of 10 rows (0%), 0/s, 0 failed"
    count = len(shown.lines)
    await asyncio.sleep(0.05)
    assert len(shown.lines) == count


async def test_a_broken_display_does_not_end_the_run() -> None:
    shown = Shown(broken=True)
    reporter = Reporter(Tally(10), shown)
    async with reporter.running():
        await asyncio.wait_for(shown.news.wait(), 5)
        reporter.failed(3, "no")
    assert shown.closed


def test_failures_cannot_control_the_terminal_and_only_some_are_shown() -> None:
    shown = Shown()
    reporter = Reporter(Tally(100), shown)
    for line in range(100):
        reporter.failed(line, "no\x1b[2J")
    assert len(shown.lines) == MOST_FAILURES + 1
    assert shown.lines[1] == r"line 1: no\x1b[2J"
