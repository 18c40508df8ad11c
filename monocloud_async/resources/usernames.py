"""The usernames resource: usernames as sign-in identifiers."""

from __future__ import annotations

from .._arguments import text
from ..models import User
from ..operations import usernames
from ._resource import Resource


class UsernamesResource(Resource):
    """Operations on the usernames that users sign in with."""

    async def update(self, user_id: str, username: str) -> User:
        """Change a user's username.

        Args:
            user_id: the user's id.
            username: the new username, unique in the tenant.

        Returns:
            The updated user.

        API: ``PUT /api/users/{user_id}/username``
        https://www.monocloud.com/docs/apis/identity/users/update_username
        """
        body = {"username": text("username", username)}
        return await self._call(usernames.UPDATE, user_id, body=body)

    async def remove(self, user_id: str) -> User:
        """Remove a user's username.

        If a NotFoundError has ``may_have_been_applied`` set, an earlier attempt whose response was
        lost may have removed the username.

        Returns:
            The updated user.

        API: ``DELETE /api/users/{user_id}/username``
        https://www.monocloud.com/docs/apis/identity/users/remove_username
        """
        return await self._call(usernames.REMOVE, user_id)
