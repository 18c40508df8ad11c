"""The external_providers resource: accounts at other identity providers."""

from __future__ import annotations

from .._arguments import text
from ..models import User
from ..operations import external_providers
from ._resource import Resource


class ExternalProvidersResource(Resource):
    """Operations on the accounts at other identity providers that users sign in with."""

    async def disconnect(self, user_id: str, provider: str, provider_user_id: str) -> User:
        """Disconnect a user from an account at another identity provider.

        If a NotFoundError has ``may_have_been_applied`` set, an earlier attempt whose response was
        lost may have removed the connection.

        Args:
            user_id: the user's id.
            provider: the name of the tenant's connection to the provider, such as ``google``.
            provider_user_id: the account's id at the provider, from ``user.external_providers``.

        Returns:
            The updated user.

        API: ``POST /api/users/{user_id}/external_authenticator/disconnect``
        https://www.monocloud.com/docs/apis/identity/users/external_authenticator_disconnect
        """
        body = {
            "provider": text("provider", provider),
            "provider_user_id": text("provider_user_id", provider_user_id),
        }
        return await self._call(external_providers.DISCONNECT, user_id, body=body)
