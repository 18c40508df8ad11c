"""Email addresses."""

from __future__ import annotations

from .._arguments import count, flag, text
from ..models import User, VerifyEmailResponse
from ..operations import emails
from ._resource import Resource


class EmailsResource(Resource):
    """The email addresses that users sign in with."""

    async def add(
        self,
        user_id: str,
        email: str,
        *,
        is_verified: bool = False,
        skip_restriction_checks: bool = False,
    ) -> User:
        """Add an email address to a user.

        Args:
            email: the address.
            is_verified: whether it is known to be the user's; an unverified one cannot sign in.
            skip_restriction_checks: whether to ignore the tenant's block list.

        It is carried out at most once: it is sent again only after a 429, or where no connection
        was made. Where the answer is lost, the error's ``may_have_been_applied`` is true, and
        ``users.get`` tells.

        API page: https://www.monocloud.com/docs/apis/identity/users/add_email
        """
        body = {
            "email": text("email", email),
            "is_verified": flag("is_verified", is_verified),
            "skip_restriction_checks": flag("skip_restriction_checks", skip_restriction_checks),
        }
        return await self._call(emails.ADD, user_id, body=body)

    async def remove(self, user_id: str, identifier_id: str) -> User:
        """Remove an email address from a user.

        Args:
            identifier_id: the address's ``id``, as in ``user.emails``.

        A NotFoundError whose ``may_have_been_applied`` is true means that an earlier attempt, whose
        answer was lost, may have removed it.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_email
        """
        return await self._call(emails.REMOVE, user_id, identifier_id)

    async def set_primary(self, user_id: str, identifier_id: str) -> User:
        """Make one of a user's email addresses the default one.

        Args:
            identifier_id: the address's ``id``, as in ``user.emails``.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_primary_email
        """
        return await self._call(emails.SET_PRIMARY, user_id, identifier_id)

    async def set_verified(self, user_id: str, identifier_id: str) -> User:
        """Mark an email address as one that the user has proved to hold.

        Args:
            identifier_id: the address's ``id``, as in ``user.emails``.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_email_verified
        """
        return await self._call(emails.SET_VERIFIED, user_id, identifier_id)

    async def set_unverified(self, user_id: str, identifier_id: str) -> User:
        """Mark an email address as one that the user has yet to prove to hold.

        Args:
            identifier_id: the address's ``id``, as in ``user.emails``.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_email_unverified
        """
        return await self._call(emails.SET_UNVERIFIED, user_id, identifier_id)

    async def send_verification_link(
        self, user_id: str, identifier_id: str, *, expiry: int | None = None
    ) -> VerifyEmailResponse:
        """Send a user a link that verifies an email address.

        Args:
            identifier_id: the address's ``id``, as in ``user.emails``.
            expiry: seconds until the link expires; None for the tenant's setting.

        Each call sends another mail, so one whose answer is lost is not repeated.

        API page: https://www.monocloud.com/docs/apis/identity/users/verify_email
        """
        body = {} if expiry is None else {"expiry": count("expiry", expiry)}
        return await self._call(emails.SEND_VERIFICATION_LINK, user_id, identifier_id, body=body)
