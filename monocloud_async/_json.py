"""JSON off the wire: strict, and with every integer as it was sent."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

try:
    import orjson
except ImportError:  # the `speed` extra is not installed
    orjson = None  # type: ignore[assignment]

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_BLANKS = " \t\n\r"


def parse(body: bytes) -> Any:
    """Return the value that a JSON text holds.

    Args:
        body: the text, UTF-8 without a byte order mark.

    Raises:
        ValueError: it is no JSON, as NaN and Infinity are none; or a number is out of range.
        RecursionError: it is nested too deeply.
    """
    # orjson turns integers of more than 64 bits into floats, and is stricter than JSON about
    # nesting and surrogates: what it might not give back exactly is read without it.
    if orjson is not None and _LONG_NUMBER not in body.translate(_DIGITS):
        try:
            return orjson.loads(body)
        except ValueError:
            pass
    text = body.decode("utf-8").strip(_BLANKS)
    value, end = _decoder.raw_decode(text)
    if end != len(text):
        raise ValueError("there is something behind the JSON")
    return value


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is out of range")
    return number


_decoder = json.JSONDecoder(parse_float=_finite, parse_constant=_refuse_constant)
