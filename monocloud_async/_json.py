"""JSON off the wire: strict, and with every member and every integer as it was sent."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn, cast

try:
    import orjson
except ImportError:  # the `speed` extra is not installed
    orjson = None  # type: ignore[assignment]

# Enough for any record, and few enough to copy and compare without running out of stack.
MAX_DEPTH = 200
# Enough for any record, and few enough not to fill memory: one costs up to 600 bytes.
MAX_VALUES = 100_000

_DIGITS = bytes.maketrans(b"123456789", b"000000000")
_LONG_NUMBER = b"0" * 19
_BLANKS = " \t\n\r"


def parse(body: bytes, most: int = MAX_VALUES) -> Any:
    """Return the value that a JSON text holds.

    Args:
        body: the text, UTF-8 without a byte order mark.
        most: how many values it may hold; no exact limit.

    Raises:
        ValueError: it is no JSON, as NaN and Infinity are none; a number is out of range; a
            name occurs twice in an object, so that it is not known which of its values is
            meant; or it is nested too deeply or holds too many values.
    """
    if len(body) > most and body.count(b",") > most:
        raise _RefusedError(f"it holds more than {most} values")
    value = _quick(body)
    if value is _UNSURE:
        value = _thorough(body)
    if _brackets(body) > MAX_DEPTH and _depth(value) > MAX_DEPTH:
        raise _RefusedError(_TOO_DEEP)
    return value


class _RefusedError(ValueError):
    """Why a text is not taken, in words for a person."""


_UNSURE = object()
_NO_JSON = "it is no JSON"
_OUT_OF_RANGE = "a number in it is out of range"
_TOO_DEEP = f"it is nested deeper than {MAX_DEPTH} levels"


def _quick(body: bytes) -> Any:
    """Return what orjson reads, or _UNSURE where that may not be what was sent.

    It turns integers of more than 64 bits into floats, keeps the last of two members of one
    name, and is stricter than JSON about nesting and surrogates.
    """
    if orjson is None:
        return _UNSURE
    try:
        value = orjson.loads(body)
        written = orjson.dumps(value)
    except (ValueError, TypeError):
        return _UNSURE
    # What is written just as it was read has lost nothing; most servers write like that.
    return value if written == body or _is_whole(body, written) else _UNSURE


def _is_whole(body: bytes, written: bytes) -> bool:
    """Return whether a text holds no more than what was read of it and written again."""
    if _LONG_NUMBER in body.translate(_DIGITS):
        return False
    # Each member has a colon: where one got lost, fewer are written than were read. A colon
    # that came as an escape would make up for it.
    return b"\\u003" not in body and written.count(b":") >= body.count(b":")


def _thorough(body: bytes) -> Any:
    try:
        text = body.decode("utf-8").strip(_BLANKS)
        value, end = _decoder.raw_decode(text)
    except _RefusedError:
        raise
    except (json.JSONDecodeError, UnicodeDecodeError):
        raise _RefusedError(_NO_JSON if body.strip() else "it is empty") from None
    except ValueError:  # Python's limit on the digits of an integer
        raise _RefusedError(_OUT_OF_RANGE) from None
    except RecursionError:
        raise _RefusedError(_TOO_DEEP) from None
    if end != len(text):
        raise _RefusedError(_NO_JSON)
    return value


def _brackets(body: bytes) -> int:
    """Return how many objects and arrays begin, in a third of the time that count() takes."""
    return len(body) - len(body.replace(b"[", b"").replace(b"{", b""))


def _depth(value: Any) -> int:
    """Return how deeply a value is nested, without recursion."""
    depth, level = 0, _nested([value])
    while level:
        depth += 1
        level = _nested([item for outer in level for item in _items(outer)])
    return depth


def _nested(values: list[Any]) -> list[Any]:
    return [value for value in values if isinstance(value, (list, dict))]


def _items(value: Any) -> Any:
    return cast("Any", value).values() if isinstance(value, dict) else value


def _members(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        raise _RefusedError("a name occurs twice in one of its objects")
    return members


def _refuse_constant(name: str) -> NoReturn:
    raise _RefusedError(f"{name} is no JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise _RefusedError(_OUT_OF_RANGE)
    return number


_decoder = json.JSONDecoder(
    parse_float=_finite, parse_constant=_refuse_constant, object_pairs_hook=_members
)
