"""User names."""

from __future__ import annotations

from uuid import uuid4

from ...operations import usernames
from .. import identifiers
from ..account import Json
from ..answering import answers
from ..problems import not_found
from ..tenant import Tenant


@answers(usernames.UPDATE)
def update(tenant: Tenant, user_id: str, *, username: str) -> Json:
    """Set or replace the user name."""
    record = tenant.change(user_id).record
    identifiers.check(tenant, "username", username, but=user_id)
    record["username"] = {
        **(record.get("username") or {"id": str(uuid4()), "source": None}),
        "username": username,
    }
    return record


@answers(usernames.REMOVE)
def remove(tenant: Tenant, user_id: str) -> Json:
    """Remove the user name."""
    record = tenant.change(user_id).record
    if not record.get("username"):
        raise not_found("The user has no user name.")
    record["username"] = None
    return record
