"""Creates a row's user once, or finds it if it existed or the response was lost."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

from ..bulk.run import is_fatal
from ..errors import (
    BadRequestError,
    ConflictError,
    MonoCloudError,
    NotFoundError,
    UnprocessableError,
)
from ..models import User
from .api import Api
from .checks import changed
from .compare import is_as_created
from .find import find, identifiers
from .journal import CREATED, EXISTED, OPEN, Entry
from .recorder import Recorder
from .settling import Progress

# How far the server's clock may be behind ours.
_SKEW = timedelta(minutes=5)
# The API does not document which error means that an identifier is taken; any of these may.
REFUSED = (BadRequestError, ConflictError, UnprocessableError)


def may_be_applied(error: MonoCloudError) -> bool:
    """Return whether a failed call may still have been applied."""
    return getattr(error, "may_have_been_applied", False)


class Creation:
    """Creates or finds the user of each row.

    Args:
        api: calls the API.
        recorder: writes the journal.
        began_at: when the import started, in seconds since 1970.
    """

    def __init__(self, api: Api, recorder: Recorder, began_at: float) -> None:
        self._api = api
        self._recorder = recorder
        self._earliest = datetime.fromtimestamp(began_at, timezone.utc) - _SKEW

    async def user_of(self, row: Progress) -> User:
        """Return the user of a row, and record whether it was created or existed."""
        before = row.work.before
        if before and before.user_id:
            return await self._known(row, before, before.user_id)
        row.lost = row.work.unknown
        if row.lost and (found := await self._found(row, thorough=False)):
            return found
        if before and not row.lost:
            return await self._created_again(row, before)
        return await self._created(row)

    async def _created_again(self, row: Progress, before: Entry) -> User:
        """Create the user of a row that failed, and record first that it may be created."""
        note = Entry(row.work.number, row.work.digest, OPEN, applied=True)
        await self._recorder.written(note)
        try:
            return await self._created(row)
        except MonoCloudError as error:
            if not (row.lost or may_be_applied(error)):
                await self._recorder.add(before)
            raise

    async def _known(self, row: Progress, before: Entry, user_id: str) -> User:
        """Return the user that the journal has for the row, if it still matches the row."""
        row.unproved = True
        try:
            user = await self._api.get(user_id)
        except NotFoundError:
            row.notes.append(
                "its user no longer exists: it was deleted after this import reached it"
            )
            raise
        is_same = before.digest == row.work.digest
        if not (is_same or any(identifier.is_of(user) for identifier in identifiers(row.row))):
            raise changed(row.work.number)
        row.unproved = False
        row.steps = before.steps.split()
        row.status = CREATED if "create" in row.steps else EXISTED
        row.user_id = user_id
        return user

    async def _created(self, row: Progress) -> User:
        left = self._api.tries
        while True:
            left -= 1
            try:
                user = await self._api.create(row.row.creation())
            except REFUSED as error:
                if found := await self._found(row, thorough=True):
                    return found
                raise error.with_traceback(None) from None
            except MonoCloudError as error:
                if is_fatal(error) or not may_be_applied(error):
                    raise
                row.lost = True
                if found := await self._found_after(row, error):
                    return found
                if not left:
                    raise error.with_traceback(None) from None
            else:
                return self._is_created(row, user, fresh=True)

    async def _found_after(self, row: Progress, error: MonoCloudError) -> User | None:
        """Look up the user after a lost response; if that fails too, raise the original error."""
        try:
            return await self._found(row, thorough=False)
        except MonoCloudError as failure:
            if is_fatal(failure):
                raise
            row.notes.append(f"could not look up the user: {failure}")
            raise error.with_traceback(None) from None

    async def _found(self, row: Progress, *, thorough: bool) -> User | None:
        """Return the only user with an identifier of the row, and record whether we created it."""
        found = await find(self._api, row.row, thorough=thorough)
        if len(found) > 1:
            row.notes.append(f"its identifiers belong to {len(found)} users")
        if len(found) != 1:
            return None
        user = found[0]
        if row.lost and await self._is_from_this_import(row, user):
            return self._is_created(row, user, fresh=False)
        row.status, row.user_id = EXISTED, user.user_id
        return user

    async def _is_from_this_import(self, row: Progress, user: User) -> bool:
        """Return whether a user is the result of a creation whose response was lost."""
        if user.creation_time is None or user.creation_time < self._earliest:
            return False
        if not is_as_created(row.row, user):
            return False
        return not await self._recorder.has_other(user.user_id, row.work.number)

    @staticmethod
    def _is_created(row: Progress, user: User, *, fresh: bool) -> User:
        row.status, row.user_id, row.fresh = CREATED, user.user_id, fresh
        row.steps.append("create")
        return user
