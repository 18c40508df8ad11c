"""Validation of call arguments, and the body members they become."""

from __future__ import annotations

import enum
import re
from collections.abc import Mapping
from typing import Any, cast

from .errors import InvalidArgumentError

_UNSENDABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")


class _Unset(enum.Enum):
    KEEP = "KEEP"

    def __repr__(self) -> str:
        return self.name


KEEP: Any = _Unset.KEEP
"""Leaves a value unchanged: the default of arguments that None clears."""


def given(**members: object) -> dict[str, object]:
    """Return the body members that the caller passed, that is, all but those that are KEEP."""
    return {name: value for name, value in members.items() if value is not KEEP}


def text(name: str, value: object) -> str:
    """Return an argument that must be a non-blank string.

    Args:
        name: the argument's name, for the error message.
        value: the argument.

    Raises:
        InvalidArgumentError: the argument is invalid. The message does not show its value.
    """
    if not isinstance(value, str):
        problem = f"it is of type {type(value).__name__}"
    elif not value.strip():
        problem = "it is empty or blank"
    elif found := _UNSENDABLE.search(value):
        problem = f"it contains {found[0]!r}"
    else:
        return value
    raise InvalidArgumentError(
        f"{name} must be a non-empty string without control characters, but {problem}; "
        "nothing was sent"
    )


def flag(name: str, value: object) -> bool:
    """Return an argument that must be True or False."""
    if not isinstance(value, bool):
        raise InvalidArgumentError(
            f"{name} must be True or False, not {type(value).__name__}; nothing was sent"
        )
    return value


def texts(**members: object) -> dict[str, str]:
    """Return the body members that are strings, leaving out those that are None.

    Raises:
        InvalidArgumentError: a member is not a string, or blank.
    """
    return {name: text(name, value) for name, value in members.items() if value is not None}


def flags(**members: object) -> dict[str, bool]:
    """Return the body members that are booleans, leaving out those that are None.

    Raises:
        InvalidArgumentError: a member is not a boolean.
    """
    return {name: flag(name, value) for name, value in members.items() if value is not None}


def count(name: str, value: object) -> int:
    """Return an argument that must be a whole number, 1 or more."""
    if type(value) is not int or value < 1:
        raise InvalidArgumentError(
            f"{name} must be a whole number, 1 or more, not {value!r}; nothing was sent"
        )
    return value


def json_object(name: str, value: object) -> dict[str, Any]:
    """Return an argument that must be a JSON object."""
    if not isinstance(value, Mapping):
        raise InvalidArgumentError(
            f"{name} must be a mapping, not {type(value).__name__}; nothing was sent"
        )
    return dict(cast("Mapping[str, Any]", value))


def nullable_texts(**members: object) -> dict[str, str | None]:
    """Return the body members that are strings, or None to clear a value.

    Raises:
        InvalidArgumentError: a member is neither a string nor None, or blank.
    """
    return {n: None if value is None else text(n, value) for n, value in members.items()}


def nullable_object(name: str, value: object) -> object:
    """Return an argument that must be a JSON object, None to clear it, or KEEP."""
    return value if value is None or value is KEEP else json_object(name, value)
