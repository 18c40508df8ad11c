"""The users resource: create, read, change and delete users."""

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
    """Operations on the users of a tenant."""

    def list(
        self,
        *,
        filter: str | None = None,  # noqa: A002  (the API's name)
        sort: UserSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserSummary]:
        """List the users of the tenant.

        ``async for`` over the result reads all pages, one after the other.

        Args:
            filter: a Lucene-style query, such as ``bob`` or ``email:*@example.com``.
            sort: a field and a direction, such as ``creation_time:-1`` for the newest first.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        Example:
            ```python
            async for user in client.users.list(filter="email:*@example.com"):
                print(user.user_id, user.claims.get("name"))
            ```

        API: ``GET /api/users``
        https://www.monocloud.com/docs/apis/identity/users/get_all_users
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

        The call is applied at most once: it is retried only after a 429, or if no connection was
        made. If the response is lost, the error's ``may_have_been_applied`` is true; look the user
        up before you create it again.

        Args:
            username: a username to sign in with, unique in the tenant.
            email: an email address to sign in with.
            email_verified: whether the user is known to own the address. An unverified address
                cannot sign in.
            phone_number: a phone number to sign in with, in any form that
                ``phones.set_primary_by_number`` accepts; it is sent in E.164 form.
            phone_number_verified: whether the user is known to own the number.
            password: a plain-text password.
            password_hash: a password hash from another system, in place of ``password``.
            password_hash_algorithm: the algorithm of ``password_hash``.
            is_temporary_password: whether the user must reset the password at the next sign-in. The
                API defaults to True.
            picture: a URL.
            skip_password_policy_checks: whether to accept a password that violates the tenant's
                password policy.
            skip_identifier_restriction_checks: whether to ignore the tenant's block list.
            skip_conformance_checks: whether to ignore the tenant's sign-up requirements.

        Returns:
            The created user.

        Raises:
            InvalidArgumentError: an argument is invalid, or all are missing; nothing was sent.

        Example:
            ```python
            user = await client.users.create(email="grace@example.com", name="Grace")
            ```

        API: ``POST /api/users``
        https://www.monocloud.com/docs/apis/identity/users/create_user
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
            raise InvalidArgumentError("pass at least one argument; nothing was sent")
        return await self._call(users.CREATE, body=body)

    async def get(self, user_id: str) -> User:
        """Return a user.

        Args:
            user_id: the user's id.

        Raises:
            NotFoundError: the user does not exist.

        API: ``GET /api/users/{user_id}``
        https://www.monocloud.com/docs/apis/identity/users/find_user_by_id
        """
        return await self._call(users.GET, user_id)

    async def delete(self, user_id: str) -> None:
        """Delete a user permanently.

        After an attempt whose response was lost, a 404 counts as success: the user is gone.

        API: ``DELETE /api/users/{user_id}``
        https://www.monocloud.com/docs/apis/identity/users/delete_user
        """
        await self._call(users.DELETE, user_id)

    async def enable(self, user_id: str) -> User:
        """Enable a disabled user.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/enable``
        https://www.monocloud.com/docs/apis/identity/users/enable_user
        """
        return await self._call(users.ENABLE, user_id)

    async def disable(self, user_id: str, *, revoke_sessions: bool | None = None) -> User:
        """Disable a user, who can then no longer sign in.

        Args:
            user_id: the user's id.
            revoke_sessions: whether to end the user's sessions too. The API defaults to False.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/disable``
        https://www.monocloud.com/docs/apis/identity/users/disable_user
        """
        return await self._call(users.DISABLE, user_id, body=flags(revoke_sessions=revoke_sessions))

    async def unblock(self, user_id: str) -> User:
        """Unblock a user who was blocked after failed sign-ins.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/unblock``
        https://www.monocloud.com/docs/apis/identity/users/unblock_user
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
        """Change a user's profile claims.

        None clears a claim. Claims that are left out do not change.

        Args:
            user_id: the user's id.
            birthdate: an ISO 8601 date, such as ``1990-12-31``.
            picture: the URL of a picture.
            profile: the URL of a profile page.
            website: a URL.
            zoneinfo: an IANA time zone, such as ``Europe/Vienna``.
            locale: a BCP 47 language tag, such as ``de-AT``.
            address: a mapping with any of ``formatted``, ``street_address``, ``locality``,
                ``region``, ``postal_code`` and ``country``.
            skip_conformance_checks: whether to ignore the tenant's sign-up requirements.

        Returns:
            The updated user.

        API: ``PATCH /api/users/{user_id}/claims``
        https://www.monocloud.com/docs/apis/identity/users/patch_claims
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
            raise InvalidArgumentError("pass at least one claim; nothing was sent")
        body |= flags(skip_conformance_checks=skip_conformance_checks)
        return await self._call(users.PATCH_CLAIMS, user_id, body=body)
