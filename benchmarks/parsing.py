"""Measure how long the standard library and orjson take to parse a response."""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from typing import Any

from monocloud_async._json import parse

from .bodies import BODIES

try:
    import orjson
except ImportError:  # the `bench` extra is not installed
    orjson = None  # type: ignore[assignment]

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19


def parsing(rounds: int, bodies: int) -> dict[str, dict[str, float]]:
    """Return the microseconds per body, for each parser and serialization.

    Args:
        rounds: how often to measure each, in turn.
        bodies: how many bodies to parse each time.
    """
    return {name: _measured(body, rounds, bodies) for name, body in BODIES.items()}


def _measured(body: bytes, rounds: int, bodies: int) -> dict[str, float]:
    samples: dict[str, list[float]] = {name: [] for name in _PARSERS}
    for _ in range(rounds):
        for name, parser in _PARSERS.items():
            samples[name].append(_seconds(parser, body, bodies))
    return {name: statistics.median(taken) * 1e6 / bodies for name, taken in samples.items()}


def _seconds(parser: Callable[[bytes], Any], body: bytes, bodies: int) -> float:
    started = time.perf_counter()
    for _ in range(bodies):
        parser(body)
    return time.perf_counter() - started


def checked_orjson(body: bytes) -> Any:
    """Parse with orjson as strictly as the SDK does, with the cheapest checks that we found."""
    value = orjson.loads(body)
    written = orjson.dumps(value)
    return value if written == body or _is_whole(body, written) else parse(body)


def _is_whole(body: bytes, written: bytes) -> bool:
    """Return whether parsing certainly lost nothing, by comparing the body with its round trip."""
    # orjson turns integers over 64 bits into floats. Digits right after a quote are in a string.
    digits = body.translate(_DIGITS)
    if digits.count(_LONG_NUMBER) > digits.count(b'"' + _LONG_NUMBER):
        return False
    # Each member has a colon, so a lost member means fewer colons in the round trip, unless an
    # escaped colon makes up for it.
    if b"\\" in body and (b"\\u003a" in body or b"\\u003A" in body):
        return False
    return _colons(written) >= _colons(body)


def _colons(text: bytes) -> int:
    """Count colons, faster than count()."""
    return len(text) - len(text.replace(b":", b""))


_PARSERS: dict[str, Callable[[bytes], Any]] = {"monocloud": parse, "json.loads": json.loads}
if orjson:
    _PARSERS |= {"orjson, as strict": checked_orjson, "orjson alone": orjson.loads}
