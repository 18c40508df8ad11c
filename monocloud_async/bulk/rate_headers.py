"""Rate limit headers, in the four formats that servers use.

They are hints, so implausible values are ignored. This module does no I/O.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import attrs

_NUMBER = re.compile(r"[0-9]{1,16}(\.[0-9]+)?")
# RateLimit: "default";r=50;t=30, or in earlier drafts RateLimit: limit=100, remaining=50, reset=30
_ITEM = re.compile(r"\br=(?P<remaining>[0-9]{1,16}).*?\bt=(?P<reset>[0-9]{1,16})")
_LIST = re.compile(r"\bremaining=(?P<remaining>[0-9]{1,16}).*?\breset=(?P<reset>[0-9]{1,16})")
_PREFIXES = ("ratelimit", "x-ratelimit", "x-rate-limit")
_EPOCH = 1e9
# Seconds. A longer window is implausible, or too long to wait for on a mere hint.
_LONGEST = 3600.0


@attrs.frozen
class Hint:
    """What is left of a rate limit window.

    Attributes:
        remaining: the number of calls left.
        reset: seconds until the window resets.
    """

    remaining: float
    reset: float


def hint(headers: Mapping[str, str]) -> Hint | None:
    """Return the rate limit hint in the headers, or None if none is plausible."""
    value = headers.get("ratelimit")
    if value is not None:
        hints = [_of(found["remaining"], found["reset"], headers) for found in _found(value)]
        return min(
            (found for found in hints if found),
            key=lambda found: found.remaining,
            default=None,
        )
    for prefix in _PREFIXES:
        if (remaining := headers.get(f"{prefix}-remaining")) is not None:
            return _of(remaining, headers.get(f"{prefix}-reset", ""), headers)
    return None


def _found(value: str) -> list[re.Match[str]]:
    return [found for part in value.split('"') if (found := _ITEM.search(part))] or list(
        _LIST.finditer(value)
    )


def _of(remaining: str, reset: str, headers: Mapping[str, str]) -> Hint | None:
    if not _NUMBER.fullmatch(remaining.strip()) or not _NUMBER.fullmatch(reset.strip()):
        return None
    seconds = float(reset)
    if seconds > _EPOCH:
        seconds -= _now(headers)
    return Hint(float(remaining), seconds) if 0 < seconds <= _LONGEST else None


def _now(headers: Mapping[str, str]) -> float:
    """Return the server's time if it sends one, because clocks differ."""
    try:
        return parsedate_to_datetime(headers.get("date", "")).timestamp()
    except (TypeError, ValueError, OverflowError):
        return time.time()
