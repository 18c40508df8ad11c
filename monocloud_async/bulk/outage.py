"""How a run behaves while the server is down: occasional probes. This module does no I/O."""

from __future__ import annotations

import random

# Seconds between probes: initially, and at most.
_FIRST = 0.5
_LONGEST = 20.0
# While a probe is in flight, other workers check back every _LOOK seconds, but wait for the
# probe no longer than _PATIENCE.
_LOOK = 0.05
_PATIENCE = 60.0
_LOOK_AGAIN = 1.0
# An outage counts as long after this many pauses, which is a second or two.
_MANY = 3


class Outage:
    """Detects consecutive failures, and throttles the run to single probes until one succeeds.

    Args:
        workers: the number of calls in flight, which may all fail for the same reason.

    Attributes:
        workers: the current number of calls in flight. With the configured concurrency instead,
            the last few calls of a run would use up their retries before the outage is detected.
    """

    def __init__(self, workers: int) -> None:
        self.workers = workers
        self._failures = 0
        self._pauses = 0
        self._until = 0.0
        self._began = 0.0
        self._probe: float | None = None

    @property
    def lasts(self) -> bool:
        """Whether the server seems to be down."""
        return self._pauses > 0

    @property
    def is_long(self) -> bool:
        """Whether the server seems to be down for longer than a moment."""
        return self._pauses >= _MANY

    def wait(self, now: float) -> float:
        """Return the seconds until an attempt may be made."""
        if not self.lasts:
            return 0.0
        if self._probe is not None and now - self._probe < _PATIENCE:
            return _LOOK
        # A response to an earlier attempt may end the outage sooner.
        return min(self._until - now, _LOOK_AGAIN)

    def sent(self, now: float) -> None:
        """Record that an attempt was made."""
        if self.lasts:
            self._probe = now

    def unsent(self) -> None:
        """Record that the current probe was not sent, or that its result will not arrive."""
        self._probe = None

    def answered(self) -> None:
        """Record a response: the server is up."""
        self._failures = self._pauses = 0
        self._probe = None

    def failed(self, sent: float, now: float, asked: float) -> None:
        """Record a failed attempt.

        Args:
            sent: when the attempt was made.
            now: when it failed.
            asked: seconds that the server asked to wait.
        """
        self._failures += 1
        if self._failures < self.workers:
            return
        if not self.lasts or sent >= self._began:
            self._probe = None
            self._began = now
            pause = min(_FIRST * 2 ** min(self._pauses, 16), _LONGEST)
            self._until = now + pause * random.uniform(0.8, 1.2)  # noqa: S311
            self._pauses += 1
        self._until = max(self._until, now + asked)
