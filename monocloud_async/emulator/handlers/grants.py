"""Grants to applications."""

from __future__ import annotations

from ...operations import grants
from ..account import GRANTS, Account, Json, row_of
from ..answering import answers
from ..listing import Listing, member
from ..problems import not_found
from ..tenant import Tenant

_CONSENTS = Listing(sort=("creation_time",), by={"client_id": member("client_id")})
_TOKENS = Listing(
    sort=("creation_time",),
    by={"client_id": member("client_id"), "session_id": member("session_id")},
)


@answers(grants.LIST_CLIENT_GRANTS, listing=Listing())
def list_client_grants(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the number of the user's grants per application."""
    account = tenant.account(user_id)
    clients = dict.fromkeys(row["client_id"] for kind in GRANTS for row in getattr(account, kind))
    return [_client_grants(account, client_id) for client_id in clients]


@answers(grants.LIST_CONSENTS, listing=_CONSENTS)
def list_consents(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the user's consents."""
    return tenant.account(user_id).consents


@answers(grants.LIST_REFERENCE_TOKENS, listing=_TOKENS)
def list_reference_tokens(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the reference tokens that applications hold."""
    return tenant.account(user_id).reference_tokens


@answers(grants.LIST_REFRESH_TOKENS, listing=_TOKENS)
def list_refresh_tokens(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the refresh tokens that applications hold."""
    return tenant.account(user_id).refresh_tokens


@answers(grants.LIST_AUTHORIZATION_CODES, listing=_TOKENS)
def list_authorization_codes(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the codes that applications have not redeemed yet."""
    return tenant.account(user_id).authorization_codes


@answers(grants.REVOKE_CLIENT_GRANTS)
def revoke_client_grants(tenant: Tenant, user_id: str, client_id: str) -> None:
    """Revoke all grants of an application."""
    account = tenant.change(user_id, stamp=False)
    rows = [row for kind in GRANTS for row in getattr(account, kind)]
    if not any(row["client_id"] == client_id for row in rows):
        raise not_found(f"The user has no grants for the client {client_id!r}.")
    for kind in GRANTS:
        others = [row for row in getattr(account, kind) if row["client_id"] != client_id]
        setattr(account, kind, others)


@answers(grants.REVOKE_CONSENT)
def revoke_consent(tenant: Tenant, user_id: str, consent_id: str) -> None:
    """Revoke a consent."""
    _revoke(tenant.change(user_id, stamp=False).consents, consent_id, "consent")


@answers(grants.REVOKE_REFERENCE_TOKEN)
def revoke_reference_token(tenant: Tenant, user_id: str, token_id: str) -> None:
    """Revoke a reference token."""
    _revoke(tenant.change(user_id, stamp=False).reference_tokens, token_id, "reference token")


@answers(grants.REVOKE_REFRESH_TOKEN)
def revoke_refresh_token(tenant: Tenant, user_id: str, token_id: str) -> None:
    """Revoke a refresh token."""
    _revoke(tenant.change(user_id, stamp=False).refresh_tokens, token_id, "refresh token")


@answers(grants.REVOKE_AUTHORIZATION_CODE)
def revoke_authorization_code(tenant: Tenant, user_id: str, code_id: str) -> None:
    """Revoke an authorization code."""
    codes = tenant.change(user_id, stamp=False).authorization_codes
    _revoke(codes, code_id, "authorization code")


def _revoke(rows: list[Json], grant_id: str, noun: str) -> None:
    rows.remove(row_of(rows, "id", grant_id, noun))


def _client_grants(account: Account, client_id: str) -> Json:
    counts = {
        kind: sum(row["client_id"] == client_id for row in getattr(account, kind))
        for kind in GRANTS
    }
    return {"client_id": client_id, "consented": counts.pop("consents") > 0, **counts}
