"""Accounts at other providers."""

from __future__ import annotations

from .._arguments import text
from ..models import User
from ..operations import external_providers
from ._resource import Resource


class ExternalProvidersResource(Resource):
    """The accounts at other providers that users sign in with."""

    async def disconnect(self, user_id: str, provider: str, provider_user_id: str) -> User:
        """Remove the link between a user and an account at another provider.

        Args:
            provider: the name of the tenant's connection to it, such as ``google``.
            provider_user_id: the account's id there, as in ``user.external_providers``.

        A NotFoundError whose ``may_have_been_applied`` is true means that an earlier attempt, whose
        answer was lost, may have removed it.

        API page: https://www.monocloud.com/docs/apis/identity/users/external_authenticator_disconnect
        """
        body = {
            "provider": text("provider", provider),
            "provider_user_id": text("provider_user_id", provider_user_id),
        }
        return await self._call(external_providers.DISCONNECT, user_id, body=body)
