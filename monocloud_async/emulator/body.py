"""Read and validate request bodies."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

import attrs

from .._json import parse
from .problems import bad_request, invalid_fields

_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "a whole number",
    dict: "an object",
}


@attrs.frozen
class BodyMember:
    """A member of a body.

    Attributes:
        kind: its type.
        required: whether it is required.
        nullable: whether it may be null.
    """

    kind: type
    required: bool = False
    nullable: bool = False

    def complaint(self, name: str, value: object) -> str | None:
        """Return what is wrong with a value, or None."""
        if type(value) is self.kind or (value is None and self.nullable):
            return None
        return f"{name} must be {_NAMES[self.kind]}{' or null' if self.nullable else ''}."


@attrs.frozen
class Body:
    """The members of an operation's body, by name."""

    members: Mapping[str, BodyMember]

    @classmethod
    def of(cls, handler: Callable[..., object]) -> Body | None:
        """Derive the body from a handler's keyword arguments; None if it has none."""
        hints = get_type_hints(handler)
        members = {
            name: _member(hints[name], parameter.default is parameter.empty)
            for name, parameter in inspect.signature(handler).parameters.items()
            if parameter.kind is parameter.KEYWORD_ONLY
        }
        return cls(members) if members else None

    def read(self, media_type: str, content: bytes) -> dict[str, Any]:
        """Return the members that the operation accepts.

        Raises:
            ProblemError: 400 if it is not a JSON object; 422 if a member is missing or mistyped.
        """
        return self.checked(_json_object(media_type, content))

    def checked(self, sent: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
        """Return the members of a JSON object that the operation accepts.

        Args:
            sent: the object.
            prefix: a prefix for member names in errors, such as ``address.``.

        Raises:
            ProblemError: 422 if a member is missing or of the wrong type.
        """
        errors: dict[str, list[str]] = {}
        for name, member in self.members.items():
            full_name = prefix + name
            if name not in sent:
                complaint = f"{full_name} is required." if member.required else None
            else:
                complaint = member.complaint(full_name, sent[name])
            if complaint:
                errors[full_name] = [complaint]
        if errors:
            raise invalid_fields(errors)
        return {name: sent[name] for name in self.members if name in sent}


def _member(hint: Any, required: bool) -> BodyMember:
    kinds = [kind for kind in get_args(hint) if kind is not NoneType] or [hint]
    if get_origin(hint) is dict:
        kinds = [dict]
    return BodyMember(get_origin(kinds[0]) or kinds[0], required, NoneType in get_args(hint))


def _json_object(media_type: str, content: bytes) -> dict[str, Any]:
    if media_type != "application/json":
        raise bad_request(f"The body must be application/json, not {media_type}.")
    try:
        sent = parse(content)
    except (ValueError, RecursionError):
        raise bad_request("The body is not valid JSON.") from None
    if not isinstance(sent, dict):
        raise bad_request("The body must be a JSON object.")
    return cast("dict[str, Any]", sent)
