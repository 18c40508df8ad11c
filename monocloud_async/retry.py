"""The retry policy: which failures to retry, how long to back off, and how often.

This module does no I/O. It only evaluates errors, headers and clock readings.
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

# Repeated headers are joined by a comma; a date contains one too, after the weekday.
_BETWEEN = re.compile(r"(?<=[0-9T.]),")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
TRANSIENT = frozenset({408, 429, 500, 502, 503, 504})
# No server means to ask for more than a year: treat a longer wait as a mistake.
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
    """How a client retries failed calls.

    Attributes:
        max_attempts: the total number of attempts per call. 1 disables retries.
        base_delay: seconds. The wait before retry n is random between 0 and
            ``base_delay * 2**(n - 1)``.
        max_delay: seconds. The upper bound of that wait.
        deadline: seconds for the whole call, including waits, queueing and hooks.
        max_retry_after: seconds. If a server asks for a longer wait, the call fails immediately
            and the error's ``retry_after`` says how long.

    Raises:
        ConfigurationError: a number is out of range.
    """

    max_attempts: int = attrs.field(default=3, validator=_count)
    base_delay: float = attrs.field(default=0.5, validator=_seconds)
    max_delay: float = attrs.field(default=20.0, validator=_seconds)
    deadline: float = attrs.field(default=60.0, validator=_seconds, metadata={"above": 0})
    max_retry_after: float = attrs.field(default=60.0, validator=_seconds)

    def delay(self, attempt: int, error: BaseException | None) -> float:
        """Return the seconds to wait before the next attempt, never less than the server asks for.

        Args:
            attempt: the number of the failed attempt, counting from 1.
            error: the error it failed with.
        """
        # The exponent is bounded: a float overflows at 2**1024.
        longest = min(self.max_delay, self.base_delay * 2 ** min(attempt - 1, 64))
        return (asked_wait(error) or 0) + random.uniform(0, longest)  # noqa: S311

    def allows_wait(self, error: BaseException | None) -> bool:
        """Return whether the wait that the server asks for is within ``max_retry_after``."""
        return (asked_wait(error) or 0) <= self.max_retry_after


def asked_wait(error: BaseException | None) -> float | None:
    """Return the seconds that the server asks to wait, or None if the error does not say."""
    return error.retry_after if isinstance(error, APIError) else None


class RetryQuota:
    """A budget for retries, shared by all calls of a client, so an outage causes no retry storm.

    Args:
        tokens: the size of the budget, which starts out full.

    It uses no lock, because a fork could inherit it locked. The price is small: two threads
    that race may lose an update worth one token.
    """

    COST = 14
    COST_THROTTLED = 5

    def __init__(self, tokens: int = 500) -> None:
        self._most = tokens
        self.tokens: int = tokens

    def allows(self, error: BaseException | None) -> bool:
        """Return whether the budget covers a retry after this error."""
        return self.tokens >= self._cost(error)

    def take(self, error: BaseException | None) -> None:
        """Charge the budget for a retry after this error."""
        self.tokens -= self._cost(error)

    def give_back(self) -> None:
        """Refund a token after a call that succeeded on the first attempt."""
        if self.tokens < self._most:
            self.tokens += 1

    def _cost(self, error: BaseException | None) -> int:
        return self.COST_THROTTLED if isinstance(error, RateLimitedError) else self.COST


def may_repeat(error: BaseException, *, repeatable: bool, reached_server: bool) -> bool:
    """Return whether a failed attempt may be retried.

    Args:
        error: the error it failed with.
        repeatable: whether the operation is idempotent.
        reached_server: whether any part of the request may have left this machine.
    """
    if isinstance(error, RateLimitedError):
        return True
    if isinstance(error, APIError):
        return repeatable and error.status in TRANSIENT
    if not isinstance(error, TransportError) or error.permanent:
        return False
    return repeatable or not reached_server


def outcome_is_unknown(error: MonoCloudError, *, reached_server: bool) -> bool:
    """Return whether the server may have applied a failed attempt."""
    if isinstance(error, APIError):
        # A status below 200 is not final: the server may still be processing the request.
        return error.status == 408 or not 200 <= error.status < 500
    return isinstance(error, TransportError) and reached_server


def retry_after(headers: Mapping[str, str], now: datetime | None = None) -> float | None:
    """Return the seconds that a server asks to wait, or None if it asks for no sensible wait.

    Args:
        headers: the response headers. ``Retry-After`` is a number of seconds or an HTTP date; if
            it is repeated, the longest wait counts.
        now: the time that a date is relative to. None uses the response's ``Date`` header, or
            else the local clock.
    """
    asked = [
        _asked(value, headers, now) for value in _BETWEEN.split(headers.get("Retry-After", ""))
    ]
    return max((seconds for seconds in asked if seconds is not None), default=None)


def _asked(value: str, headers: Mapping[str, str], now: datetime | None) -> float | None:
    value = value.strip()
    try:
        if _NUMBER.fullmatch(value):
            seconds = float(value)
        else:
            then = _date(value)
            # Prefer the server's clock: if ours is ahead, it would shorten the wait.
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
    """Return whether a value is a finite number that fits a float; booleans are not numbers."""
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return False
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
