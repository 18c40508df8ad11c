"""Checks of the members of an import row; an error says which one is wrong, and no value."""

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
    """What a row says cannot be right."""


def changed(number: int) -> InvalidArgumentError:
    """Return the error for a row that is another one than the journal knows by its number."""
    return InvalidArgumentError(
        f"rows[{number}] is not what it was when it was begun; nothing was sent: put it back, or "
        "give another journal"
    )


def mistake(what: str) -> RowMistakeError:
    """Return the error for what is wrong with a row."""
    return RowMistakeError(what)


def email(name: str, value: object) -> str:
    """Return an email address."""
    found = trimmed(plain_text(name, value))
    if hidden := UNSEEN.search(found):
        raise mistake(f"{name} has {named(hidden[0])}")
    if len(found) > _LONGEST_EMAIL or not _EMAIL.fullmatch(found):
        raise mistake(f"{name} must be an email address")
    return found


def phone(name: str, value: object) -> str:
    """Return a phone number, E.164."""
    return bare(lambda: number(value, name))


def plain_text(name: str, value: object) -> str:
    """Return a text that is not blank."""
    return bare(lambda: text(name, value))


def bare(check: Callable[[], str]) -> str:
    """Return what a check of an argument returns; its error says where by itself."""
    try:
        return check()
    except InvalidArgumentError as error:
        raise mistake(str(error).removesuffix("; nothing was sent")) from None


def flag(name: str, value: object) -> bool | None:
    """Return whether something is true; None where that is not said."""
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
    """Return an object without the keys that are null: a new user has none to remove."""
    value = members.get(name, {})
    if not isinstance(value, Mapping):
        raise mistake(f"{name} must be an object")
    found = cast("Mapping[str, Any]", value)
    return {str(key): item for key, item in found.items() if item is not None}


def shown(names: Iterable[object]) -> str:
    """Return the first of some names that were not expected."""
    return ascii(min(map(str, names))[:_LONGEST_NAME])
