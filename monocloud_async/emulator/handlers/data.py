"""Private and public data."""

from __future__ import annotations

from typing import Any

from ...operations import data
from ..account import Json
from ..answering import answers
from ..tenant import Tenant


@answers(data.GET_PRIVATE)
def get_private(tenant: Tenant, user_id: str) -> Json:
    """Return the private data."""
    return _data(tenant.account(user_id).record, "private_data")


@answers(data.PATCH_PRIVATE)
def patch_private(tenant: Tenant, user_id: str, *, private_data: dict[str, Any]) -> Json:
    """Patch the private data."""
    return _merge(tenant.change(user_id).record, "private_data", private_data)


@answers(data.GET_PUBLIC)
def get_public(tenant: Tenant, user_id: str) -> Json:
    """Return the public data."""
    return _data(tenant.account(user_id).record, "public_data")


@answers(data.PATCH_PUBLIC)
def patch_public(tenant: Tenant, user_id: str, *, public_data: dict[str, Any]) -> Json:
    """Patch the public data."""
    return _merge(tenant.change(user_id).record, "public_data", public_data)


def _data(record: Json, member: str) -> Json:
    return {member: record.get(member) or {}}


def _merge(record: Json, member: str, changes: Json) -> Json:
    """Merge changes into the data; null removes a key."""
    before: Json = record.get(member) or {}
    merged = {**before, **changes}
    record[member] = {key: value for key, value in merged.items() if value is not None}
    return _data(record, member)
