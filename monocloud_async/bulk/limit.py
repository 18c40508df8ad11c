"""How fast the tenant's limit lets a run be, learned from the calls that pass and those refused.

A limiter is taken for a bucket: it holds some calls, loses one with each that passes, and is
filled again at a steady rate, which is what is looked for. A refusal means an empty bucket, so the
calls that passed until then, less what the bucket held, tell the rate. Nothing here does I/O.
"""

from __future__ import annotations

import enum
import math
from collections import deque

import attrs

# Seconds. A shorter time without refusals tells of the bucket's size and little of its rate; at
# a rate that held for longer, calls were refused for having used up a long period's share.
_SHORT = 1.0
_LONG = 5.0
# A run keeps to the rate that it found, from a little below it, for so many seconds. Only then does
# it go beyond, slowly first, to see if there is more by now; if not, it waits for longer.
_BELOW = 0.05
_LITTLE_BELOW = 0.01
_PLATEAU = 20.0
_LONGEST_PLATEAU = 80.0
_SAME = 0.05
# A rate that is found but roughly goes up by that much each second.
_ROUGH_GROWTH = 0.03
# A guess is that much lower than the rate that was too high, or as many buckets a second. It goes
# up by so many calls a second with each call, and thereby doubles within half a second.
_CUT = 8
_BUCKETS = 8
_RISE = 1.4
_SLOWEST = 0.1
# Fewer calls tell nothing of a rate; as many, enough.
_FEW = 10
_MANY = 100
_MARK_SECONDS = 0.02
_MARKS = 1500
_RECENT = 0.1


class _How(enum.Enum):
    """How well the rate is known."""

    GUESSED = enum.auto()
    ROUGHLY = enum.auto()
    WELL = enum.auto()


@attrs.define(eq=False)
class _Stretch:
    """What happened between two refusals.

    Attributes:
        after: when the refusal before it came.
        began: when its first call was sent.
        sent: calls sent.
        passed: calls sent in it that passed, before it ended or after.
        marks: times, and how many had been sent by then, for the last half a minute.
    """

    after: float
    began: float = 0.0
    sent: int = 0
    passed: int = 0
    marks: deque[tuple[float, int]] = attrs.field(factory=lambda: deque(maxlen=_MARKS))


@attrs.frozen(eq=False)
class _Ended:
    """A stretch that a refusal ended, at a time and at a rate."""

    stretch: _Stretch
    at: float
    rate: float

    @property
    def passed(self) -> int:
        return self.stretch.passed

    @property
    def seconds(self) -> float:
        """How long calls were sent in it."""
        return max(self.at - self.stretch.began, 0.001)

    @property
    def overall(self) -> float:
        """The calls a second that passed since the refusal before: the bucket filled as fast."""
        return self.passed / max(self.at - self.stretch.after, 0.001)

    def rates(self, bucket: int, filled: float) -> list[tuple[float, int]]:
        """Return rates that the bucket may have been filled at, each with the calls behind it.

        It held so much at most at any time, and is empty now: so the highest of them is nearest.

        Args:
            bucket: how many calls passed at once after a rest.
            filled: the seconds in which they passed, and the bucket was filled meanwhile.
        """
        counts = [(self.at - at, self.passed - sent) for at, sent in self.stretch.marks]
        return [
            ((count - bucket) / (seconds - filled), count)
            for seconds, count in counts
            if count > 1.5 * bucket and seconds > 2 * filled
        ]

    def tried(self) -> float:
        """Return the rate of late, which is what a call was refused at."""
        if self.rate < math.inf:
            return self.rate
        late = [
            (self.passed - sent) / (self.at - at)
            for at, sent in self.stretch.marks
            if _RECENT <= self.at - at <= _SHORT
        ]
        return max((self.passed or self.stretch.sent) / self.seconds, *late, _SLOWEST)


class Limit:
    """The rate that a run keeps to, in calls a second; infinite until a call is refused.

    Attributes:
        bucket: how many calls passed at once after a rest; 0 if that is not known.
    """

    def __init__(self) -> None:
        self._found = math.inf
        self._how = _How.GUESSED
        self._below = _BELOW
        self._plateau = _PLATEAU
        self.bucket: int = 0
        self._filled = 0.0
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
        sent = self._stretch.sent
        if self._how is _How.GUESSED:
            return self._found + _RISE * sent
        seconds = sent / self._found
        if self._how is _How.ROUGHLY:
            return self._found * (1 - _BELOW) * (1 + _ROUGH_GROWTH * seconds)
        if seconds < self._plateau:
            return self._found * (1 - self._below * (1 - seconds / self._plateau) ** 3)
        return self._found * (1 + _BELOW * ((seconds - self._plateau) / _PLATEAU) ** 3)

    def sent(self, now: float) -> None:
        """Take note of a call."""
        stretch = self._stretch
        if not stretch.sent:
            stretch.began = now
        if not stretch.marks or now - stretch.marks[-1][0] >= _MARK_SECONDS:
            stretch.marks.append((now, stretch.sent))
        stretch.sent += 1

    def passed(self) -> None:
        """Take note of a call that passed."""
        self._stretch.passed += 1

    def passed_late(self) -> None:
        """Take note of a call that was sent before the last refusal came, and passed."""
        if self._ended is not None:
            self._ended.stretch.passed += 1

    def refused(self, now: float) -> None:
        """Take note of a refusal, and count those of calls on their way as part of it."""
        self._ended = _Ended(self._stretch, now, self.rate)
        self._stretch = _Stretch(now)

    def _learn(self, ended: _Ended) -> None:
        if not ended.passed and ended.rate < math.inf:
            # Nothing gets through, however slowly: the rate does not matter.
            return
        before, tried = self._found, ended.tried()
        found, self._how = self._estimate(ended)
        if not self.bucket and ended.seconds < _SHORT:
            self.bucket, self._filled = ended.passed, ended.seconds
        if self._how is _How.GUESSED:
            self._found = max(self._guess(ended, tried), found, _SLOWEST)
            return
        self._found = max(min(max(found, tried / (2 * _CUT)), tried), _SLOWEST)
        same = self._how is _How.WELL and abs(self._found / before - 1) < _SAME
        self._plateau = min(2 * self._plateau, _LONGEST_PLATEAU) if same else _PLATEAU

    def _guess(self, ended: _Ended, tried: float) -> float:
        if ended.seconds >= _LONG and self.bucket:
            # A fixed window of time that is used up may have been used up as well more slowly.
            return tried
        return min(tried / _CUT, _BUCKETS * self.bucket or math.inf)

    def _estimate(self, ended: _Ended) -> tuple[float, _How]:
        """Return the rate that the bucket was filled at, at least, and how well that is known."""
        bucket, self._below = self.bucket, _BELOW
        if not bucket:
            if ended.rate == math.inf:
                return 0.0, _How.GUESSED
            return ended.overall, _How.WELL if ended.passed >= _MANY else _How.ROUGHLY
        if ended.passed < 0.8 * bucket and ended.seconds < _SHORT:
            # The pause has not filled it again: what passed is what came in since.
            return ended.overall, _How.ROUGHLY if ended.passed >= _FEW else _How.GUESSED
        rates = ended.rates(bucket, self._filled)
        if not rates:
            return 0.0, _How.GUESSED
        rate, count = max(*rates, (ended.overall, ended.passed))
        self._below = min(_BELOW, max(_LITTLE_BELOW, 1 / (count - bucket)))
        return rate, _How.WELL if count > 2 * bucket else _How.ROUGHLY
