"""The phones resource: phone numbers as sign-in identifiers."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Iterable
from typing import Literal

from .. import _phone_number
from .._arguments import flag
from ..errors import InvalidArgumentError, NotFoundError
from ..models import User
from ..operations import phones, users
from ..outcome import PhoneOutcome
from ._resource import Resource


class PhonesResource(Resource):
    """Operations on the phone numbers that users sign in with."""

    async def set_primary(self, user_id: str, identifier_id: str) -> User:
        """Make one of a user's phones the primary one.

        The primary phone is the default for messages and sign-in. The call is idempotent, so it is
        retried when a response is lost. A retry can undo a concurrent change: if another phone
        became primary in the meantime, this one replaces it.

        Args:
            user_id: the user's id.
            identifier_id: the phone's ``id``, from ``user.phone_numbers``.

        Returns:
            The updated user.

        Raises:
            NotFoundError: the user does not exist or does not have this phone.

        Example:
            ```python
            user = await client.users.get(user_id)
            phone = user.phone_numbers[-1]
            user = await client.phones.set_primary(user_id, phone.id)
            ```

        API: ``POST /api/users/{user_id}/phones/{identifier_id}/primary``
        https://www.monocloud.com/docs/apis/identity/users/set_primary_phone
        """
        try:
            return await self._call(phones.SET_PRIMARY, user_id, identifier_id)
        except NotFoundError as error:
            if _phone_number.is_number(identifier_id):
                error.hint = "this is a phone number, not an id: use set_primary_by_number"
            raise

    async def set_primary_by_number(self, user_id: str, phone: str) -> User:
        """Make the phone with this number the user's primary one.

        Reads the user first, to find the phone. If the phone is already primary, nothing else is
        sent.

        Args:
            user_id: the user's id.
            phone: the number in E.164 form, ``+`` and digits. Spaces, dashes, dots and brackets are
                ignored, and so is a bracketed zero after the country code.

        Returns:
            The updated user.

        Raises:
            PhoneNotFoundError: the user has no phone with this number, or has several and none of
                them is primary; nothing was changed.

        Example:
            ```python
            user = await client.phones.set_primary_by_number(user_id, "+44 1632 960961")
            ```
        """
        wanted = _phone_number.number(phone)
        user = await self._call(users.GET, user_id)
        found = _phone_number.phone_with(wanted, user)
        return user if found.primary else await self.set_primary(user_id, found.id)

    def set_primary_many(
        self,
        rows: Iterable[tuple[str, str]] | AsyncIterable[tuple[str, str]],
        *,
        concurrency: int = 32,
        rate: float | None = None,
        by: Literal["identifier", "number"] = "identifier",
    ) -> AsyncGenerator[PhoneOutcome, None]:
        """Set the primary phones of many users, as fast as the rate limit allows.

        A row that fails does not stop the run. Rows of the same user run in order. To stop early,
        leave the loop or call ``aclose()``. If you do, or if the iterator raises, rows that have no
        outcome yet may have been applied; it is safe to send them again.

        The blocking client reads the rows on the thread that iterates, because a row source, such
        as a database cursor, may belong to that thread. While the source blocks, outcomes are held
        back, so a source that waits for an outcome of the same run deadlocks.

        Args:
            rows: pairs like the arguments of ``set_primary``, read lazily. A regular iterable that
                blocks on a file or a database blocks the event loop too; an async iterable does
                not.
            concurrency: the maximum number of calls in flight.
            rate: the maximum number of requests per second. None discovers the tenant's rate limit
                and adapts to it.
            by: what the second item of each pair is: ``"identifier"`` for the phone's id,
                ``"number"`` for its number as in ``set_primary_by_number``.

        Returns:
            An async iterator over the outcome of each row, in order of completion.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: all remaining rows would fail as well.
            TransportError: the failure is ``permanent``, such as an untrusted certificate.
            InvalidArgumentError: an argument is invalid; nothing was sent.

        Example:
            ```python
            rows = [("user-1", "phone-1"), ("user-2", "phone-2")]
            async for outcome in client.phones.set_primary_many(rows):
                if outcome.error:
                    print(outcome.user_id, outcome.error)
            ```
        """
        from ..bulk import phone_outcomes, start

        if by not in ("identifier", "number"):
            raise InvalidArgumentError(
                f"by must be 'identifier' or 'number', not {by!r}; nothing was sent"
            )
        by_number = by == "number"
        method = self.set_primary_by_number if by_number else self.set_primary
        run = start(method, rows, concurrency=concurrency, rate=rate)
        return phone_outcomes(run, by_number=by_number)

    async def add(
        self,
        user_id: str,
        phone_number: str,
        *,
        is_verified: bool = False,
        skip_restriction_checks: bool = False,
    ) -> User:
        """Add a phone to a user.

        The call is applied at most once: it is retried only after a 429, or if no connection was
        made. If the response is lost, the error's ``may_have_been_applied`` is true; call
        ``users.get`` to find out.

        Args:
            user_id: the user's id.
            phone_number: the number, in any form that ``set_primary_by_number`` accepts; it is sent
                in E.164 form.
            is_verified: whether the user is known to own it. An unverified phone cannot sign in.
            skip_restriction_checks: whether to ignore the tenant's block list.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/phones``
        https://www.monocloud.com/docs/apis/identity/users/add_phone
        """
        body = {
            "phone_number": _phone_number.number(phone_number, "phone_number"),
            "is_verified": flag("is_verified", is_verified),
            "skip_restriction_checks": flag("skip_restriction_checks", skip_restriction_checks),
        }
        return await self._call(phones.ADD, user_id, body=body)

    async def remove(self, user_id: str, identifier_id: str) -> User:
        """Remove a phone from a user.

        If a NotFoundError has ``may_have_been_applied`` set, an earlier attempt whose response was
        lost may have removed the phone.

        Args:
            user_id: the user's id.
            identifier_id: the phone's ``id``, from ``user.phone_numbers``.

        Returns:
            The updated user.

        API: ``DELETE /api/users/{user_id}/phones/{identifier_id}``
        https://www.monocloud.com/docs/apis/identity/users/remove_phone
        """
        return await self._call(phones.REMOVE, user_id, identifier_id)

    async def set_verified(self, user_id: str, identifier_id: str) -> User:
        """Mark a user's phone as verified.

        Args:
            user_id: the user's id.
            identifier_id: the phone's ``id``, from ``user.phone_numbers``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/phones/{identifier_id}/verify``
        https://www.monocloud.com/docs/apis/identity/users/set_phone_verified
        """
        return await self._call(phones.SET_VERIFIED, user_id, identifier_id)

    async def set_unverified(self, user_id: str, identifier_id: str) -> User:
        """Mark a user's phone as unverified.

        Args:
            user_id: the user's id.
            identifier_id: the phone's ``id``, from ``user.phone_numbers``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/phones/{identifier_id}/unverify``
        https://www.monocloud.com/docs/apis/identity/users/set_phone_unverified
        """
        return await self._call(phones.SET_UNVERIFIED, user_id, identifier_id)
