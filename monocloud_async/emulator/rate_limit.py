"""A rate limit, implemented as a token bucket."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast, get_args

import attrs

from ..errors import ConfigurationError
from ..retry import is_number
from .problems import too_many_requests

HeaderNames = Literal["RateLimit", "X-RateLimit"]
_NAMES: tuple[str, ...] = get_args(HeaderNames)
_WORDS = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*/\s*(s|min|h)(?:\s+burst\s+([0-9]+))?\s*")
_SECONDS = {"s": 1, "min": 60, "h": 3600}
# Rounding errors in sums of fractions of a second stay below this.
_ROUNDING = 1e-9


def _positive(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_number(value) or value <= 0:
        raise _invalid(f"'s {attribute.name} must be a number greater than 0", value)


def _whole(lowest: int) -> Any:
    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if type(value) is not int or value < lowest:
            raise _invalid(f"'s {attribute.name} must be a whole number, {lowest} or more", value)

    return check


def _names(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and value not in _NAMES:
        raise _invalid(f"'s {attribute.name} must be one of {', '.join(_NAMES)}", value)


def _of_one_second(limit: RateLimit) -> int:
    return max(1, int(limit.per_second)) if is_number(limit.per_second) else 1


@attrs.frozen
class RateLimit:
    """A rate limit; calls over it get 429: ``RateLimit(200, burst=20)``.

    Args:
        per_second: the sustained rate, in calls per second.
        burst: how many calls may come in one burst; by default, those of one second.
        retry_after: the seconds in ``Retry-After``; None for the time until the next call is
            allowed, rounded up.
        headers: ``RateLimit`` or ``X-RateLimit``, to send headers with this prefix: ``-Limit``,
            ``-Remaining`` and ``-Reset`` (seconds until the burst is full); None to send none.

    Rate limits are immutable and have a JSON form with the same names.

    Raises:
        ConfigurationError: the limit is invalid; the message says what to change.
    """

    per_second: float = attrs.field(validator=_positive)
    burst: int = attrs.field(
        default=attrs.Factory(_of_one_second, takes_self=True), kw_only=True, validator=_whole(1)
    )
    retry_after: int | None = attrs.field(
        default=None, kw_only=True, validator=attrs.validators.optional(_whole(0))
    )
    headers: HeaderNames | None = attrs.field(default=None, kw_only=True, validator=_names)

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        return {name: value for name, value in attrs.asdict(self).items() if value is not None}

    @classmethod
    def from_dict(cls, document: object) -> RateLimit:
        """Build a limit from its JSON form, or from text such as ``200/s burst 20``.

        Raises:
            ConfigurationError: the document is invalid; the message says what to change.
        """
        if isinstance(document, str):
            return cls.parse(document)
        if not isinstance(document, Mapping):
            raise _invalid(" must be a JSON object, or like '200/s burst 20'", document)
        members: dict[str, Any] = {"per_second": None, **cast("Mapping[str, Any]", document)}
        names = [field.name for field in attrs.fields(cls)]
        for name in members:
            if name not in names:
                raise ConfigurationError(f"a rate limit has no {name!r}, only {', '.join(names)}")
        return cls(**members)

    @classmethod
    def parse(cls, words: str) -> RateLimit:
        """Parse a limit such as ``200/s burst 20``; the units are ``/s``, ``/min`` and ``/h``.

        Raises:
            ConfigurationError: the text is invalid.
        """
        found = _WORDS.fullmatch(words)
        if not found:
            raise _invalid(" must be like '200/s burst 20', '60/min' or '1000/h'", words)
        number, unit, burst = found.groups()
        per_second = float(number) / _SECONDS[unit]
        return cls(per_second, burst=int(burst)) if burst else cls(per_second)


class TokenBucket:
    """A token bucket that enforces a rate limit.

    Args:
        limit: the limit.
        clock: returns a monotonic time in seconds.
    """

    def __init__(self, limit: RateLimit, clock: Callable[[], float]) -> None:
        self.limit = limit
        self._clock = clock
        self._tokens = float(limit.burst)
        self._filled = clock()

    def take(self) -> dict[str, str]:
        """Take a token for a call, and return the headers for its response.

        Raises:
            ProblemError: 429 if the call is over the limit; it takes no token.
        """
        now = self._clock()
        gained = (now - self._filled) * self.limit.per_second
        self._tokens = min(self.limit.burst, self._tokens + gained)
        self._filled = now
        if self._tokens < 1 - _ROUNDING:
            raise too_many_requests({"Retry-After": str(self._wait()), **self._headers()})
        self._tokens -= 1
        return self._headers()

    def _wait(self) -> int:
        if self.limit.retry_after is not None:
            return self.limit.retry_after
        return max(1, math.ceil((1 - self._tokens) / self.limit.per_second - _ROUNDING))

    def _headers(self) -> dict[str, str]:
        name, burst = self.limit.headers, self.limit.burst
        if name is None:
            return {}
        return {
            f"{name}-Limit": str(burst),
            f"{name}-Remaining": str(max(0, math.floor(self._tokens + _ROUNDING))),
            f"{name}-Reset": str(math.ceil((burst - self._tokens) / self.limit.per_second)),
        }


def _invalid(must: str, value: object) -> ConfigurationError:
    return ConfigurationError(f"a rate limit{must}, not {value!r}")
