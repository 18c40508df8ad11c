"""Accounts at other providers."""

from __future__ import annotations

from ...operations import external_providers
from ..account import Json
from ..answering import answers
from ..problems import invalid_fields, not_found
from ..tenant import Tenant

# Records from before 2025 have the same data under another name.
_LISTS = ("external_providers", "idps")


@answers(external_providers.DISCONNECT)
def disconnect(
    tenant: Tenant,
    user_id: str,
    *,
    provider_user_id: str,
    provider: str | None = None,
    authenticator: str | None = None,
) -> Json:
    """Disconnect an account at a provider, which older requests call the authenticator."""
    record = tenant.change(user_id).record
    if provider is None and authenticator is None:
        raise invalid_fields({"provider": ["provider is required."]})
    for member in _LISTS:
        for row in record.get(member, ()):
            kind = row.get("authenticator")
            name = kind if provider is None else row.get("provider", kind)
            if (name, row["provider_user_id"]) == (provider or authenticator, provider_user_id):
                record[member].remove(row)
                _forget_connection(record, kind, provider_user_id)
                return record
    raise not_found(f"The user has no account {provider_user_id!r} at this provider.")


def _forget_connection(record: Json, kind: str | None, connection_id: str) -> None:
    record["connections"] = [
        row
        for row in record.get("connections", ())
        if (row.get("idp"), row["connection_id"]) != (kind, connection_id)
    ]
