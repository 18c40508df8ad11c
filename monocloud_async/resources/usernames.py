"""User names."""

from __future__ import annotations

from .._arguments import text
from ..models import User
from ..operations import usernames
from ._resource import Resource


class UsernamesResource(Resource):
    """The names that users sign in with."""

    async def update(self, user_id: str, username: str) -> User:
        """Give a user a name to sign in with, in place of the present one.

        Args:
            username: the name, unique in the tenant.

        API page: https://www.monocloud.com/docs/apis/identity/users/update_username
        """
        body = {"username": text("username", username)}
        return await self._call(usernames.UPDATE, user_id, body=body)

    async def remove(self, user_id: str) -> User:
        """Remove the name that a user signs in with.

        A NotFoundError whose ``may_have_been_applied`` is true means that an earlier attempt, whose
        answer was lost, may have removed it.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_username
        """
        return await self._call(usernames.REMOVE, user_id)
