"""The groups resource: which users are in which groups."""

from __future__ import annotations

from ..models import UserGroup, UserSummary
from ..operations import groups
from ..pages import Pages
from ._resource import Resource
from ._sorting import CreationSort, UserSort


class GroupsResource(Resource):
    """Operations on the group memberships of users."""

    def list(
        self,
        user_id: str,
        *,
        sort: CreationSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserGroup]:
        """List the groups of a user.

        Args:
            user_id: the user's id.
            sort: ``creation_time:1`` or ``creation_time:-1``.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/groups``
        https://www.monocloud.com/docs/apis/identity/users/get_all_user_groups
        """
        return self._pages(groups.LIST, user_id, sort=sort, page=page, size=size)

    async def get(self, user_id: str, group_id: str) -> UserGroup:
        """Return a user's membership in a group.

        API: ``GET /api/users/{user_id}/groups/{group_id}``
        https://www.monocloud.com/docs/apis/identity/users/find_user_group
        """
        return await self._call(groups.GET, user_id, group_id)

    async def assign(self, user_id: str, group_id: str) -> UserGroup | None:
        """Add a user to a group.

        The API does not document how it responds to a repeated assignment, so the call is not
        retried when its response is lost; call ``groups.get`` to find out.

        Returns:
            The membership, or None if the server is an older one that does not return it.

        API: ``POST /api/users/{user_id}/groups/{group_id}``
        https://www.monocloud.com/docs/apis/identity/users/assign_user_to_group
        """
        return await self._call(groups.ASSIGN, user_id, group_id)

    async def remove(self, user_id: str, group_id: str) -> None:
        """Remove a user from a group.

        After an attempt whose response was lost, a 404 counts as success: the user is not in the
        group.

        API: ``DELETE /api/users/{user_id}/groups/{group_id}``
        https://www.monocloud.com/docs/apis/identity/users/remove_user_from_group
        """
        await self._call(groups.REMOVE, user_id, group_id)

    def list_users(
        self,
        group_id: str,
        *,
        filter: str | None = None,  # noqa: A002  (the API's name)
        sort: UserSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserSummary]:
        """List the users in a group.

        Args:
            group_id: the group's id.
            filter: a Lucene-style query, as in ``users.list``.
            sort: a field and a direction, as in ``users.list``.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/groups/{group_id}/assigned``
        https://www.monocloud.com/docs/apis/identity/users/get_all_group_assigned_users
        """
        return self._pages(
            groups.LIST_USERS, group_id, filter=filter, sort=sort, page=page, size=size
        )
