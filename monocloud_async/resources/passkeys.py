"""Passkeys."""

from __future__ import annotations

from ..operations import passkeys
from ._resource import Resource


class PasskeysResource(Resource):
    """The passkeys that users sign in with."""

    async def remove(self, user_id: str, passkey_id: str) -> None:
        """Remove a passkey from a user.

        Args:
            passkey_id: the passkey's ``passkey_id``, as in ``user.passkeys``.

        A 404 after an attempt whose answer was lost counts as success: the passkey is gone.

        API page: https://www.monocloud.com/docs/apis/identity/users/remove_passkey
        """
        await self._call(passkeys.REMOVE, user_id, passkey_id)
