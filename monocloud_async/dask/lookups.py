"""Find out whether rows that an earlier attempt may have sent were applied.

Only for operations that must not be sent twice and whose effect can be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple, cast

from .._call import Caller
from ..cli.batch.journal import FAILED, OK, UNKNOWN
from ..errors import NotFoundError
from ..imports.api import Api
from ..imports.compare import email_of, is_as_created, phone_of
from ..imports.find import find, identifiers
from ..imports.row import CREATION_CLAIMS, Address, ImportRow
from ..imports.settling import Settings
from ..models import User
from ..resources._resource import Resource

# How far the server's clock may be behind ours.
_SKEW = timedelta(minutes=5)
# The method that looks up the effect of each operation.
_METHODS: Mapping[str, str] = {
    "users.create": "user_created",
    "emails.add": "email_added",
    "phones.add": "phone_added",
    "groups.assign": "group_assigned",
}
_AGAIN = "an earlier attempt did not apply it"
_EARLIER = "applied by an earlier attempt"


class Found(NamedTuple):
    """What a lookup found.

    Attributes:
        status: ``OK`` if the row was applied; ``FAILED`` if it was not and can be sent again;
            ``UNKNOWN`` if that is unclear.
        note: what was found.
        result: the user, if the row created it.
    """

    status: str
    note: str
    result: User | None = None


_NOTHING = Found(FAILED, _AGAIN)


class Lookups(Resource):
    """Looks up the effect of rows."""

    async def user_created(self, row: Mapping[str, Any], began_at: float) -> Found:
        """Look for the user that ``users.create`` makes.

        Args:
            row: the arguments.
            began_at: when the job started, in seconds since 1970.
        """
        wanted = _wanted(row)
        if not identifiers(wanted):
            return Found(UNKNOWN, "the row has no identifier to look the user up by")
        found = await find(self._api, wanted, thorough=False)
        if not found:
            return _NOTHING
        if len(found) > 1:
            return Found(UNKNOWN, f"its identifiers belong to {len(found)} users")
        return _compared(wanted, found[0], began_at)

    async def email_added(self, row: Mapping[str, Any], began_at: float) -> Found:  # noqa: ARG002
        """Look for the email address that ``emails.add`` adds; the arguments are the same."""
        user = await self._user(row)
        return _address(row, "email address", email_of(user, row["email"]) if user else None)

    async def phone_added(self, row: Mapping[str, Any], began_at: float) -> Found:  # noqa: ARG002
        """Look for the phone number that ``phones.add`` adds; the arguments are the same."""
        user = await self._user(row)
        return _address(row, "phone number", phone_of(user, row["phone_number"]) if user else None)

    async def group_assigned(self, row: Mapping[str, Any], began_at: float) -> Found:  # noqa: ARG002
        """Look for the membership that ``groups.assign`` makes; the arguments are the same."""
        try:
            await self._api.membership(row["user_id"], row["group_id"])
        except NotFoundError:
            return _NOTHING
        return Found(OK, f"{_EARLIER}: the user is in the group")

    async def _user(self, row: Mapping[str, Any]) -> User | None:
        try:
            return await self._api.get(row["user_id"])
        except NotFoundError:
            return None

    @property
    def _api(self) -> Api:
        return Api(self._caller, Settings())


Look = Callable[[Mapping[str, Any], float], Coroutine[Any, Any, Found]]


def lookup_for(operation: str, caller: Caller) -> Look | None:
    """Return the method that looks up the effect of an operation; None if it cannot be seen.

    Args:
        operation: the operation's name.
        caller: calls the API.
    """
    name = _METHODS.get(operation)
    return None if name is None else cast("Look", getattr(Lookups(caller), name))


def can_look_up(operation: str) -> bool:
    """Return whether the effect of an operation can be seen.

    Args:
        operation: the operation's name.
    """
    return operation in _METHODS


def _compared(wanted: ImportRow, user: User, began_at: float) -> Found:
    earliest = datetime.fromtimestamp(began_at, timezone.utc) - _SKEW
    user_has = f"user {user.user_id} has an identifier of the row"
    if user.creation_time is None:
        return Found(UNKNOWN, f"{user_has}, and the API does not tell when it was created")
    if user.creation_time < earliest:
        return Found(FAILED, f"{user_has}, and was created before this job began")
    if not is_as_created(wanted, user):
        return Found(UNKNOWN, f"{user_has}, but differs from it")
    return Found(OK, f"{_EARLIER}: it created user {user.user_id}", result=user)


def _address(row: Mapping[str, Any], what: str, found: Address | None) -> Found:
    if found is None:
        return _NOTHING
    if bool(found.verified) != bool(row.get("is_verified")):
        state = "verified" if found.verified else "not verified"
        return Found(UNKNOWN, f"the user has the {what}, but it is {state}")
    return Found(OK, f"{_EARLIER}: the user has the {what}")


def _wanted(row: Mapping[str, Any]) -> ImportRow:
    """Return the arguments of ``users.create`` as a row of an import, to compare with users."""
    return ImportRow(
        source_id=None,
        username=row.get("username"),
        email=_given(row, "email", "email_verified"),
        phone=_given(row, "phone_number", "phone_number_verified"),
        password={n: row[n] for n in ("password", "password_hash") if row.get(n)},
        emails=(),
        phones=(),
        claims={n: row[n] for n in CREATION_CLAIMS if row.get(n) is not None},
        private_data={},
        public_data={},
        groups=(),
        disabled=False,
        notes=(),
    )


def _given(row: Mapping[str, Any], value: str, verified: str) -> Address | None:
    return Address(row[value], row.get(verified)) if row.get(value) else None
