"""The phones of a user."""

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
    """The phones that users sign in with."""

    async def set_primary(self, user_id: str, identifier_id: str) -> User:
        """Make one of a user's phones the default one for communication and sign-in.

        Args:
            identifier_id: the phone's ``id``, as in ``user.phone_numbers``.

        Returns the user as it is then. It may be sent more than once where an answer is lost,
        which leads to the same state, unless another phone was made primary meanwhile.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_primary_phone
        """
        try:
            return await self._call(phones.SET_PRIMARY, user_id, identifier_id)
        except NotFoundError as error:
            if _phone_number.is_number(identifier_id):
                error.hint = "that is a number, not an id: for numbers use set_primary_by_number"
            raise

    async def set_primary_by_number(self, user_id: str, phone: str) -> User:
        """Make the phone with this number a user's default one.

        Args:
            phone: the number, E.164: ``+`` and digits; spaces, dashes, dots and brackets between
                them are passed over, and so is a zero in brackets after the country's code.

        Returns the user as it is then. The user is read first; nothing more is sent where the
        phone is the default one already.

        Raises:
            PhoneNotFoundError: no phone of the user has the number, or several have it and none
                of them is the default one; nothing was changed.
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
        """Make phones of many users their default ones.

        Args:
            rows: pairs of ids, as for ``set_primary``; read as they are needed. Each step of an
                ordinary iterable that waits, for a file or a database, holds up the event loop:
                an async one does not.
            concurrency: calls in flight at once, at most.
            rate: requests a second, at most; None for as many as the tenant's limit lets pass,
                which the run discovers.
            by: what the second of each pair is: ``"identifier"``, the phone's id, or
                ``"number"``, its number, as for ``set_primary_by_number``.

        Returns an async iterator of what became of each row, in the order in which they are done;
        rows of one user are done in theirs. A row that fails does not end it. Leaving the loop, or
        ``aclose()``, stops it. Where it is left, or raises, rows without an outcome may have been
        applied, and can be sent again.

        The blocking client reads the rows on the thread that iterates, for what belongs to it,
        such as a database's cursor: a row that waits holds back outcomes, and one that waits for
        an outcome of the same run waits for ever.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: all further rows would fail as well.
            TransportError: it is ``permanent``, such as a certificate that is not trusted.
            InvalidArgumentError: an argument cannot be right; nothing was sent.
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

        Args:
            phone_number: the number, as for ``set_primary_by_number``; it is sent as E.164.
            is_verified: whether it is known to be the user's; one that is not cannot sign in.
            skip_restriction_checks: whether to pass over the tenant's block list.

        Returns the user as it is then. It is carried out at most once: it is sent again only
        after a 429, or where no connection was made. Where the answer is lost, the error's
        ``may_have_been_applied`` is true, and ``users.get`` tells.

        API page: https://www.monocloud.com/docs/apis/identity/users/add_phone
        """
        body = {
            "phone_number": _phone_number.number(phone_number, "phone_number"),
            "is_verified": flag("is_verified", is_verified),
            "skip_restriction_checks": flag("skip_restriction_checks", skip_restriction_checks),
        }
        return await self._call(phones.ADD, user_id, body=body)

    async def remove(self, user_id: str, identifier_id: str) -> User:
        """Remove a phone from a user.

        Args:
            identifier_id: the phone's ``id``, as in ``user.phone_numbers``.

        Returns the user as it is then. A NotFoundError whose ``may_have_been_applied`` is true
        means that an earlier attempt, of which the answer was lost, may have removed it.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_phone
        """
        return await self._call(phones.REMOVE, user_id, identifier_id)

    async def set_verified(self, user_id: str, identifier_id: str) -> User:
        """Mark a user's phone as one that the user has proved to hold.

        Args:
            identifier_id: the phone's ``id``, as in ``user.phone_numbers``.

        Returns the user as it is then.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_phone_verified
        """
        return await self._call(phones.SET_VERIFIED, user_id, identifier_id)

    async def set_unverified(self, user_id: str, identifier_id: str) -> User:
        """Mark a user's phone as one that the user has yet to prove to hold.

        Args:
            identifier_id: the phone's ``id``, as in ``user.phone_numbers``.

        Returns the user as it is then.

        API page: https://www.monocloud.com/docs/apis/identity/users/set_phone_unverified
        """
        return await self._call(phones.SET_UNVERIFIED, user_id, identifier_id)
