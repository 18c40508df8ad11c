"""The sessions resource: sessions of users."""

from __future__ import annotations

from ..models import UserSession
from ..operations import sessions
from ..pages import Pages
from ._resource import Resource
from ._sorting import SessionSort


class SessionsResource(Resource):
    """Operations on the sessions of users."""

    def list(
        self,
        user_id: str,
        *,
        client_id: str | None = None,
        sort: SessionSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserSession]:
        """List a user's sessions.

        Args:
            user_id: the user's id.
            client_id: list only sessions that include this application.
            sort: a field and a direction, such as ``initiated_at:-1`` for the newest first.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/sessions``
        https://www.monocloud.com/docs/apis/identity/users/get_all_user_sessions
        """
        return self._pages(
            sessions.LIST, user_id, client_id=client_id, sort=sort, page=page, size=size
        )

    async def get(self, user_id: str, session_id: str) -> UserSession:
        """Return one of a user's sessions.

        API: ``GET /api/users/{user_id}/sessions/{session_id}``
        https://www.monocloud.com/docs/apis/identity/users/find_user_session
        """
        return await self._call(sessions.GET, user_id, session_id)

    async def revoke(self, user_id: str, session_id: str) -> None:
        """Revoke one of a user's sessions.

        Tokens that are not bound to the session stay valid. After an attempt whose response was
        lost, a 404 counts as success: the session has ended.

        API: ``DELETE /api/users/{user_id}/sessions/{session_id}``
        https://www.monocloud.com/docs/apis/identity/users/revoke_user_session
        """
        await self._call(sessions.REVOKE, user_id, session_id)
