"""Count rows by status; the counts always add up to the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from .journal import FAILED, OK, SKIPPED


class Tally:
    """Counts rows by status.

    Args:
        rows: the number of rows.
        before: the counts by status from earlier runs.
        failing: the statuses that count as failed.

    Attributes:
        rows: the number of rows.
        before: how many rows were settled before this run.
        failures: how many rows failed in this run but not in an earlier one.
    """

    def __init__(
        self, rows: int, before: Mapping[str, int] = {}, failing: Collection[str] = (FAILED,)
    ) -> None:
        self.rows = rows
        self._counts = Counter(before)
        self._failing = failing
        self.before: int = self._counts[OK] + self._counts[SKIPPED]
        self.failures: int = 0

    def move(self, before: str | None, now: str) -> None:
        """Move a row from its earlier status to its new one."""
        if before is not None:
            self._counts[before] -= 1
        self._counts[now] += 1
        self.failures += now in self._failing and before not in self._failing

    def take(self, counts: Mapping[str, int], before: int) -> None:
        """Take the counts of all rows.

        Args:
            counts: the number of rows by status.
            before: how many of them were settled before this run.
        """
        self._counts = Counter(counts)
        self.before = before

    @property
    def counts(self) -> Mapping[str, int]:
        """How many rows that have an outcome have which status."""
        return +self._counts

    @property
    def done(self) -> int:
        """How many rows have an outcome, whatever it is."""
        return sum(self._counts.values())

    @property
    def failed(self) -> int:
        """How many rows have failed and not succeeded since."""
        return sum(self._counts[status] for status in self._failing)

    def of(self, status: str) -> int:
        """Return how many rows have a status; rows not sent count as skipped."""
        unsent = self.rows - self.done if status == SKIPPED else 0
        return self._counts[status] + unsent

    def summary(self, statuses: Iterable[str]) -> str:
        """Return the totals as one line."""
        totals = ", ".join(f"{self.of(status):,} {status}" for status in statuses)
        noun = "row" if self.rows == 1 else "rows"
        return f"{self.rows:,} {noun}: {totals}"

    def earlier(self) -> str:
        """Return what to add to the totals if earlier runs did a part of them."""
        if not self.before:
            return ""
        if self.before == self.rows:
            return " (all in earlier runs; this run sent nothing)"
        return f" ({self.before:,} of them in earlier runs)"
