"""The values of foreign records: text, flags, lists and times, as each system writes them.

What is missing, null or empty is absent in all of them.
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
    """Return whether a value is there: neither null nor empty."""
    return value is not None and not (isinstance(value, str) and not trimmed(value))


def is_list(value: object) -> TypeGuard[list[Any]]:
    """Return whether a value is a list, of anything."""
    return isinstance(value, list)


def is_table(value: object) -> TypeGuard[dict[str, Any]]:
    """Return whether a value is an object, whose members have names in JSON."""
    return isinstance(value, dict)


def first(record: Record, *names: str) -> Any:
    """Return the first of some members that is there, else None."""
    for name in names:
        if present(value := record.get(name)):
            return value
    return None


def text(record: Record, *names: str) -> str | None:
    """Return the first of some members that is there, as text without blanks around it.

    Raises:
        InvalidArgumentError: it is neither text nor a number.
    """
    value = first(record, *names)
    if value is None:
        return None
    if isinstance(value, str):
        return trimmed(value)
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    raise _wrong(names[0], "text", value)


def flag(record: Record, *names: str) -> bool | None:
    """Return the first of some members that is there, as true or false.

    Raises:
        InvalidArgumentError: it is anything else, such as 1 or "yes".
    """
    value = first(record, *names)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and (found := _FLAGS.get(trimmed(value).lower())) is not None:
        return found
    raise _wrong(names[0], "true or false", value)


def table(record: Record, *names: str) -> dict[str, Any]:
    """Return the first of some members that is there, an object; an empty one if there is none."""
    value = first(record, *names)
    if value is None:
        return {}
    if is_table(value):
        return dict(value)
    raise _wrong(names[0], "an object", value)


def items(record: Record, *names: str) -> list[Any]:
    """Return the first of some members that is there, a list; an empty one if there is none."""
    value = first(record, *names)
    if value is None:
        return []
    if is_list(value):
        return value
    raise _wrong(names[0], "a list", value)


def tables(record: Record, *names: str) -> list[dict[str, Any]]:
    """Return the first of some members that is there, a list of objects."""
    found = items(record, *names)
    for item in found:
        if not is_table(item):
            raise _wrong(names[0], "a list of objects", item)
    return list(found)


def _wrong(name: str, wanted: str, value: object) -> InvalidArgumentError:
    return InvalidArgumentError(
        f"{name} must be {wanted}, and it is of type {type(value).__name__}"
    )


def parsed(value: str) -> Any:
    """Return what a text holds as JSON; None where it is not JSON."""
    try:
        return json.loads(value)
    except (ValueError, RecursionError):
        return None


def one_line(value: str) -> str:
    """Return a text without line ends and other control characters, which no claim may have."""
    return trimmed(_CONTROL.sub(" ", value))


def locale(value: str) -> str:
    """Return a language with a hyphen, ``en-US``, as BCP 47 has it."""
    return value.replace("_", "-")


# The unit of a time is known by its field: none of these guesses it. A time that cannot be read is
# kept as it stands, because it is only kept to be looked at.


def of_milliseconds(value: object) -> object:
    """Return epoch milliseconds, a number or text, in whole seconds."""
    return _scaled(value, 1000)


def of_seconds(value: object) -> object:
    """Return epoch seconds, a number or text, or ISO text, in whole seconds."""
    found = _scaled(value, 1)
    return of_iso(found) if isinstance(found, str) else found


def of_iso(value: object) -> object:
    """Return ISO 8601 text in whole epoch seconds; a time without a zone is UTC."""
    if not isinstance(value, str):
        return value
    # Before 3.11, only three or six digits of a fraction can be read, and no Z.
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
