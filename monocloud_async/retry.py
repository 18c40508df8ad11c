"""Which failures may be repeated, how long to wait before, and how often in all.

Nothing here does I/O: it decides over errors, headers and clocks that it is given.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import TypeGuard

import attrs

from .errors import APIError, ConfigurationError, MonoCloudError, RateLimitedError, TransportError

# Headers that are sent twice are joined by a comma; a date has one too, after the weekday.
_BETWEEN = re.compile(r"(?<=[0-9T.]),")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
# Longer than any server means it: such a number is a mistake, and no instruction.
_LONGEST_RETRY_AFTER = 366 * 24 * 3600.0


def _seconds(_: object, attribute: attrs.Attribute[float], value: object) -> None:
    lowest = attribute.metadata.get("above")
    if not is_number(value) or value < 0 or (lowest is not None and value <= lowest):
        bound = "more than 0" if lowest is not None else "0 or more"
        raise ConfigurationError(
            f"RetryPolicy {attribute.name} must be a finite number of seconds, {bound}, "
            f"not {value!r}"
        )


def _count(_: object, attribute: attrs.Attribute[int], value: object) -> None:
    if type(value) is not int or value < 1:
        raise ConfigurationError(
            f"RetryPolicy {attribute.name} must be a whole number, 1 or more, not {value!r}"
        )


@attrs.frozen
class RetryPolicy:
    """How a client repeats what failed.

    Args:
        max_attempts: how often a call is tried in all; 1 never repeats.
        base_delay: seconds; the wait before repeat n is random between 0 and
            ``base_delay * 2**(n - 1)``.
        max_delay: seconds; the longest of such waits.
        deadline: seconds for the whole call, its waits and its queueing included.
        max_retry_after: seconds; where a server asks to wait for longer, the call fails at once
            and its error says ``retry_after``.

    Raises:
        ConfigurationError: a number is out of its range.
    """

    max_attempts: int = attrs.field(default=3, validator=_count)
    base_delay: float = attrs.field(default=0.5, validator=_seconds)
    max_delay: float = attrs.field(default=20.0, validator=_seconds)
    deadline: float = attrs.field(default=60.0, validator=_seconds, metadata={"above": 0})
    max_retry_after: float = attrs.field(default=60.0, validator=_seconds)

    def delay(self, attempt: int, error: BaseException | None) -> float:
        """Return the seconds to wait after a failed attempt, never less than the server asks.

        Args:
            attempt: which one failed, 1 for the first.
            error: what it failed with.
        """
        # The exponent is bounded: a float overflows at 2**1024.
        most = min(self.max_delay, self.base_delay * 2 ** min(attempt - 1, 64))
        return (asked_wait(error) or 0) + random.uniform(0, most)  # noqa: S311

    def allows_wait(self, error: BaseException | None) -> bool:
        """Return whether the wait that a server asks for is one that a caller would sit out."""
        return (asked_wait(error) or 0) <= self.max_retry_after


def asked_wait(error: BaseException | None) -> float | None:
    """Return the seconds that the server asked to wait, where this error says so."""
    return error.retry_after if isinstance(error, APIError) else None


class RetryQuota:
    """What all calls of a client may spend on repeats, so that an outage gets no retry storm.

    Args:
        tokens: how much there is at most, and at first.

    A lost update between threads costs a token, and a lock could be held across a fork.
    """

    COST = 14
    COST_THROTTLED = 5

    def __init__(self, tokens: int = 500) -> None:
        self._most = tokens
        self.tokens: int = tokens

    def allows(self, error: BaseException | None) -> bool:
        """Return whether enough is left to pay for a repeat after this error."""
        return self.tokens >= self._cost(error)

    def take(self, error: BaseException | None) -> None:
        """Pay for a repeat after this error."""
        self.tokens -= self._cost(error)

    def give_back(self) -> None:
        """Note a call whose first attempt succeeded."""
        if self.tokens < self._most:
            self.tokens += 1

    def _cost(self, error: BaseException | None) -> int:
        return self.COST_THROTTLED if isinstance(error, RateLimitedError) else self.COST


def may_repeat(error: BaseException, *, repeatable: bool, reached_server: bool) -> bool:
    """Return whether a failed attempt may be sent again.

    Args:
        error: what it failed with.
        repeatable: whether the operation does twice what it does once.
        reached_server: whether any of the request may have left this machine.
    """
    if isinstance(error, RateLimitedError):
        return True
    if isinstance(error, APIError):
        return repeatable and error.status in TRANSIENT
    if not isinstance(error, TransportError) or error.permanent:
        return False
    return repeatable or not reached_server


def outcome_is_unknown(error: MonoCloudError, *, reached_server: bool) -> bool:
    """Return whether the server may have carried out a failed attempt."""
    if isinstance(error, APIError):
        # Less than 200 is not the answer yet: the server may go on, and say elsewhere how it ended.
        return error.status == 408 or not 200 <= error.status < 500
    return isinstance(error, TransportError) and reached_server


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a server asks to wait, or None where it does not or not sensibly.

    Args:
        headers: the answer's headers; ``Retry-After`` is seconds or an HTTP date, and where there
            is more than one, the longest wait counts.
        now: the time that a date counts from; if None, the answer's ``Date``, or else the present.
    """
    asked = [_asked(said, headers, now) for said in _BETWEEN.split(headers.get("Retry-After", ""))]
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _asked(said: str, headers: Mapping[str, str], now: datetime | None) -> float | None:
    said = said.strip()
    try:
        if _NUMBER.fullmatch(said):
            seconds = float(said)
        else:
            then = _date(said)
            # The server's own clock, where it tells: ours may be ahead, and cut the wait short.
            since = now or _date(headers.get("Date", "")) or datetime.now(timezone.utc)
            seconds = max(0.0, (then - since).total_seconds()) if then else -1
    except OverflowError:
        return None
    return seconds if 0 <= seconds <= _LONGEST_RETRY_AFTER else None


def _date(text: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, TypeError, OverflowError):
        return None
    return date if date.tzinfo is not None else date.replace(tzinfo=timezone.utc)


def is_number(value: object) -> TypeGuard[float]:
    """Return whether a value is a finite number, and fits a float; True and False are not."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
