"""Notes about the paces of a run: why it waits."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

# Seconds. Shorter waits are not worth a note, and waits that end this close together count as one.
_LONG = 5.0
# Seconds that may have passed before a wait was seen.
_LATE = 0.5


class PaceNotes:
    """Notes each long wait and each outage once.

    Args:
        domains: the tenants' domains.
        clock: returns the time in seconds.
    """

    def __init__(self, domains: Sequence[str], clock: Callable[[], float] = time.monotonic) -> None:
        self._domains = domains
        self._clock = clock
        self._until: dict[int, float] = {}
        self._down: set[int] = set()

    def of(self, paces: Sequence[Mapping[str, Any]]) -> Sequence[str]:
        """Return the new notes.

        Args:
            paces: the state of each tenant's pace.
        """
        return [
            note if len(self._domains) == 1 else f"{self._domains[tenant]}: {note}"
            for tenant, pace in enumerate(paces)
            for note in self._of(tenant, pace)
        ]

    def _of(self, tenant: int, pace: Mapping[str, Any]) -> Iterator[str]:
        seconds: float = pace["waits"]
        until = self._clock() + seconds
        if seconds > _LONG - _LATE and until > self._until.get(tenant, float("-inf")) + _LONG:
            self._until[tenant] = until
            yield (
                f"the server asks to wait: the run pauses for {seconds:,.0f} s, then resumes "
                "automatically"
            )
        if pace["is_down"] and tenant not in self._down:
            self._down.add(tenant)
            yield "the server seems to be down; the run retries periodically"
        elif not pace["is_down"]:
            self._down.discard(tenant)
