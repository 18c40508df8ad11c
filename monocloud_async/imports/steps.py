"""The steps after a user's creation, which add only what the user lacks."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from typing import TypeVar

import attrs

from ..errors import MonoCloudError, NotFoundError
from ..models import User, UserGroup
from .api import Api
from .compare import email_of, missing_emails, missing_keys, missing_phones, phone_of
from .creation import REFUSED, may_be_applied
from .journal import CREATED
from .recorder import Recorder
from .row import Address
from .settling import RESET_BEGUN, Progress, Settings

T = TypeVar("T")
_Step = Callable[[Progress, User], Awaitable[User]]


class Steps:
    """Performs the steps of a row after the first.

    Args:
        api: calls the API.
        settings: the settings shared by all rows.
        recorder: writes the journal.
        attempts: returns the number of requests sent for the current row.
    """

    def __init__(
        self, api: Api, settings: Settings, recorder: Recorder, attempts: Callable[[], int]
    ) -> None:
        self._api = api
        self._settings = settings
        self._recorder = recorder
        self._attempts = attempts

    async def take(self, row: Progress, user: User) -> User:
        """Perform the remaining steps of a row, and return the updated user."""
        left = [(name, step) for name, step in self._wanted(row, user) if name not in row.steps]
        for name, step in left:
            # The last step is recorded together with the outcome.
            await self._recorder.add(row.entry(self._attempts()))
            row.user = user = await step(row, user)
            row.steps.append(name)
        return user

    def _wanted(self, row: Progress, user: User) -> list[tuple[str, _Step]]:
        """Return the steps that a row needs; for users who existed, only what they lack."""
        wanted, is_new = row.row, row.status == CREATED
        claims = wanted.further_claims if is_new else missing_keys(wanted.claims, user.claims)
        private, public = wanted.private_data, wanted.public_data
        if not is_new:
            private = missing_keys(private, user.private_data)
            public = missing_keys(public, user.public_data)
        steps: list[tuple[object, str, _Step]] = [
            (wanted.emails if is_new else missing_emails(wanted, user), "emails", self._add_emails),
            (wanted.phones if is_new else missing_phones(wanted, user), "phones", self._add_phones),
            (claims, "claims", self._set_claims),
            (private, "private_data", self._set_private_data),
            (public, "public_data", self._set_public_data),
            (wanted.groups, "groups", self._assign_groups),
            (wanted.disabled and is_new, "disable", self._disable),
            (self._settings.send_reset and is_new, "reset", self._send_reset),
        ]
        return [(name, step) for needed, name, step in steps if needed]

    async def _add_emails(self, row: Progress, user: User) -> User:
        for email in missing_emails(row.row, user):
            user = await self._added(self._api.add_email, user.user_id, email, email_of)
        return user

    async def _add_phones(self, row: Progress, user: User) -> User:
        for phone in missing_phones(row.row, user):
            user = await self._added(self._api.add_phone, user.user_id, phone, phone_of)
        return user

    async def _added(
        self,
        add: Callable[[str, Address], Awaitable[User]],
        user_id: str,
        address: Address,
        find: Callable[[User, str], object],
    ) -> User:
        async def look() -> User | None:
            user = await self._api.get(user_id)
            return user if find(user, address.value) else None

        return await self._once(lambda: add(user_id, address), look)

    async def _once(
        self, call: Callable[[], Awaitable[T]], look: Callable[[], Awaitable[T | None]]
    ) -> T:
        """Make a call that must not be applied twice.

        Args:
            call: makes the call.
            look: returns the result if the call was applied, checked before each retry and after
                each rejection.
        """
        left = self._api.tries
        while True:
            left -= 1
            try:
                return await call()
            except MonoCloudError as error:
                if not (may_be_applied(error) or isinstance(error, REFUSED)):
                    raise
                if found := await look():
                    return found
                if not (left and may_be_applied(error)):
                    raise error.with_traceback(None) from None

    async def _set_claims(self, row: Progress, user: User) -> User:
        missing = missing_keys(row.row.claims, user.claims)
        if not missing:
            return user
        return await self._api.set_claims(user.user_id, missing)

    async def _set_private_data(self, row: Progress, user: User) -> User:
        missing = missing_keys(row.row.private_data, user.private_data)
        if not missing:
            return user
        data = await self._api.set_private(user.user_id, missing)
        return attrs.evolve(user, private_data=data.private_data)

    async def _set_public_data(self, row: Progress, user: User) -> User:
        missing = missing_keys(row.row.public_data, user.public_data)
        if not missing:
            return user
        data = await self._api.set_public(user.user_id, missing)
        return attrs.evolve(user, public_data=data.public_data)

    async def _assign_groups(self, row: Progress, user: User) -> User:
        has = () if row.fresh else await self._api.groups_of(user.user_id)
        for group in row.row.groups:
            if group not in has:
                await self._assign(user.user_id, group)
        return user

    async def _assign(self, user_id: str, group: str) -> None:
        async def look() -> UserGroup | None:
            with contextlib.suppress(NotFoundError):
                return await self._api.membership(user_id, group)
            return None

        await self._once(lambda: self._api.assign(user_id, group), look)

    async def _disable(self, row: Progress, user: User) -> User:  # noqa: ARG002
        return user if user.disabled else await self._api.disable(user.user_id)

    async def _send_reset(self, row: Progress, user: User) -> User:
        """Email a reset link, recorded in the journal first so that it is never sent twice."""
        if not row.row.all_emails:
            row.notes.append("reset: not sent, because the user has no email address")
            return user
        if RESET_BEGUN in row.steps:
            row.notes.append("reset: may have been sent already, so it is not sent again")
            return user
        row.steps.append(RESET_BEGUN)
        await self._recorder.written(row.entry(self._attempts()))
        try:
            await self._api.send_reset(user.user_id)
        except MonoCloudError as error:
            if may_be_applied(error):
                row.notes.append(
                    f"reset: may have been sent already, so it is not sent again: {error}"
                )
                return user
            row.steps.remove(RESET_BEGUN)
            raise
        row.steps.remove(RESET_BEGUN)
        return user
