"""Group memberships."""

from __future__ import annotations

from ...operations import groups
from ..account import Json, row_of
from ..answering import answers
from ..listing import Listing
from ..tenant import Tenant
from .users import USERS


@answers(groups.LIST, listing=Listing(sort=("creation_time",)))
def list_(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the user's groups."""
    return tenant.account(user_id).memberships


@answers(groups.GET)
def get(tenant: Tenant, user_id: str, group_id: str) -> Json:
    """Return one of the user's groups."""
    return row_of(tenant.account(user_id).memberships, "group_id", group_id, "group")


@answers(groups.ASSIGN, status=201)
def assign(tenant: Tenant, user_id: str, group_id: str) -> Json:
    """Add the user to a group; does nothing if already a member."""
    return tenant.change(user_id, stamp=False).join(tenant.group(group_id), tenant.now())


@answers(groups.REMOVE)
def remove(tenant: Tenant, user_id: str, group_id: str) -> None:
    """Remove the user from a group."""
    memberships = tenant.change(user_id, stamp=False).memberships
    memberships.remove(row_of(memberships, "group_id", group_id, "group"))


@answers(groups.LIST_USERS, listing=USERS)
def list_users(tenant: Tenant, group_id: str) -> list[Json]:
    """Return the members of a group."""
    tenant.group(group_id)
    return [
        account.record
        for account in tenant.accounts.values()
        if any(membership["group_id"] == group_id for membership in account.memberships)
    ]
