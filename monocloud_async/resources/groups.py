"""Memberships of groups."""

from __future__ import annotations

from ..models import UserGroup, UserSummary
from ..operations import groups
from ..pages import Pages
from ._resource import Resource
from ._sorting import CreationSort, UserSort


class GroupsResource(Resource):
    """The groups that users are in."""

    def list(
        self,
        user_id: str,
        *,
        sort: CreationSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserGroup]:
        """List the groups that a user is in.

        Args:
            sort: ``creation_time:1`` or ``creation_time:-1``.
            page: the page to begin with, 1 for the first.
            size: how many records a page has; the API may allow fewer.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_all_user_groups
        """
        return self._pages(groups.LIST, user_id, sort=sort, page=page, size=size)

    async def get(self, user_id: str, group_id: str) -> UserGroup:
        """Return a user's membership of a group.

        API page: https://www.monocloud.com/docs/apis/identity/users/find_user_group
        """
        return await self._call(groups.GET, user_id, group_id)

    async def assign(self, user_id: str, group_id: str) -> UserGroup | None:
        """Put a user into a group.

        Returns the membership, or None where an older server does not say. What the API answers to
        a repeat is unknown, so a call whose answer is lost is not repeated: ``groups.get`` tells.

        API page: https://www.monocloud.com/docs/apis/identity/users/assign_user_to_group
        """
        return await self._call(groups.ASSIGN, user_id, group_id)

    async def remove(self, user_id: str, group_id: str) -> None:
        """Take a user out of a group.

        A 404 after an attempt whose answer was lost counts as success: the user is not
        in the group.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_user_from_group
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
            filter: terms in the style of Lucene, as for ``users.list``.
            sort: a field and 1 or -1, as for ``users.list``.
            page: the page to begin with, 1 for the first.
            size: how many records a page has; the API may allow fewer.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_all_group_assigned_users
        """
        return self._pages(
            groups.LIST_USERS, group_id, filter=filter, sort=sort, page=page, size=size
        )
