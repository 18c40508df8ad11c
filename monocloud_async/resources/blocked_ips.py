"""Blocked IP addresses."""

from __future__ import annotations

from .._arguments import text
from ..models import User, UserIpAccessDetails
from ..operations import blocked_ips
from ..pages import Pages
from ._resource import Resource
from ._sorting import BlockedIpSort


class BlockedIpsResource(Resource):
    """The IP addresses that the tenant blocked for its users."""

    def list(
        self,
        user_id: str,
        *,
        filter: str | None = None,  # noqa: A002  (the API's name)
        sort: BlockedIpSort | None = None,
        page: int = 1,
        size: int = 50,
    ) -> Pages[UserIpAccessDetails]:
        """List the addresses blocked for a user.

        Args:
            filter: terms in the style of Lucene, such as ``1.1.1.1``.
            sort: a field and 1 or -1, such as ``block_until:-1``.
            page: the page to begin with, 1 for the first.
            size: how many records a page has; the API may allow fewer.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_all_blocked_ips
        """
        return self._pages(
            blocked_ips.LIST, user_id, filter=filter, sort=sort, page=page, size=size
        )

    async def unblock(self, user_id: str, ip_address: str) -> User:
        """End the block of an address, or of all of them.

        Args:
            ip_address: the address, or ``all``.

        API page: https://www.monocloud.com/docs/apis/identity/users/unblock_ip
        """
        body = {"ip_address": text("ip_address", ip_address)}
        return await self._call(blocked_ips.UNBLOCK, user_id, body=body)
