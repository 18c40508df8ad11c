"""The rate that a run keeps, learned from which calls pass and which are refused.

The server's limiter is modeled as a token bucket: it holds some calls, loses one with each call
that passes, and refills at a steady rate, which is the rate to learn. A refusal means that the
bucket is empty. So the calls that passed until then, minus the bucket's initial content, give the
refill rate. This module does no I/O.
"""

from __future__ import annotations

import enum
import math
from collections import deque

import attrs

# Seconds. A shorter time without refusals reveals the bucket's size rather than its rate. A rate
# that lasted longer than _LONG before a refusal suggests a fixed window that ran out.
_SHORT = 1.0
_LONG = 5.0
# After learning a rate, a run approaches it from slightly below and stays there for _PLATEAU
# seconds. Then it probes beyond, slowly at first. If the limit is unchanged, it waits longer.
_BELOW = 0.05
_LITTLE_BELOW = 0.01
_PLATEAU = 20.0
_LONGEST_PLATEAU = 80.0
_SAME = 0.05
# A roughly known rate grows by this fraction per second.
_ROUGH_GROWTH = 0.03
# A guess is the refused rate divided by _CUT, or _BUCKETS buckets per second. It grows by _RISE
# calls per second with each call, so it doubles within half a second.
_CUT = 8
_BUCKETS = 8
_RISE = 1.4
_SLOWEST = 0.1
# With fewer than _FEW calls a rate is unknown; with _MANY it is well known.
_FEW = 10
_MANY = 100
# Seconds by which the first of many calls sent together may reach the server before the last.
_SPREAD = 0.02
_MARK_SECONDS = 0.02
_MARKS = 1500
_RECENT = 0.1


class _Confidence(enum.Enum):
    """How well the rate is known."""

    GUESSED = enum.auto()
    ROUGHLY = enum.auto()
    WELL = enum.auto()


@attrs.define(eq=False)
class _Stretch:
    """The calls between two refusals.

    Attributes:
        after: when the previous refusal arrived.
        began: when the first call was sent.
        first: when the first call passed; None before that.
        sent: the number of calls sent.
        passed: how many of them passed, even if later than the end of the stretch.
        marks: times with the number of calls sent until then, for the last half minute.
    """

    after: float
    began: float = 0.0
    first: float | None = None
    sent: int = 0
    passed: int = 0
    marks: deque[tuple[float, int]] = attrs.field(factory=lambda: deque(maxlen=_MARKS))


@attrs.frozen(eq=False)
class _Ended:
    """A stretch, with the time and the rate at which a refusal ended it."""

    stretch: _Stretch
    at: float
    rate: float

    @property
    def passed(self) -> int:
        return self.stretch.passed

    @property
    def seconds(self) -> float:
        """The time during which calls were sent."""
        return max(self.at - self.stretch.began, 0.001)

    @property
    def burst(self) -> float:
        """About how long calls reached the server; the first ones spend time on connecting."""
        first = self.stretch.first
        return self.seconds if first is None else min(self.seconds, self.at - first + _SPREAD)

    @property
    def overall(self) -> float:
        """Calls passed per second since the previous refusal: how fast the bucket refilled."""
        return self.passed / max(self.at - self.stretch.after, 0.001)

    def rates(self, bucket: int, filled: float) -> list[tuple[float, int]]:
        """Return candidate refill rates, each with the number of calls behind it.

        The bucket never held more than ``bucket`` calls and is empty now, so each candidate is a
        lower bound, and the highest is the closest.

        Args:
            bucket: the number of calls that passed in a burst after a pause.
            filled: the duration of that burst in seconds, during which the bucket kept refilling.
        """
        counts = [(self.at - at, self.passed - sent) for at, sent in self.stretch.marks]
        return [
            ((count - bucket) / (seconds - filled), count)
            for seconds, count in counts
            if count > 1.5 * bucket and seconds > 2 * filled
        ]

    def tried(self) -> float:
        """Return the most recent rate, which is the rate that was refused."""
        if self.rate < math.inf:
            return self.rate
        late = [
            (self.passed - sent) / (self.at - at)
            for at, sent in self.stretch.marks
            if _RECENT <= self.at - at <= _SHORT
        ]
        return max((self.passed or self.stretch.sent) / self.seconds, *late, _SLOWEST)


