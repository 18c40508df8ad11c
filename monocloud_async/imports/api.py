"""The API calls of an import; their arguments were validated with the row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from .._call import Caller
from ..models import User, UserGroup, UserPrivateData, UserPublicData, UserSummary
from ..operations import data, emails, groups, passwords, phones, users
from ..pages import Pages
from .row import Address
from .settling import Settings

_PAGE = 50


class Api:
    """Calls the API.

    Args:
        caller: executes the operations.
        settings: which of the tenant's checks to skip.

    Attributes:
        tries: the total number of attempts per call.
    """

    def __init__(self, caller: Caller, settings: Settings) -> None:
        self._call = caller.call
        self.tries: int = caller.policy.max_attempts
        self._of_creation = settings.flags
        self._of_claims = settings.claim_flags
        self._of_identifiers = settings.skip_identifier_restriction_checks

    def search(self, text: str) -> Pages[UserSummary]:
        """Return the users that match a filter."""
        return Pages(
            lambda number: self._call(
                users.LIST, query={"filter": text, "page": number, "size": _PAGE}
            )
        )

    async def get(self, user_id: str) -> User:
        """Return a user."""
        return await self._call(users.GET, user_id)

    async def create(self, body: Mapping[str, Any]) -> User:
        """Create a user."""
        return await self._call(users.CREATE, body={**body, **self._of_creation})

    async def add_email(self, user_id: str, email: Address) -> User:
        """Add an email address."""
        return await self._call(emails.ADD, user_id, body=self._added("email", email))

    async def add_phone(self, user_id: str, phone: Address) -> User:
        """Add a phone number."""
        return await self._call(phones.ADD, user_id, body=self._added("phone_number", phone))

    def _added(self, name: str, address: Address) -> dict[str, Any]:
        return {
            name: address.value,
            "is_verified": bool(address.verified),
            "skip_restriction_checks": self._of_identifiers,
        }

    async def set_claims(self, user_id: str, claims: Mapping[str, Any]) -> User:
        """Set profile claims."""
        body = {**claims, **self._of_claims}
        return await self._call(users.PATCH_CLAIMS, user_id, body=body)

    async def set_private(self, user_id: str, keys: Mapping[str, Any]) -> UserPrivateData:
        """Set keys of the private data."""
        return await self._call(data.PATCH_PRIVATE, user_id, body={"private_data": keys})

    async def set_public(self, user_id: str, keys: Mapping[str, Any]) -> UserPublicData:
        """Set keys of the public data."""
        return await self._call(data.PATCH_PUBLIC, user_id, body={"public_data": keys})

    async def groups_of(self, user_id: str) -> Collection[str]:
        """Return the ids of a user's groups."""
        pages: Pages[UserGroup] = Pages(
            lambda number: self._call(groups.LIST, user_id, query={"page": number, "size": _PAGE})
        )
        return {group.group_id async for group in pages}

    async def membership(self, user_id: str, group_id: str) -> UserGroup:
        """Return a user's membership in a group."""
        return await self._call(groups.GET, user_id, group_id)

    async def assign(self, user_id: str, group_id: str) -> UserGroup | None:
        """Add a user to a group."""
        return await self._call(groups.ASSIGN, user_id, group_id)

    async def disable(self, user_id: str) -> User:
        """Disable a user."""
        return await self._call(users.DISABLE, user_id, body={})

    async def send_reset(self, user_id: str) -> None:
        """Email a user a link to set a password; the link itself is not kept."""
        await self._call(passwords.RESET, user_id, body={"send_email": True})
