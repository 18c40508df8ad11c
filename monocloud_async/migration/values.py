"""The values of foreign records: strings, booleans, lists and times in each system's notation.

Missing, null and empty values all count as absent.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime
from typing import Any, TypeGuard

from .._characters import trimmed
from ..errors import InvalidArgumentError

Record = Mapping[str, Any]

_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]+")
_FRACTION = re.compile(r"\.([0-9]+)")
_FLAGS = {"true": True, "false": False}


def present(value: object) -> bool:
    """Return whether a value is neither null nor empty."""
    return value is not None and not (isinstance(value, str) and not trimmed(value))


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a list."""
    return isinstance(value, list)


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is a JSON object."""
    return isinstance(value, dict)


def first(record: Record, *names: str) -> Any:
    """Return the first present value among some members, or None."""
    for name in names:
        if present(value := record.get(name)):
            return value
    return None


def text(record: Record, *names: str) -> str | None:
    """Return the first present value among some members as a trimmed string.

    Raises:
        InvalidArgumentError: it is neither a string nor a number.
    """
    value = first(record, *names)
    if value is None:
        return None
    if isinstance(value, str):
        return trimmed(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise _wrong_type(names[0], "text", value)


def flag(record: Record, *names: str) -> bool | None:
    """Return the first present value among some members as a boolean.

    Raises:
        InvalidArgumentError: it is anything else, such as 1 or "yes".
    """
    value = first(record, *names)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := _FLAGS.get(trimmed(value).lower())) is not None:
        return found
    raise _wrong_type(names[0], "true or false", value)


def table(record: Record, *names: str) -> dict[str, Any]:
    """Return the first present value among some members as an object; empty if none is present."""
    value = first(record, *names)
    if value is None:
        return {}
    if is_table(value):
        return dict(value)
    raise _wrong_type(names[0], "an object", value)


def items(record: Record, *names: str) -> list[Any]:
    """Return the first present value among some members as a list; empty if none is present."""
    value = first(record, *names)
    if value is None:
        return []
    if is_list(value):
        return value
    raise _wrong_type(names[0], "a list", value)


def tables(record: Record, *names: str) -> list[dict[str, Any]]:
    """Return the first present value among some members as a list of objects."""
    found = items(record, *names)
    for item in found:
        if not is_table(item):
            raise _wrong_type(names[0], "a list of objects", item)
    return list(found)


def _wrong_type(name: str, wanted: str, value: object) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name} must be {wanted}, not {type(value).__name__}")


def parsed(value: str) -> Any:
    """Return a string parsed as JSON, or None if it is not JSON."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def one_line(value: str) -> str:
    """Return a string without line breaks and other control characters, which claims forbid."""
    return trimmed(_CONTROL.sub(" ", value))


def locale(value: str) -> str:
    """Return a language tag with hyphens, as in BCP 47."""
    return value.replace("_", "-")


# The field determines the unit of a time, so none of these functions guesses. An unreadable time
# is kept unchanged, because it is kept for information only.


def of_milliseconds(value: object) -> object:
    """Return epoch milliseconds, as a number or string, in whole seconds."""
    return _scaled(value, 1000)


def of_seconds(value: object) -> object:
    """Return epoch seconds, as a number or string, or ISO 8601 text, in whole seconds."""
    found = _scaled(value, 1)
    return of_iso(found) if isinstance(found, str) else found


def of_iso(value: object) -> object:
    """Return ISO 8601 text in whole epoch seconds; UTC if it has no zone."""
    if not isinstance(value, str):
        return value
    # Before Python 3.11, only fractions of three or six digits parse, and Z does not.
    plain = _FRACTION.sub("", value.strip().replace("Z", "+00:00").replace("z", "+00:00"))
    return _seconds(plain, datetime.fromisoformat)


def of_http_date(value: object) -> object:
    """Return ``Tue, 04 Feb 2025 10:11:12 GMT`` in whole epoch seconds."""
    return _seconds(value, parsedate_to_datetime) if isinstance(value, str) else value


def _seconds(value: str, reader: Any) -> object:
    try:
        time: datetime = reader(value)
        aware = time if time.tzinfo else time.replace(tzinfo=timezone.utc)
        return int(aware.timestamp())
    except (ValueError, TypeError, OverflowError):
        return value


def _scaled(value: object, unit: int) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return value
    try:
        return int(float(value) // unit)
    except (ValueError, OverflowError):
        return value
