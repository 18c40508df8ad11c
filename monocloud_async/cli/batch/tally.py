"""How many rows are in which state, which always adds up to the input."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping

from .journal import FAILED, OK, SKIPPED


class Tally:
    """Counts the rows by what became of them.

    Args:
        rows: how many there are.
        before: what became of some of them in earlier runs.
        failing: the states of those that failed.

    Attributes:
        rows: how many there are.
        before: how many were settled before this run.
        failures: how many failed in this run that had not in an earlier one.
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
        """Count a row for what became of it, and no longer for what it was before."""
        if before is not None:
            self._counts[before] -= 1
        self._counts[now] += 1
        self.failures += now in self._failing and before not in self._failing

    @property
    def done(self) -> int:
        """How many rows came to something, whatever it is."""
        return sum(self._counts.values())

    @property
    def failed(self) -> int:
        """How many rows failed, and did not do so in vain in a later try."""
        return sum(self._counts[status] for status in self._failing)

    def of(self, status: str) -> int:
        """Return how many rows are in a state; what was not sent is skipped."""
        unsent = self.rows - self.done if status == SKIPPED else 0
        return self._counts[status] + unsent

    def told(self, statuses: Iterable[str]) -> str:
        """Return the totals in a line."""
        totals = ", ".join(f"{self.of(status):,} {status}" for status in statuses)
        noun = "row" if self.rows == 1 else "rows"
        return f"{self.rows:,} {noun}: {totals}"
