"""Validation of the members of an import row; errors name the member, but never its value."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, cast

from .._arguments import text
from .._characters import UNSEEN, named, trimmed
from .._phone_number import number
from ..errors import InvalidArgumentError

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_LONGEST_EMAIL = 320
_LONGEST_NAME = 40
_BOOLEANS = {"true": True, "false": False}


class RowMistakeError(InvalidArgumentError):
    """A row is invalid."""


def changed(number: int) -> InvalidArgumentError:
    """Return the error for a row that differs from the one the journal has under its number."""
    return InvalidArgumentError(
        f"rows[{number}] has changed since the import started it; nothing was sent: restore the "
        "row, or use another journal"
    )


def mistake(what: str) -> RowMistakeError:
    """Return the error for an invalid row."""
    return RowMistakeError(what)


def email(name: str, value: object) -> str:
    """Return an email address."""
    found = trimmed(plain_text(name, value))
    if hidden := UNSEEN.search(found):
        raise mistake(f"{name} contains {named(hidden[0])}")
    if len(found) > _LONGEST_EMAIL or not _EMAIL.fullmatch(found):
        raise mistake(f"{name} must be an email address")
    return found


def phone(name: str, value: object) -> str:
    """Return a phone number in E.164 form."""
    return bare(lambda: number(value, name))


def plain_text(name: str, value: object) -> str:
    """Return a string that is not blank."""
    return bare(lambda: text(name, value))


def bare(check: Callable[[], str]) -> str:
    """Return the result of an argument check; its error already names the argument."""
    try:
        return check()
    except InvalidArgumentError as error:
        raise mistake(str(error).removesuffix("; nothing was sent")) from None


def flag(name: str, value: object) -> bool | None:
    """Return a boolean, or None if the row does not say."""
    if value is None or isinstance(value, bool):
        return value
    found = _BOOLEANS.get(value.strip().casefold()) if isinstance(value, str) else None
    if found is None:
        raise mistake(f"{name} must be true or false")
    return found


def items(name: str, value: object) -> Iterable[object]:
    """Return the items of a list."""
    if not isinstance(value, (list, tuple)):
        raise mistake(f"{name} must be a list")
    return cast("list[object]", value)


def json_object(members: Mapping[str, Any], name: str) -> dict[str, Any]:
    """Return an object without its null members: a new user has nothing to clear."""
    value = members.get(name, {})
    if not isinstance(value, Mapping):
        raise mistake(f"{name} must be an object")
    found = cast("Mapping[str, Any]", value)
    return {str(key): item for key, item in found.items() if item is not None}


def shown(names: Iterable[object]) -> str:
    """Return the first of several unexpected names."""
    return ascii(min(map(str, names))[:_LONGEST_NAME])
