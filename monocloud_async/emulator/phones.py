"""What the operations on phones do to a user: each raises ProblemError, or changes it."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from .problems import identity_refused, not_found

Json = dict[str, Any]
_E164 = re.compile(r"\+[1-9][0-9]{1,14}")


def add(
    user: Json,
    *,
    phone_number: str,
    is_verified: bool = False,
    skip_restriction_checks: bool = False,  # noqa: ARG001  (there is no block list)
) -> None:
    """Add a phone."""
    if not _E164.fullmatch(phone_number):
        raise identity_refused(
            "InvalidPhoneNumber", f"{phone_number!r} is no E.164 number: + and up to 15 digits."
        )
    phones: list[Json] = user.setdefault("phone_numbers", [])
    if any(phone.get("phone") == phone_number for phone in phones):
        raise identity_refused("DuplicatePhoneNumber", f"The user has {phone_number} already.")
    phones.append(
        {
            "id": str(uuid4()),
            "primary": False,
            "verified": is_verified,
            "source": None,
            "verification_source": None,
            "phone": phone_number,
        }
    )


def remove(user: Json, phone_id: str) -> None:
    """Remove a phone."""
    user["phone_numbers"].remove(_phone(user, phone_id))


def set_primary(user: Json, phone_id: str) -> None:
    """Make a phone the only primary one."""
    chosen = _phone(user, phone_id)
    for phone in user["phone_numbers"]:
        if phone.get("primary"):
            phone["primary"] = False
    chosen["primary"] = True


def set_verified(user: Json, phone_id: str) -> None:
    """Mark a phone as verified."""
    _phone(user, phone_id)["verified"] = True


def set_unverified(user: Json, phone_id: str) -> None:
    """Mark a phone as not verified."""
    _phone(user, phone_id)["verified"] = False


def _phone(user: Json, phone_id: str) -> Json:
    phones: list[Json] = user.get("phone_numbers", [])
    for phone in phones:
        if phone["id"] == phone_id:
            return phone
    raise not_found(f"The user has no phone with the id {phone_id!r}.")
