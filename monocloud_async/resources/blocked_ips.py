"""The blocked_ips resource: IP addresses that the tenant blocks."""

from __future__ import annotations

from .._arguments import text
from ..models import User, UserIpAccessDetails
from ..operations import blocked_ips
from ..pages import Pages
from ._resource import Resource
from ._sorting import BlockedIpSort


class BlockedIpsResource(Resource):
    """Operations on the IP addresses that the tenant blocks for its users."""

    def list(
        self,
        user_id: str,
        *,
        filter: str | None = None,  # noqa: A002  (the API's name)
        sort: BlockedIpSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserIpAccessDetails]:
        """List the IP addresses blocked for a user.

        Args:
            user_id: the user's id.
            filter: a Lucene-style query, such as ``1.1.1.1``.
            sort: a field and a direction, such as ``block_until:-1`` for the latest first.
            page: the first page to fetch, counting from 1.
            size: the number of records per page; the API may cap it.

        API: ``GET /api/users/{user_id}/blocked_ips``
        https://www.monocloud.com/docs/apis/identity/users/get_all_blocked_ips
        """
        return self._pages(
            blocked_ips.LIST, user_id, filter=filter, sort=sort, page=page, size=size
        )

    async def unblock(self, user_id: str, ip_address: str) -> User:
        """Unblock an IP address for a user, or all addresses.

        Args:
            user_id: the user's id.
            ip_address: the address, or ``all``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/blocked_ips/unblock``
        https://www.monocloud.com/docs/apis/identity/users/unblock_ip
        """
        body = {"ip_address": text("ip_address", ip_address)}
        return await self._call(blocked_ips.UNBLOCK, user_id, body=body)
