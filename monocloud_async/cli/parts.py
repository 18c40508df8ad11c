"""Map each resource to the part of a user that its commands work on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..models import Record, User

PARTS: Mapping[str, str] = {
    "usernames": "username",
    "emails": "emails",
    "phones": "phone_numbers",
    "passkeys": "passkeys",
    "external_providers": "external_providers",
}


def part_of(user: User, resource: str) -> Sequence[Record]:
    """Return the records of a user that belong to a resource."""
    found: tuple[Record, ...] | Record | None = getattr(user, PARTS[resource])
    return found if isinstance(found, tuple) else (found,) if found else ()
