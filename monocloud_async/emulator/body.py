"""What an operation takes as its body, and how that is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import attrs

from .._json import parse
from .problems import bad_request, invalid_fields

_NAMES: Mapping[type, str] = {str: "a string", bool: "a boolean"}


@attrs.frozen
class Body:
    """The members of an operation's body.

    Attributes:
        required: the type of each member that has to be there.
        optional: the type of each that need not.
    """

    required: Mapping[str, type]
    optional: Mapping[str, type]

    def read(self, media_type: str, content: bytes) -> dict[str, Any]:
        """Return the members that the operation knows.

        Raises:
            ProblemError: 400, it is no JSON object; 422, a member is missing or of another type.
        """
        sent = _json_object(media_type, content)
        errors = {name: [f"{name} is required."] for name in self.required if name not in sent}
        fields: dict[str, Any] = {}
        for name, kind in {**self.required, **self.optional}.items():
            if name in sent:
                fields[name] = sent[name]
                if type(sent[name]) is not kind:
                    errors[name] = [f"{name} must be {_NAMES[kind]}."]
        if errors:
            raise invalid_fields(errors)
        return fields


def _json_object(media_type: str, content: bytes) -> dict[str, Any]:
    if media_type != "application/json":
        raise bad_request(f"The body must be application/json, not {media_type}.")
    try:
        sent = parse(content)
    except (ValueError, RecursionError):
        raise bad_request("The body is no JSON.") from None
    if not isinstance(sent, dict):
        raise bad_request("The body must be a JSON object.")
    return cast("dict[str, Any]", sent)
