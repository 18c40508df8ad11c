"""Users."""

from __future__ import annotations

from .._operation import Operation
from .._transport import Transport
from ..models import User

GET = Operation("users.get", "GET", "/users/{user_id}", User, repeatable=True)


class UsersResource:
    """The users of a tenant."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    async def get(self, user_id: str) -> User:
        """Return a user.

        Args:
            user_id: the user's id.

        API page: https://www.monocloud.com/docs/apis/identity/users/find_user_by_id
        """
        return await self._transport.call(GET, user_id)
