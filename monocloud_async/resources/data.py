"""The data resource: private and public data that a tenant stores with its users."""

from __future__ import annotations

from collections.abc import Mapping

from .._arguments import json_object
from ..models import UserPrivateData, UserPublicData
from ..operations import data
from ._resource import Resource


class DataResource(Resource):
    """Operations on the data that a tenant stores with its users."""

    async def get_private(self, user_id: str) -> UserPrivateData:
        """Return a user's private data.

        API: ``GET /api/users/{user_id}/private_data``
        https://www.monocloud.com/docs/apis/identity/users/get_private_data
        """
        return await self._call(data.GET_PRIVATE, user_id)

    async def patch_private(
        self, user_id: str, private_data: Mapping[str, object]
    ) -> UserPrivateData:
        """Change keys of a user's private data.

        Args:
            user_id: the user's id.
            private_data: the keys to set. A value of None removes its key; other keys do not
                change.

        Returns:
            The private data after the change.

        API: ``PATCH /api/users/{user_id}/private_data``
        https://www.monocloud.com/docs/apis/identity/users/patch_private_data
        """
        body = {"private_data": json_object("private_data", private_data)}
        return await self._call(data.PATCH_PRIVATE, user_id, body=body)

    async def get_public(self, user_id: str) -> UserPublicData:
        """Return a user's public data.

        API: ``GET /api/users/{user_id}/public_data``
        https://www.monocloud.com/docs/apis/identity/users/get_public_data
        """
        return await self._call(data.GET_PUBLIC, user_id)

    async def patch_public(self, user_id: str, public_data: Mapping[str, object]) -> UserPublicData:
        """Change keys of a user's public data.

        Args:
            user_id: the user's id.
            public_data: the keys to set. A value of None removes its key; other keys do not change.

        Returns:
            The public data after the change.

        API: ``PATCH /api/users/{user_id}/public_data``
        https://www.monocloud.com/docs/apis/identity/users/patch_public_data
        """
        body = {"public_data": json_object("public_data", public_data)}
        return await self._call(data.PATCH_PUBLIC, user_id, body=body)
