"""Email addresses."""

from __future__ import annotations

from ...operations import emails
from .. import identifiers
from ..account import Json
from ..answering import answers
from ..links import expires_at
from ..tenant import Tenant


@answers(emails.ADD)
def add(
    tenant: Tenant,
    user_id: str,
    *,
    email: str,
    is_verified: bool = False,
    skip_restriction_checks: bool = False,  # noqa: ARG001  (the emulator has no block list)
) -> Json:
    """Add an email address."""
    return identifiers.add(tenant, user_id, "email", email, verified=is_verified)


@answers(emails.REMOVE)
def remove(tenant: Tenant, user_id: str, email_id: str) -> Json:
    """Remove an email address."""
    return identifiers.remove(tenant, user_id, "email", email_id)


@answers(emails.SET_PRIMARY)
def set_primary(tenant: Tenant, user_id: str, email_id: str) -> Json:
    """Make an email address the only primary one."""
    return identifiers.set_primary(tenant, user_id, "email", email_id)


@answers(emails.SET_VERIFIED)
def set_verified(tenant: Tenant, user_id: str, email_id: str) -> Json:
    """Mark an email address as verified."""
    return identifiers.mark(tenant, user_id, "email", email_id, verified=True)


@answers(emails.SET_UNVERIFIED)
def set_unverified(tenant: Tenant, user_id: str, email_id: str) -> Json:
    """Mark an email address as not verified."""
    return identifiers.mark(tenant, user_id, "email", email_id, verified=False)


@answers(emails.SEND_VERIFICATION_LINK)
def send_verification_link(
    tenant: Tenant, user_id: str, email_id: str, *, expiry: int | None = None
) -> Json:
    """Pretend to send a link."""
    identifiers.find(tenant.account(user_id), "email", email_id)
    return {"expires_at": expires_at(tenant, expiry), "email_sent": True}
