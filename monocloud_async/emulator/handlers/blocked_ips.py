"""Blocked IP addresses."""

from __future__ import annotations

import ipaddress

from ...operations import blocked_ips
from ..account import Json
from ..answering import answers
from ..listing import Listing
from ..problems import invalid_fields
from ..search import Fields
from ..tenant import Tenant

_ALL = "all"
_MEMBERS = ("ip", "failure_count", "block_until", "sign_in_attempts_count", "last_sign_in_attempt")


@answers(
    blocked_ips.LIST,
    listing=Listing(
        sort=("block_until", "last_sign_in_attempt", "last_sign_in_success"),
        search=Fields(_MEMBERS, {"ip_address": "ip"}, ["ip"]),
    ),
)
def list_(tenant: Tenant, user_id: str) -> list[Json]:
    """Return the addresses blocked for the user."""
    return tenant.account(user_id).blocked_ips


@answers(blocked_ips.UNBLOCK)
def unblock(tenant: Tenant, user_id: str, *, ip_address: str) -> Json:
    """Unblock an address, or all of them."""
    account = tenant.change(user_id)
    wanted = None if ip_address == _ALL else _address(ip_address)
    account.blocked_ips[:] = [
        row for row in account.blocked_ips if wanted and _address(row["ip"]) != wanted
    ]
    return account.record


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        message = f"ip_address must be an IP address, or {_ALL}."
        raise invalid_fields({"ip_address": [message]}) from None
