"""The API's responses, parsed no further than needed, and kept unchanged."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import attrs

from .._converter import epoch, structure
from .._json import parse
from ..models import User, UserGroup

Json = Mapping[str, Any]


# Objects created per user are not frozen, because that takes three times as long.
@attrs.define(eq=False)
class Listed:
    """A user in the list.

    Attributes:
        user_id: the user's id.
        created: seconds since 1970. None if the list does not say.
        user: the user, if this is what will be exported.
    """

    user_id: str
    created: float | None
    user: Any = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class RawUser:
    """A user as the API sent it.

    Attributes:
        json: the parsed JSON.
        body: its source text. None if it was part of a larger one.
    """

    json: Json = attrs.field(repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)


@attrs.define(kw_only=True, eq=False)
class ExportedLine:
    """A user exported to a file.

    Attributes:
        user: the user as the API sent it.
        groups: the user's groups. None if the export does not include groups.
        read_at: when the user was read.
    """

    user: RawUser
    groups: tuple[UserGroup, ...] | None = None
    read_at: datetime

    def to_dict(self) -> Json:
        """Return the JSON with ``groups`` and ``read_at`` added."""
        return {**self.user.json, **self._additions()}

    def text(self) -> bytes | None:
        """Return the same as one line of the API's own text, or None if it must be serialized."""
        body = self.user.body
        if (
            body is None
            or not self.user.json
            or not self._additions().keys().isdisjoint(self.user.json)
        ):
            return None
        additions = json.dumps(self._additions(), separators=(",", ":")).encode()
        # JSON strings contain no raw line breaks, so any line break is insignificant whitespace.
        line = body.strip().replace(b"\r", b" ").replace(b"\n", b" ")
        return b"%b,%b" % (line[:-1], additions[1:])

    def _additions(self) -> dict[str, Any]:
        additions: dict[str, Any] = {}
        if self.groups is not None:
            additions["groups"] = [group.group_id for group in self.groups]
        additions["read_at"] = int(epoch(self.read_at))
        return additions


def ids(body: bytes) -> tuple[Listed, ...]:
    """Decode only the ids on a page, as fast as possible, because the users are read later."""
    return tuple(_listed(row) for row in _rows(json.loads(body)))


def raw_users(body: bytes) -> tuple[Listed, ...]:
    """Decode the users on a page, and keep them unchanged."""
    return tuple(_listed(row, RawUser(row)) for row in _rows(parse(body)))


def users(body: bytes) -> tuple[Listed, ...]:
    """Decode the users on a page as records."""
    found: tuple[User, ...] = structure(parse(body), cast("Any", tuple[User, ...]))
    return tuple(Listed(user.user_id, _seconds(user.creation_time), user) for user in found)


def raw_user(body: bytes, _: Mapping[str, str]) -> RawUser:
    """Decode a user, and keep it unchanged."""
    value = parse(body)
    _listed(value)
    return RawUser(value, body)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _rows(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError("the body is not a list")  # noqa: TRY004  (decoders raise ValueError)
    return cast("list[Any]", value)  # type: ignore[redundant-cast]


def _listed(row: Any, user: RawUser | None = None) -> Listed:
    if not isinstance(row, dict):
        raise ValueError("a user in the list is not an object")  # noqa: TRY004
    members = cast("dict[str, Any]", row)
    user_id, created = members.get("user_id"), members.get("creation_time")
    if type(user_id) is not str:
        raise ValueError("a user in the list has no user_id")
    return Listed(user_id, created if isinstance(created, (int, float)) else None, user)
