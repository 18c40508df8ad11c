"""Passwords."""

from __future__ import annotations

import secrets

from ...operations import passwords
from ..account import Json
from ..answering import answers
from ..links import expires_at
from ..password_rules import check_old, checked, keep
from ..problems import not_found
from ..tenant import Tenant


@answers(passwords.SET)
def set_(
    tenant: Tenant,
    user_id: str,
    *,
    password: str | None = None,
    password_hash: str | None = None,
    password_hash_algorithm: str | None = None,
    is_temporary_password: bool = True,
    skip_password_policy_checks: bool = False,
    revoke_sessions: bool = False,
) -> Json:
    """Set a password."""
    account = tenant.change(user_id)
    new = checked(
        *(password, password_hash, password_hash_algorithm), skip=skip_password_policy_checks
    )
    keep(account, new, tenant.now(), temporary=is_temporary_password)
    if revoke_sessions:
        account.revoke_sessions()
    return account.record


@answers(passwords.CHANGE)
def change(
    tenant: Tenant,
    user_id: str,
    *,
    old_password: str,
    new_password: str | None = None,
    new_password_hash: str | None = None,
    new_password_hash_algorithm: str | None = None,
    revoke_sessions: bool = False,
) -> Json:
    """Replace a password that the caller knows."""
    account = tenant.change(user_id)
    new = checked(
        new_password, new_password_hash, new_password_hash_algorithm, prefix="new_", skip=False
    )
    check_old(account, old_password)
    keep(account, new, tenant.now(), temporary=False)
    if revoke_sessions:
        account.revoke_sessions()
    return account.record


@answers(passwords.REMOVE)
def remove(tenant: Tenant, user_id: str) -> None:
    """Remove a password."""
    account = tenant.change(user_id)
    if not account.record.get("has_password"):
        raise not_found("The user has no password.")
    account.password = None
    account.record.update(has_password=False, password_updated_at=None)


@answers(passwords.SET_RESET_REQUIRED)
def set_reset_required(tenant: Tenant, user_id: str) -> Json:
    """Require a password reset at the next sign-in."""
    record = tenant.change(user_id).record
    record["force_password_reset"] = True
    return record


@answers(passwords.REMOVE_RESET_REQUIRED)
def remove_reset_required(tenant: Tenant, user_id: str) -> Json:
    """Stop requiring a password reset."""
    record = tenant.change(user_id).record
    record["force_password_reset"] = False
    return record


@answers(passwords.RESET)
def reset(
    tenant: Tenant, user_id: str, *, send_email: bool = False, expiry: int | None = None
) -> Json:
    """Create a link that leads nowhere."""
    tenant.account(user_id)
    return {
        "link": f"https://emulator.invalid/password/reset?token={secrets.token_urlsafe(24)}",
        "expires_at": expires_at(tenant, expiry),
        "email_sent": send_email,
    }
