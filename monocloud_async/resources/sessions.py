"""Sessions."""

from __future__ import annotations

from ..models import UserSession
from ..operations import sessions
from ..pages import Pages
from ._resource import Resource
from ._sorting import SessionSort


class SessionsResource(Resource):
    """The sessions of users."""

    def list(
        self,
        user_id: str,
        *,
        client_id: str | None = None,
        sort: SessionSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserSession]:
        """List the sessions of a user.

        Args:
            client_id: only those that this application takes part in.
            sort: a field and 1 or -1, such as ``initiated_at:-1``.
            page: the page to begin with, 1 for the first.
            size: how many records a page has; the API may allow fewer.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_all_user_sessions
        """
        return self._pages(
            sessions.LIST, user_id, client_id=client_id, sort=sort, page=page, size=size
        )

    async def get(self, user_id: str, session_id: str) -> UserSession:
        """Return a session.

        API page: https://www.monocloud.com/docs/apis/identity/users/find_user_session
        """
        return await self._call(sessions.GET, user_id, session_id)

    async def revoke(self, user_id: str, session_id: str) -> None:
        """End a session.

        Tokens that are not bound to the session stay valid. A 404 after an attempt whose answer was
        lost counts as success: the session is over.

        API page: https://www.monocloud.com/docs/apis/identity/users/revoke_user_session
        """
        await self._call(sessions.REVOKE, user_id, session_id)
