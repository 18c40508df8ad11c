"""What two tenants must share if one was made from the other's export."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from monocloud_async.emulator.emulation import Emulation

Json = Mapping[str, Any]
# What an import can give a user. The API itself sets all else: ids, times, sources, sign-in counts,
# passwords, passkeys, and external accounts.
_KEPT = ("disabled", "claims", "public_data", "private_data")
_FREE = ("claims", "public_data", "private_data")


def comparable(user: Json, groups: Iterable[str] = ()) -> Json:
    """Return what an import can give a user, in a canonical order.

    Args:
        user: the user, as the API's JSON.
        groups: the names of the user's groups.
    """
    kept = {name: user.get(name) or ({} if name in _FREE else False) for name in _KEPT}
    username = user.get("username") or {}
    return {
        **kept,
        "username": username.get("username"),
        "emails": _identifiers(user, "emails", "email"),
        "phone_numbers": _identifiers(user, "phone_numbers", "phone"),
        "groups": sorted(groups),
    }


def content(emulator: Emulation) -> list[Json]:
    """Return the content of all users of an emulator, in an order that does not depend on ids."""
    tenant = emulator.export_all()
    names: dict[str, list[str]] = {}
    for group in tenant["groups"]:
        for member in group["members"]:
            names.setdefault(member["user_id"], []).append(group["name"])
    users = [comparable(user, names.get(user["user_id"], ())) for user in tenant["users"]]
    return sorted(users, key=lambda user: json.dumps(user, sort_keys=True))


def _identifiers(user: Json, member: str, name: str) -> list[tuple[str, bool, bool]]:
    rows: Iterable[Json] = user.get(member) or ()
    return sorted((row[name], bool(row.get("verified")), bool(row.get("primary"))) for row in rows)