class Limit:
    """The rate that a run keeps, in calls per second; infinite until a call is refused.

    Attributes:
        bucket: the number of calls that passed in a burst after a pause; 0 if unknown.
    """

    def __init__(self) -> None:
        self._found = math.inf
        self._confidence = _Confidence.GUESSED
        self._below = _BELOW
        # Whether the last refusal came too early to learn from it.
        self._doubtful = False
        self._plateau = _PLATEAU
        self.bucket: int = 0
        self._filled = 0.0
        self._stretch = _Stretch(0.0)
        self._ended: _Ended | None = None

    @property
    def rate(self) -> float:
        """The rate to keep now."""
        if self._ended is not None:
            # The calls in flight when the refusal arrived have completed by now.
            self._learn(self._ended)
            self._ended = None
        if self._found == math.inf:
            return math.inf
        # Measure time in calls: a run that is waiting for something else must not probe.
        sent = self._stretch.sent
        if self._confidence is _Confidence.GUESSED:
            return self._found + _RISE * sent
        seconds = sent / self._found
        if self._confidence is _Confidence.ROUGHLY:
            return self._found * (1 - _BELOW) * (1 + _ROUGH_GROWTH * seconds)
        if seconds < self._plateau:
            return self._found * (1 - self._below * (1 - seconds / self._plateau) ** 3)
        return self._found * (1 + _BELOW * ((seconds - self._plateau) / _PLATEAU) ** 3)

    def sent(self, now: float) -> None:
        """Record that a call was sent."""
        stretch = self._stretch
        if not stretch.sent:
            stretch.began = now
        if not stretch.marks or now - stretch.marks[-1][0] >= _MARK_SECONDS:
            stretch.marks.append((now, stretch.sent))
        stretch.sent += 1

    def unsent(self, count: int) -> None:
        """Record that calls of the current stretch were not sent after all."""
        self._stretch.sent -= min(count, self._stretch.sent)

    def passed(self, now: float, count: int = 1) -> None:
        """Record that calls passed."""
        stretch = self._stretch
        if stretch.first is None:
            stretch.first = now
        stretch.passed += count

    def passed_late(self, count: int = 1) -> None:
        """Record that calls passed that were sent before the last refusal arrived."""
        if self._ended is not None:
            self._ended.stretch.passed += count

    def refused(self, now: float) -> None:
        """Record a refusal; refusals of calls already in flight count as the same one."""
        self._ended = _Ended(self._stretch, now, self.rate)
        self._stretch = _Stretch(now)

    def _learn(self, ended: _Ended) -> None:
        if not ended.passed and ended.rate < math.inf:
            # Nothing passes however slow the run is, so the rate is not the reason.
            return
        before, tried, known = self._found, ended.tried(), self._confidence
        found, self._confidence = self._estimate(ended)
        if not self.bucket and ended.seconds < _SHORT:
            self.bucket, self._filled = ended.passed, ended.burst
        if self._is_doubtful(found, known):
            self._confidence = _Confidence.ROUGHLY
            return
        if self._confidence is _Confidence.GUESSED:
            self._found = max(self._guess(ended, tried), found, _SLOWEST)
            return
        self._found = max(min(max(found, tried / (2 * _CUT)), tried), _SLOWEST)
        same = self._confidence is _Confidence.WELL and abs(self._found / before - 1) < _SAME
        self._plateau = min(2 * self._plateau, _LONGEST_PLATEAU) if same else _PLATEAU

    def _is_doubtful(self, found: float, known: _Confidence) -> bool:
        """Return whether to keep the rate that was known before a refusal.

        After a few calls, a refusal says little: calls that came in a bunch, as on a busy machine,
        are refused below the limit, too. A second one in a row counts.
        """
        before, now = known is not _Confidence.GUESSED, self._confidence is _Confidence.WELL
        self._doubtful = before and not now and found < self._found and not self._doubtful
        return self._doubtful

    def _guess(self, ended: _Ended, tried: float) -> float:
        if ended.seconds >= _LONG and self.bucket:
            # A fixed window ran out, which would have happened at a lower rate too.
            return tried
        return min(tried / _CUT, _BUCKETS * self.bucket or math.inf)

    def _estimate(self, ended: _Ended) -> tuple[float, _Confidence]:
        """Return a lower bound of the refill rate, and how well it is known."""
        bucket, self._below = self.bucket, _BELOW
        if not bucket:
            if ended.rate == math.inf:
                return 0.0, _Confidence.GUESSED
            return ended.overall, _Confidence.WELL if ended.passed >= _MANY else _Confidence.ROUGHLY
        if ended.passed < 0.8 * bucket and ended.seconds < _SHORT:
            # The pause did not refill the bucket, so what passed equals the refill.
            return (
                ended.overall,
                _Confidence.ROUGHLY if ended.passed >= _FEW else _Confidence.GUESSED,
            )
        rates = ended.rates(bucket, self._filled)
        if not rates:
            return 0.0, _Confidence.GUESSED
        rate, count = max(*rates, (ended.overall, ended.passed))
        self._below = min(_BELOW, max(_LITTLE_BELOW, 1 / (count - bucket)))
        return rate, _Confidence.WELL if count > bucket + max(bucket, 50) else _Confidence.ROUGHLY
