"""The passkeys resource: passkeys that users sign in with."""

from __future__ import annotations

from ..operations import passkeys
from ._resource import Resource


class PasskeysResource(Resource):
    """Operations on the passkeys that users sign in with."""

    async def remove(self, user_id: str, passkey_id: str) -> None:
        """Remove a passkey from a user.

        After an attempt whose response was lost, a 404 counts as success: the passkey is gone.

        Args:
            user_id: the user's id.
            passkey_id: the passkey's ``passkey_id``, from ``user.passkeys``.

        API: ``DELETE /api/users/{user_id}/passkeys/{passkey_id}``
        https://www.monocloud.com/docs/apis/identity/users/remove_passkey
        """
        await self._call(passkeys.REMOVE, user_id, passkey_id)
