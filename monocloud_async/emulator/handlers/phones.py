"""Phones."""

from __future__ import annotations

from ...operations import phones
from .. import identifiers
from ..account import Json
from ..answering import answers
from ..tenant import Tenant


@answers(phones.ADD)
def add(
    tenant: Tenant,
    user_id: str,
    *,
    phone_number: str,
    is_verified: bool = False,
    skip_restriction_checks: bool = False,  # noqa: ARG001  (the emulator has no block list)
) -> Json:
    """Add a phone."""
    return identifiers.add(tenant, user_id, "phone", phone_number, verified=is_verified)


@answers(phones.REMOVE)
def remove(tenant: Tenant, user_id: str, phone_id: str) -> Json:
    """Remove a phone."""
    return identifiers.remove(tenant, user_id, "phone", phone_id)


@answers(phones.SET_PRIMARY)
def set_primary(tenant: Tenant, user_id: str, phone_id: str) -> Json:
    """Make a phone the only primary one."""
    return identifiers.set_primary(tenant, user_id, "phone", phone_id)


@answers(phones.SET_VERIFIED)
def set_verified(tenant: Tenant, user_id: str, phone_id: str) -> Json:
    """Mark a phone as verified."""
    return identifiers.mark(tenant, user_id, "phone", phone_id, verified=True)


@answers(phones.SET_UNVERIFIED)
def set_unverified(tenant: Tenant, user_id: str, phone_id: str) -> Json:
    """Mark a phone as not verified."""
    return identifiers.mark(tenant, user_id, "phone", phone_id, verified=False)
