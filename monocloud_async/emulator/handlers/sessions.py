"""Sessions."""

from __future__ import annotations

from ...operations import sessions
from ..account import Json, row_of
from ..answering import answers
from ..listing import Listing
from ..tenant import Tenant


@answers(
    sessions.LIST,
    listing=Listing(
        sort=("session_id", "initiated_at", "expires_at", "last_updated"),
        by={"client_id": lambda row: row.get("client_ids", ())},
    ),
)
def list_(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the user's sessions."""
    return tenant.account(user_id).sessions


@answers(sessions.GET)
def get(tenant: Tenant, user_id: str, session_id: str) -> Json:
    """Return a session."""
    return row_of(tenant.account(user_id).sessions, "session_id", session_id, "session")


@answers(sessions.REVOKE)
def revoke(tenant: Tenant, user_id: str, session_id: str) -> None:
    """End a session and revoke the tokens bound to it."""
    tenant.change(user_id, stamp=False).revoke_sessions(session_id)
