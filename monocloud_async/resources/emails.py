"""The emails resource: email addresses as sign-in identifiers."""

from __future__ import annotations

from .._arguments import count, flag, text
from ..models import User, VerifyEmailResponse
from ..operations import emails
from ._resource import Resource


class EmailsResource(Resource):
    """Operations on the email addresses that users sign in with."""

    async def add(
        self,
        user_id: str,
        email: str,
        *,
        is_verified: bool = False,
        skip_restriction_checks: bool = False,
    ) -> User:
        """Add an email address to a user.

        The call is applied at most once: it is retried only after a 429, or if no connection was
        made. If the response is lost, the error's ``may_have_been_applied`` is true; call
        ``users.get`` to find out.

        Args:
            user_id: the user's id.
            email: the address.
            is_verified: whether the user is known to own it. An unverified address cannot sign in.
            skip_restriction_checks: whether to ignore the tenant's block list.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/emails``
        https://www.monocloud.com/docs/apis/identity/users/add_email
        """
        body = {
            "email": text("email", email),
            "is_verified": flag("is_verified", is_verified),
            "skip_restriction_checks": flag("skip_restriction_checks", skip_restriction_checks),
        }
        return await self._call(emails.ADD, user_id, body=body)

    async def remove(self, user_id: str, identifier_id: str) -> User:
        """Remove an email address from a user.

        If a NotFoundError has ``may_have_been_applied`` set, an earlier attempt whose response was
        lost may have removed the address.

        Args:
            user_id: the user's id.
            identifier_id: the address's ``id``, from ``user.emails``.

        Returns:
            The updated user.

        API: ``DELETE /api/users/{user_id}/emails/{identifier_id}``
        https://www.monocloud.com/docs/apis/identity/users/remove_email
        """
        return await self._call(emails.REMOVE, user_id, identifier_id)

    async def set_primary(self, user_id: str, identifier_id: str) -> User:
        """Make one of a user's email addresses the primary one.

        Args:
            user_id: the user's id.
            identifier_id: the address's ``id``, from ``user.emails``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/emails/{identifier_id}/primary``
        https://www.monocloud.com/docs/apis/identity/users/set_primary_email
        """
        return await self._call(emails.SET_PRIMARY, user_id, identifier_id)

    async def set_verified(self, user_id: str, identifier_id: str) -> User:
        """Mark a user's email address as verified.

        Args:
            user_id: the user's id.
            identifier_id: the address's ``id``, from ``user.emails``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/emails/{identifier_id}/verify``
        https://www.monocloud.com/docs/apis/identity/users/set_email_verified
        """
        return await self._call(emails.SET_VERIFIED, user_id, identifier_id)

    async def set_unverified(self, user_id: str, identifier_id: str) -> User:
        """Mark a user's email address as unverified.

        Args:
            user_id: the user's id.
            identifier_id: the address's ``id``, from ``user.emails``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/emails/{identifier_id}/unverify``
        https://www.monocloud.com/docs/apis/identity/users/set_email_unverified
        """
        return await self._call(emails.SET_UNVERIFIED, user_id, identifier_id)

    async def send_verification_link(
        self, user_id: str, identifier_id: str, *, expiry: int | None = None
    ) -> VerifyEmailResponse:
        """Email a user a link that verifies one of their addresses.

        Each call sends another email, so the call is not retried when its response is lost.

        Args:
            user_id: the user's id.
            identifier_id: the address's ``id``, from ``user.emails``.
            expiry: seconds until the link expires; by default, the tenant's setting applies.

        API: ``POST /api/users/{user_id}/emails/{identifier_id}/verify/link``
        https://www.monocloud.com/docs/apis/identity/users/verify_email
        """
        body = {} if expiry is None else {"expiry": count("expiry", expiry)}
        return await self._call(emails.SEND_VERIFICATION_LINK, user_id, identifier_id, body=body)
