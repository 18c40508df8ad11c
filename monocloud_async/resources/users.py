"""Accounts."""

from __future__ import annotations

from collections.abc import Mapping

from .. import _phone_number
from .._arguments import KEEP, flags, given, nullable_object, nullable_texts, texts
from .._secret import concealed
from ..errors import InvalidArgumentError
from ..models import User, UserSummary
from ..operations import users
from ..pages import Pages
from ._password import PasswordAlgorithm, password_members
from ._sorting import UserSort
from ._user_transfer import UserTransfer


class UsersResource(UserTransfer):
    """The users of a tenant."""

    def list(
        self,
        *,
        filter: str | None = None,  # noqa: A002  (the API's name)
        sort: UserSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserSummary]:
        """List the users; an ``async for`` over the result reads them all, page by page.

        Args:
            filter: terms in the style of Lucene, such as ``bob`` or ``email:*@example.com``.
            sort: a field and 1 or -1, such as ``creation_time:-1`` for the newest first.
            page: the page to begin with, 1 for the first.
            size: how many records a page has; the API may allow fewer.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_all_users
        """
        return self._pages(users.LIST, filter=filter, sort=sort, page=page, size=size)

    async def create(
        self,
        *,
        username: str | None = None,
        email: str | None = None,
        email_verified: bool | None = None,
        phone_number: str | None = None,
        phone_number_verified: bool | None = None,
        password: str | None = None,
        password_hash: str | None = None,
        password_hash_algorithm: PasswordAlgorithm | None = None,
        is_temporary_password: bool | None = None,
        name: str | None = None,
        given_name: str | None = None,
        middle_name: str | None = None,
        family_name: str | None = None,
        nickname: str | None = None,
        picture: str | None = None,
        skip_password_policy_checks: bool | None = None,
        skip_identifier_restriction_checks: bool | None = None,
        skip_conformance_checks: bool | None = None,
    ) -> User:
        """Create a user.

        Args:
            username: a name to sign in with, unique in the tenant.
            email: an email address to sign in with.
            email_verified: whether it is known to be the user's; an unverified one cannot sign in.
            phone_number: a phone number to sign in with, as for ``phones.set_primary_by_number``;
                it is sent as E.164.
            phone_number_verified: whether it is known to be the user's.
            password: a password in plain text.
            password_hash: the hash of a password instead, as another system kept it.
            password_hash_algorithm: what made the hash.
            is_temporary_password: whether the user must reset it at the next sign-in; the API's
                default is True.
            picture: a URL.
            skip_password_policy_checks: whether to accept a password that the policy refuses.
            skip_identifier_restriction_checks: whether to ignore the tenant's block list.
            skip_conformance_checks: whether to ignore what the tenant asks for at sign-up.

        The API creates the user at most once: the call is sent again only after a 429, or where no
        connection was made. Where the answer is lost, the error's ``may_have_been_applied`` is
        true: look the user up before you create it again.

        API page: https://www.monocloud.com/docs/apis/identity/users/create_user
        """
        if phone_number is not None:
            phone_number = _phone_number.number(phone_number, "phone_number")
        password, password_hash = concealed(password), concealed(password_hash)
        body = {
            **texts(
                username=username,
                email=email,
                phone_number=phone_number,
                name=name,
                given_name=given_name,
                middle_name=middle_name,
                family_name=family_name,
                nickname=nickname,
                picture=picture,
            ),
            **password_members("", password, password_hash, password_hash_algorithm),
            **flags(
                email_verified=email_verified,
                phone_number_verified=phone_number_verified,
                is_temporary_password=is_temporary_password,
                skip_password_policy_checks=skip_password_policy_checks,
                skip_identifier_restriction_checks=skip_identifier_restriction_checks,
                skip_conformance_checks=skip_conformance_checks,
            ),
        }
        if not body:
            raise InvalidArgumentError("give at least one argument; nothing was sent")
        return await self._call(users.CREATE, body=body)

    async def get(self, user_id: str) -> User:
        """Return a user.

        API page: https://www.monocloud.com/docs/apis/identity/users/find_user_by_id
        """
        return await self._call(users.GET, user_id)

    async def delete(self, user_id: str) -> None:
        """Delete a user for good.

        A 404 after an attempt whose answer was lost counts as success: the user does not exist.

        API page: https://www.monocloud.com/docs/apis/identity/users/delete_user
        """
        await self._call(users.DELETE, user_id)

    async def enable(self, user_id: str) -> User:
        """Let a disabled user sign in again.

        API page: https://www.monocloud.com/docs/apis/identity/users/enable_user
        """
        return await self._call(users.ENABLE, user_id)

    async def disable(self, user_id: str, *, revoke_sessions: bool | None = None) -> User:
        """Switch a user's account off.

        Args:
            revoke_sessions: whether to end the user's sessions too; the API's default is False.

        API page: https://www.monocloud.com/docs/apis/identity/users/disable_user
        """
        return await self._call(users.DISABLE, user_id, body=flags(revoke_sessions=revoke_sessions))

    async def unblock(self, user_id: str) -> User:
        """End the block that failed sign-ins led to.

        API page: https://www.monocloud.com/docs/apis/identity/users/unblock_user
        """
        return await self._call(users.UNBLOCK, user_id)

    async def patch_claims(
        self,
        user_id: str,
        *,
        name: str | None = KEEP,
        given_name: str | None = KEEP,
        middle_name: str | None = KEEP,
        family_name: str | None = KEEP,
        nickname: str | None = KEEP,
        picture: str | None = KEEP,
        preferred_username: str | None = KEEP,
        profile: str | None = KEEP,
        birthdate: str | None = KEEP,
        website: str | None = KEEP,
        gender: str | None = KEEP,
        zoneinfo: str | None = KEEP,
        locale: str | None = KEEP,
        address: Mapping[str, str | None] | None = KEEP,
        skip_conformance_checks: bool | None = None,
    ) -> User:
        """Change profile claims: None clears one, and one that is left out stays as it is.

        Args:
            birthdate: an ISO date, such as ``1990-12-31``.
            picture, profile, website: URLs.
            zoneinfo: a time zone's IANA name, such as ``Europe/Vienna``.
            locale: a BCP 47 tag, such as ``de-AT``.
            address: any of formatted, street_address, locality, region, postal_code, country.
            skip_conformance_checks: whether to ignore what the tenant asks for at sign-up.

        API page: https://www.monocloud.com/docs/apis/identity/users/patch_claims
        """
        claims = given(
            name=name,
            given_name=given_name,
            middle_name=middle_name,
            family_name=family_name,
            nickname=nickname,
            picture=picture,
            preferred_username=preferred_username,
            profile=profile,
            birthdate=birthdate,
            website=website,
            gender=gender,
            zoneinfo=zoneinfo,
            locale=locale,
        )
        body = {**nullable_texts(**claims), **given(address=nullable_object("address", address))}
        if not body:
            raise InvalidArgumentError("give at least one claim; nothing was sent")
        body |= flags(skip_conformance_checks=skip_conformance_checks)
        return await self._call(users.PATCH_CLAIMS, user_id, body=body)
