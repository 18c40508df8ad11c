"""What the API sends, read no further than is needed, and kept as it came."""

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


# What is made for each user is not frozen: that takes three times as long.
@attrs.define(eq=False)
class Listed:
    """A user as the list has it.

    Attributes:
        user_id: the id.
        created: seconds since 1970; None where the list does not say.
        user: the user, if it is going to be exported like that.
    """

    user_id: str
    created: float | None
    user: Any = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class RawUser:
    """A user as the API sent it.

    Attributes:
        json: the JSON.
        body: its text; None where it was part of another.
    """

    json: Json = attrs.field(repr=False)
    body: bytes | None = attrs.field(default=None, repr=False)


@attrs.define(kw_only=True, eq=False)
class ExportedLine:
    """A user of an export that goes to a file.

    Attributes:
        user: the user, as the API sent it.
        groups: the groups that the user is in; None where they were not asked for.
        read_at: when the user was read.
    """

    user: RawUser
    groups: tuple[UserGroup, ...] | None = None
    read_at: datetime

    def to_dict(self) -> Json:
        """Return the JSON, with ``groups`` and ``read_at``."""
        return {**self.user.json, **self._more()}

    def text(self) -> bytes | None:
        """Return the same in one line, in the API's own words; None where that has to be made."""
        body = self.user.body
        if body is None or not self.user.json or not self._more().keys().isdisjoint(self.user.json):
            return None
        more = json.dumps(self._more(), separators=(",", ":")).encode()
        # No text of JSON holds the end of a line, so those that are there are blanks.
        line = body.strip().replace(b"\r", b" ").replace(b"\n", b" ")
        return b"%b,%b" % (line[:-1], more[1:])

    def _more(self) -> dict[str, Any]:
        more: dict[str, Any] = {}
        if self.groups is not None:
            more["groups"] = [group.group_id for group in self.groups]
        more["read_at"] = int(epoch(self.read_at))
        return more


def ids(body: bytes) -> tuple[Listed, ...]:
    """Read the rows of a page of whose users all else is read later, as fast as can be."""
    return tuple(_listed(row) for row in _rows(json.loads(body)))


def raw_users(body: bytes) -> tuple[Listed, ...]:
    """Read the rows of a page, and keep them as they came."""
    return tuple(_listed(row, RawUser(row)) for row in _rows(parse(body)))


def users(body: bytes) -> tuple[Listed, ...]:
    """Read the rows of a page as records."""
    found: tuple[User, ...] = structure(parse(body), cast("Any", tuple[User, ...]))
    return tuple(Listed(user.user_id, _seconds(user.creation_time), user) for user in found)


def raw_user(body: bytes, _: Mapping[str, str]) -> RawUser:
    """Read a user, and keep it as it came."""
    value = parse(body)
    _listed(value)
    return RawUser(value, body)


def _seconds(moment: datetime | None) -> float | None:
    return moment.timestamp() if moment else None


def _rows(value: Any) -> Sequence[Any]:
    if not isinstance(value, list):
        raise ValueError("it is not a list")  # noqa: TRY004  (it is what decoders raise)
    return cast("list[Any]", value)  # type: ignore[redundant-cast]


def _listed(row: Any, user: RawUser | None = None) -> Listed:
    if not isinstance(row, dict):
        raise ValueError("a user in it is not an object")  # noqa: TRY004
    members = cast("dict[str, Any]", row)
    user_id, created = members.get("user_id"), members.get("creation_time")
    if type(user_id) is not str:
        raise ValueError("a user in it has no user_id")
    return Listed(user_id, created if isinstance(created, (int, float)) else None, user)
