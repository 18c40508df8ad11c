"""What follows the creation of a user: only what the user does not have yet."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection

import attrs

from .._call import Caller
from ..errors import MonoCloudError, NotFoundError
from ..models import User
from ..resources.data import DataResource
from ..resources.emails import EmailsResource
from ..resources.groups import GroupsResource
from ..resources.passwords import PasswordsResource
from ..resources.phones import PhonesResource
from ..resources.users import UsersResource
from .compare import email_of, missing_emails, missing_keys, missing_phones, phone_of
from .creation import REFUSED, may_be_applied
from .journal import CREATED
from .recorder import Recorder
from .settling import RESET_BEGUN, Progress, Settings

_Step = Callable[[Progress, User], Awaitable[User]]


class Steps:
    """Carries out the steps of rows after the first.

    Args:
        caller: carries out the operations.
        settings: what holds for all rows.
        recorder: keeps the journal.
        attempts: how many requests were made for the row at hand.
    """

    def __init__(
        self,
        caller: Caller,
        settings: Settings,
        recorder: Recorder,
        attempts: Callable[[], int],
    ) -> None:
        self._settings = settings
        self._recorder = recorder
        self._attempts = attempts
        self._tries = caller.policy.max_attempts
        self._skip = settings.skip_identifier_restriction_checks
        self._users, self._data = UsersResource(caller), DataResource(caller)
        self._emails, self._phones = EmailsResource(caller), PhonesResource(caller)
        self._groups, self._passwords = GroupsResource(caller), PasswordsResource(caller)

    async def take(self, row: Progress, user: User) -> User:
        """Carry out the steps that a row has left, in their order; the last is what it shows."""
        for name, step in self._wanted(row):
            if name in row.steps:
                continue
            before = row.entry(self._attempts())
            row.user = user = await step(row, user)
            row.steps.append(name)
            if row.entry(self._attempts()) != before:
                await self._recorder.add(row.entry(self._attempts()))
        return user

    def _wanted(self, row: Progress) -> list[tuple[str, _Step]]:
        """Return the steps that a row says something for."""
        wanted, ours = row.row, row.status == CREATED
        steps: list[tuple[object, str, _Step]] = [
            (wanted.emails or (not ours and wanted.email), "emails", self._add_emails),
            (wanted.phones or (not ours and wanted.phone), "phones", self._add_phones),
            (wanted.claims if not ours else wanted.further_claims, "claims", self._set_claims),
            (wanted.private_data, "private_data", self._set_private_data),
            (wanted.public_data, "public_data", self._set_public_data),
            (wanted.groups, "groups", self._assign_groups),
            (wanted.disabled and ours, "disable", self._disable),
            (self._settings.send_reset and ours, "reset", self._send_reset),
        ]
        return [(name, step) for says, name, step in steps if says]

    async def _add_emails(self, row: Progress, user: User) -> User:
        for email in missing_emails(row.row, user):
            user = await self._added(
                user,
                lambda email=email: self._emails.add(
                    user.user_id,
                    email.value,
                    is_verified=bool(email.verified),
                    skip_restriction_checks=self._skip,
                ),
                lambda found, email=email: email_of(found, email.value) is not None,
            )
        return user

    async def _add_phones(self, row: Progress, user: User) -> User:
        for phone in missing_phones(row.row, user):
            user = await self._added(
                user,
                lambda phone=phone: self._phones.add(
                    user.user_id,
                    phone.value,
                    is_verified=bool(phone.verified),
                    skip_restriction_checks=self._skip,
                ),
                lambda found, phone=phone: phone_of(found, phone.value) is not None,
            )
        return user

    async def _added(
        self, user: User, add: Callable[[], Awaitable[User]], is_done: Callable[[User], bool]
    ) -> User:
        """Add what no user has twice; where the answer is lost, look whether it is there."""
        for left in reversed(range(self._tries)):
            try:
                return await add()
            except MonoCloudError as error:
                if not (may_be_applied(error) or isinstance(error, REFUSED)):
                    raise
                found = await self._users.get(user.user_id)
                if is_done(found):
                    return found
                if not (left and may_be_applied(error)):
                    raise error.with_traceback(None) from None
        raise AssertionError

    async def _set_claims(self, row: Progress, user: User) -> User:
        missing = missing_keys(row.row.claims, user.claims)
        if not missing:
            return user
        skip = self._settings.skip_conformance_checks or None
        return await self._users.patch_claims(user.user_id, **missing, skip_conformance_checks=skip)

    async def _set_private_data(self, row: Progress, user: User) -> User:
        missing = missing_keys(row.row.private_data, user.private_data)
        if not missing:
            return user
        data = await self._data.patch_private(user.user_id, missing)
        return attrs.evolve(user, private_data=data.private_data)

    async def _set_public_data(self, row: Progress, user: User) -> User:
        missing = missing_keys(row.row.public_data, user.public_data)
        if not missing:
            return user
        data = await self._data.patch_public(user.user_id, missing)
        return attrs.evolve(user, public_data=data.public_data)

    async def groups_of(self, user_id: str) -> Collection[str]:
        """Return the ids of a user's groups."""
        return {one.group_id async for one in self._groups.list(user_id)}

    async def _assign_groups(self, row: Progress, user: User) -> User:
        has = () if row.fresh else await self.groups_of(user.user_id)
        for group in row.row.groups:
            if group not in has:
                await self._assign(user.user_id, group)
        return user

    async def _assign(self, user_id: str, group: str) -> None:
        for left in reversed(range(self._tries)):
            try:
                await self._groups.assign(user_id, group)
            except MonoCloudError as error:
                if not (may_be_applied(error) or isinstance(error, REFUSED)):
                    raise
                if await self._is_in(user_id, group):
                    return
                if not (left and may_be_applied(error)):
                    raise error.with_traceback(None) from None
            else:
                return

    async def _is_in(self, user_id: str, group: str) -> bool:
        try:
            await self._groups.get(user_id, group)
        except NotFoundError:
            return False
        return True

    async def _disable(self, row: Progress, user: User) -> User:  # noqa: ARG002
        return user if user.disabled else await self._users.disable(user.user_id)

    async def _send_reset(self, row: Progress, user: User) -> User:
        """Mail a link; the journal knows of it before it is sent, so that it is not sent twice."""
        if not row.row.all_emails:
            row.notes.append("reset: not sent, for want of an email address")
            return user
        if RESET_BEGUN in row.steps:
            row.notes.append("reset: it may have been sent, and is not sent again")
            return user
        row.steps.append(RESET_BEGUN)
        await self._recorder.written(row.entry(self._attempts()))
        try:
            await self._passwords.reset(user.user_id, send_email=True)
        except MonoCloudError as error:
            if may_be_applied(error):
                row.notes.append(f"reset: it may have been sent, and is not sent again: {error}")
                return user
            row.steps.remove(RESET_BEGUN)
            raise
        row.steps.remove(RESET_BEGUN)
        return user
