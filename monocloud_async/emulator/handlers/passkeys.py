"""Passkeys."""

from __future__ import annotations

from ...operations import passkeys
from ..account import row_of
from ..answering import answers
from ..tenant import Tenant


@answers(passkeys.REMOVE)
def remove(tenant: Tenant, user_id: str, passkey_id: str) -> None:
    """Remove a passkey."""
    found = tenant.change(user_id).record.get("passkeys", [])
    found.remove(row_of(found, "passkey_id", passkey_id, "passkey"))
