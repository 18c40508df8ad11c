"""Private and public data."""

from __future__ import annotations

from collections.abc import Mapping

from .._arguments import json_object
from ..models import UserPrivateData, UserPublicData
from ..operations import data
from ._resource import Resource


class DataResource(Resource):
    """The data that a tenant keeps about its users."""

    async def get_private(self, user_id: str) -> UserPrivateData:
        """Return a user's private data.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_private_data
        """
        return await self._call(data.GET_PRIVATE, user_id)

    async def patch_private(
        self, user_id: str, private_data: Mapping[str, object]
    ) -> UserPrivateData:
        """Change a user's private data key by key.

        Args:
            private_data: the keys to set; None as a value removes its key, and other keys stay.

        API page: https://www.monocloud.com/docs/apis/identity/users/patch_private_data
        """
        body = {"private_data": json_object("private_data", private_data)}
        return await self._call(data.PATCH_PRIVATE, user_id, body=body)

    async def get_public(self, user_id: str) -> UserPublicData:
        """Return a user's public data.

        API page: https://www.monocloud.com/docs/apis/identity/users/get_public_data
        """
        return await self._call(data.GET_PUBLIC, user_id)

    async def patch_public(self, user_id: str, public_data: Mapping[str, object]) -> UserPublicData:
        """Change a user's public data key by key.

        Args:
            public_data: the keys to set; None as a value removes its key, and other keys stay.

        API page: https://www.monocloud.com/docs/apis/identity/users/patch_public_data
        """
        body = {"public_data": json_object("public_data", public_data)}
        return await self._call(data.PATCH_PUBLIC, user_id, body=body)
