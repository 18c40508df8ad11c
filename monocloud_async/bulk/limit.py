"""How fast the tenant's limit lets a run be, learned from the calls that pass and those refused.

A limiter is taken for a bucket: it holds some calls, loses one with each that passes, and is
filled again at a steady rate, which is what is looked for. Nothing here does I/O.
"""

from __future__ import annotations

import math
from collections import deque

import attrs

# Seconds. A shorter time without refusals tells of the bucket's size and little of its rate; at
# a rate that held for longer, calls were refused for having used up a long period's share.
_SHORT = 1.0
_LONG = 5.0
# A run begins this much below the rate that was found, is near to it for most of the seconds, and
# goes beyond it only after those, to see if there is more by now.
_BELOW = 0.05
_PLATEAU = 20.0
# A rate that is found but roughly goes up by that much each second; one that is guessed, by more.
_ROUGH = 0.03
_GUESSED = 0.15
# A guess is that much lower than the rate that was too high; the rate found is not lower.
_CUT = 4
_SLOWEST = 0.1
_MARK_SECONDS = 0.1
_MARKS = 300


@attrs.define(eq=False)
class _Stretch:
    """What happened between two refusals.

    Attributes:
        after: when the refusal before it came.
        began: when its first call was sent.
        sent: calls sent.
        passed: calls that passed before it ended.
        late: calls sent in it that passed after it ended.
        marks: times, and how many had passed by then, for the last half a minute.
    """

    after: float
    began: float = 0.0
    sent: int = 0
    passed: int = 0
    late: int = 0
    marks: deque[tuple[float, int]] = attrs.field(factory=lambda: deque(maxlen=_MARKS))


@attrs.frozen(eq=False)
class _Ended:
    """A stretch that a refusal ended, at a time and at a rate."""

    stretch: _Stretch
    at: float
    rate: float


class Limit:
    """The rate that a run keeps to, in calls a second; infinite until a call is refused."""

    def __init__(self) -> None:
        self._found = math.inf
        self._growth = 0.0
        self._bucket = 0
        self._stretch = _Stretch(0.0)
        self._ended: _Ended | None = None

    @property
    def rate(self) -> float:
        """The rate to keep now."""
        if self._ended is not None:
            # By now, what was on its way when a call was refused has been answered.
            self._learn(self._ended)
            self._ended = None
        if self._found == math.inf:
            return math.inf
        # Time is told by calls: a run that waits for something else tries nothing out.
        seconds = self._stretch.sent / self._found
        if self._growth:
            return self._found * (1 - _BELOW) * (1 + self._growth * seconds)
        return self._found * (1 + _BELOW * (seconds / _PLATEAU - 1) ** 3)

    @property
    def bucket(self) -> int:
        """How many calls passed at once after a rest; 0 if that is not known."""
        return self._bucket

    def sent(self, now: float) -> None:
        """Take note of a call."""
        stretch = self._stretch
        if not stretch.sent:
            stretch.began = now
        stretch.sent += 1
        if not stretch.marks or now - stretch.marks[-1][0] >= _MARK_SECONDS:
            stretch.marks.append((now, stretch.passed))

    def passed(self) -> None:
        """Take note of a call that passed."""
        self._stretch.passed += 1

    def passed_late(self) -> None:
        """Take note of a call that was sent before the last refusal came, and passed."""
        if self._ended is not None:
            self._ended.stretch.late += 1

    def refused(self, now: float) -> None:
        """Take note of a refusal, and count those of calls on their way as part of it."""
        self._ended = _Ended(self._stretch, now, self.rate)
        self._stretch = _Stretch(now)

    def _learn(self, ended: _Ended) -> None:
        seconds = max(ended.at - ended.stretch.began, 0.001)
        passed = ended.stretch.passed + ended.stretch.late
        if not passed and ended.rate < math.inf:
            # Nothing gets through, however slowly: the rate does not matter.
            return
        tried = (
            _tried(ended, (passed or ended.stretch.sent) / seconds)
            if ended.rate == math.inf
            else ended.rate
        )
        found, self._growth = self._estimate(ended, seconds, passed)
        if not self._bucket and seconds < _SHORT:
            self._bucket = passed
        if found is None:
            self._growth = _GUESSED
            # A fixed window of time that is used up may have been used up as well more slowly.
            found = tried if seconds >= _LONG and self._bucket else tried / _CUT
        self._found = max(min(max(found, tried / (2 * _CUT)), tried), _SLOWEST)

    def _estimate(self, ended: _Ended, seconds: float, passed: int) -> tuple[float | None, float]:
        """Return the rate that the bucket was filled at, if that can be told, and how to go on."""
        bucket = self._bucket
        if not bucket:
            return None, _GUESSED
        if passed < 0.8 * bucket and seconds < _SHORT:
            # The pause has not filled it again: what passed is what came in since.
            return passed / (ended.at - ended.stretch.after), _ROUGH
        # It was full at some time or later, and is empty now: that time gives the highest rate.
        rates = [
            ((count - bucket) / (ended.at - at), count)
            for at, before in ended.stretch.marks
            if (count := ended.stretch.passed - before) > 1.5 * bucket and ended.at > at
        ]
        if not rates:
            return None, _GUESSED
        rate, count = max(rates)
        return rate, 0.0 if count > 10 * bucket else _ROUGH


def _tried(ended: _Ended, average: float) -> float:
    """Return the rate that a run without any had of late, which is what a call was refused at."""
    late = [
        (ended.stretch.passed - before) / (ended.at - at)
        for at, before in ended.stretch.marks
        if _MARK_SECONDS <= ended.at - at <= _SHORT
    ]
    return max(average, *late, _SLOWEST)
