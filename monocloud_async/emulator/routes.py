"""Which operation a request asks for, and with which ids."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any
from urllib.parse import unquote

import attrs

from . import phones
from .body import Body
from .problems import ProblemError, not_found, wrong_method

_USER = "/api/users/*"
_PHONE = f"{_USER}/phones/*"
_ADD = Body({"phone_number": str}, {"is_verified": bool, "skip_restriction_checks": bool})


@attrs.frozen
class Route:
    """Where an operation is found, and what it does.

    Attributes:
        operation: its name, as the SDK calls it.
        method: its HTTP method.
        path: its path, ``*`` for each id, the user's first.
        change: what it does to the user; None if it only reads.
        body: what it takes; None if nothing.
    """

    operation: str
    method: str
    path: str
    change: Callable[..., None] | None = None
    body: Body | None = None
    _pattern: re.Pattern[str] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        # A segment is taken as it was sent: an encoded slash is a part of it.
        pattern = re.compile(re.escape(self.path).replace(r"\*", "([^/]+)"))
        object.__setattr__(self, "_pattern", pattern)

    def ids(self, raw_path: str) -> tuple[str, ...] | None:
        """Return the ids in a path of this operation, decoded once; None for another path."""
        found = self._pattern.fullmatch(raw_path)
        return tuple(unquote(segment) for segment in found.groups()) if found else None


ROUTES = (
    Route("users.get", "GET", _USER),
    Route("phones.add", "POST", f"{_USER}/phones", phones.add, _ADD),
    Route("phones.remove", "DELETE", _PHONE, phones.remove),
    Route("phones.set_primary", "POST", f"{_PHONE}/primary", phones.set_primary),
    Route("phones.set_verified", "POST", f"{_PHONE}/verify", phones.set_verified),
    Route("phones.set_unverified", "POST", f"{_PHONE}/unverify", phones.set_unverified),
)


@attrs.frozen
class Call:
    """One operation that a request asks for.

    Attributes:
        route: the operation.
        user_id: the user's id.
        more_ids: the ids of what it concerns of the user's.
    """

    route: Route
    user_id: str
    more_ids: tuple[str, ...]

    def fields(self, media_type: str, content: bytes) -> dict[str, Any]:
        """Return the members of the request's body that the operation takes.

        Raises:
            ProblemError: 400 or 422, the body is not such.
        """
        return self.route.body.read(media_type, content) if self.route.body else {}


def find(method: str, raw_path: str) -> Call | None:
    """Return the operation that a method and a path stand for, or None."""
    for route in ROUTES:
        if route.method == method and (ids := route.ids(raw_path)):
            return Call(route, ids[0], ids[1:])
    return None


def nowhere(method: str, raw_path: str) -> ProblemError:
    """Return the answer where there is no such operation."""
    allowed = {route.method for route in ROUTES if route.ids(raw_path)}
    return wrong_method(method, allowed) if allowed else not_found("There is no such path.")
