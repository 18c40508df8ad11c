"""The groups, with the number of members of each."""

from __future__ import annotations

from collections import Counter

from ..tenant import Tenant
from .markup import Html, tag

_SHOWN = 100


def group_list(tenant: Tenant) -> Html:
    """Return the groups as a list."""
    groups, members = tenant.read(_counted)
    if not groups:
        return tag("p", "No groups.", class_="empty")
    rows = [_row(group_id, name, members[group_id]) for group_id, name in groups[:_SHOWN]]
    hidden = len(groups) - len(rows)
    return tag(
        "div",
        tag("ul", *rows, class_="groups"),
        tag("p", f"and {hidden:,} more") if hidden else None,
    )


def _counted(tenant: Tenant) -> tuple[list[tuple[str, str]], Counter[str]]:
    groups = [(group_id, str(group["name"])) for group_id, group in tenant.groups.items()]
    members = Counter(
        str(membership["group_id"])
        for account in tenant.accounts.values()
        for membership in account.memberships
    )
    return groups, members


def _row(group_id: str, name: str, members: int) -> Html:
    noun = "member" if members == 1 else "members"
    label = tag("span", name, class_="name")
    return tag("li", label, tag("code", group_id), tag("small", f"{members:,} {noun}"))
