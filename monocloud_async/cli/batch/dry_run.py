"""Dry run: read each row's user and report what the run would change."""

from __future__ import annotations

from ... import _phone_number
from ...bulk import PhoneOutcome
from ...errors import NotFoundError, PhoneNotFoundError
from ...models import User, UserPhone
from ...operations import users
from ...resources import Resource
from . import outcomes
from .journal import FAILED, SKIPPED, Entry, Journal
from .tally import Tally

CHANGE = "would change"
ALREADY = "already primary"
NO_USER = "unknown user"
NO_PHONE = "unknown phone"
STATUSES = (CHANGE, ALREADY, NO_USER, NO_PHONE, FAILED, SKIPPED)
FAILURES = (NO_USER, NO_PHONE, FAILED)


class Reading(Resource):
    """Reads users instead of changing them."""

    async def read(self, user_id: str, phone: str) -> User:  # noqa: ARG002  (a row has it)
        """Return a row's user."""
        return await self._call(users.GET, user_id)


def entry_of(outcome: PhoneOutcome, number: int, user: int) -> Entry:
    """Return the journal entry for a row that was read.

    Args:
        outcome: the outcome of reading.
        number: the row's number.
        user: the hash of its user's id.
    """
    entry = outcomes.entry_of(outcome, number, user)
    if outcome.user is None:
        unknown = isinstance(outcome.error, NotFoundError)
        return entry._replace(status=NO_USER if unknown else FAILED)
    try:
        phone = _phone(outcome, outcome.user)
    except PhoneNotFoundError as error:
        return entry._replace(status=NO_PHONE, error=str(error), identifier_id=None)
    return entry._replace(status=ALREADY if phone.primary else CHANGE, identifier_id=phone.id)


def followed(journal: Journal, rows: int) -> Tally:
    """Account for earlier rows of the same user, which would have changed the primary phone.

    Args:
        journal: what was read for each row.
        rows: the number of rows.

    Returns the updated tally.
    """
    journal.follow(CHANGE, ALREADY)
    return Tally(rows, journal.counts(), FAILURES)


def _phone(outcome: PhoneOutcome, user: User) -> UserPhone:
    if outcome.phone is not None:
        return _phone_number.phone_with(_phone_number.number(outcome.phone), user)
    for phone in user.phone_numbers:
        if phone.id == outcome.identifier_id:
            return phone
    raise PhoneNotFoundError("the user has no phone with this id", endings=())
