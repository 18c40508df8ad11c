"""How a run goes on while the server is down: one attempt now and then. Nothing here does I/O."""

from __future__ import annotations

import random

# Seconds between two attempts: first, and in the end.
_FIRST = 0.5
_LONGEST = 20.0
# While one attempt is out, others look again after as many seconds; and do not wait for it for
# longer than that.
_LOOK = 0.05
_PATIENCE = 60.0
_LOOK_AGAIN = 1.0
# After as many pauses, a second or two, it is a long one.
_MANY = 3


class Outage:
    """Notices that attempts fail one after the other, and slows the run down until one does not.

    Args:
        workers: how many calls are being made, and so may fail for one reason.

    Attributes:
        workers: the same, as it is now. Were it as many as there may be, the last calls of a run
            would have used up their tries in less than a second, before it is noticed.
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
        """Whether it seems to be down for longer than a moment."""
        return self._pauses >= _MANY

    def wait(self, now: float) -> float:
        """Return the seconds until an attempt may be made."""
        if not self.lasts:
            return 0.0
        if self._probe is not None and now - self._probe < _PATIENCE:
            return _LOOK
        # An answer to an attempt made before may end it sooner.
        return min(self._until - now, _LOOK_AGAIN)

    def sent(self, now: float) -> None:
        """Take note of an attempt."""
        if self.lasts:
            self._probe = now

    def answered(self) -> None:
        """Take note of an answer: the server is up."""
        self._failures = self._pauses = 0
        self._probe = None

    def failed(self, sent: float, now: float, asked: float) -> None:
        """Take note of a failure.

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
