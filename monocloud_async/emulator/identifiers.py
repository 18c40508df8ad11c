"""Operations shared by a user's email addresses and phones, which both have ids."""

from __future__ import annotations

import re
from typing import Any
from uuid import uuid4

from .account import IDENTIFIERS, Account, Json, row_of
from .problems import identity_refused
from .tenant import Tenant

_SHAPES = {
    "email": (
        re.compile(r"[^@\s]+@[^@\s]+"),
        ("InvalidEmail", "{!r} is not a valid email address."),
    ),
    "phone": (
        re.compile(r"\+[1-9][0-9]{1,14}"),
        ("InvalidPhoneNumber", "{!r} is not an E.164 number (+ and up to 15 digits)."),
    ),
    "username": (
        re.compile(r"\S(.*\S)?", re.DOTALL),
        (
            "InvalidUserName",
            "{!r} is not a valid user name: it is empty, or starts or ends with blanks.",
        ),
    ),
}


def check(tenant: Tenant, kind: str, value: str, *, but: str | None = None) -> None:
    """Reject an identifier that is malformed or taken.

    Args:
        kind: ``email``, ``phone`` or ``username``.
        but: a user who may have it.

    Raises:
        ProblemError: 422 if it is rejected.
    """
    shape, (code, text) = _SHAPES[kind]
    if not shape.fullmatch(value):
        raise identity_refused((code, text.format(value)))
    tenant.check_new(kind, value, but=but)


def added(kind: str, value: str, *, verified: bool, primary: bool = False) -> Json:
    """Return the row of a new email address or phone."""
    return {
        "id": str(uuid4()),
        "primary": primary,
        "verified": verified,
        "source": None,
        "verification_source": None,
        kind: value,
    }


def add(tenant: Tenant, user_id: str, kind: str, value: str, *, verified: bool) -> Json:
    """Add an email address or phone to a user, and return the user."""
    account = tenant.change(user_id)
    check(tenant, kind, value)
    account.record.setdefault(IDENTIFIERS[kind], []).append(added(kind, value, verified=verified))
    return account.record


def find(account: Account, kind: str, identifier_id: str) -> Json:
    """Return an email address or a phone of a user.

    Raises:
        ProblemError: 404 if it does not exist.
    """
    return row_of(account.record.get(IDENTIFIERS[kind], []), "id", identifier_id, kind)


def remove(tenant: Tenant, user_id: str, kind: str, identifier_id: str) -> Json:
    """Remove an email address or a phone of a user, and return the user."""
    account = tenant.change(user_id)
    # First, because the user may not have the list at all.
    found = find(account, kind, identifier_id)
    account.record[IDENTIFIERS[kind]].remove(found)
    return account.record


def set_primary(tenant: Tenant, user_id: str, kind: str, identifier_id: str) -> Json:
    """Make an email address or a phone the only primary one, and return the user."""
    account = tenant.change(user_id)
    chosen = find(account, kind, identifier_id)
    for row in account.record[IDENTIFIERS[kind]]:
        if row.get("primary"):
            row["primary"] = False
    chosen["primary"] = True
    return account.record


def mark(tenant: Tenant, user_id: str, kind: str, identifier_id: str, **members: Any) -> Json:
    """Set members of an email address or a phone, and return the user."""
    account = tenant.change(user_id)
    find(account, kind, identifier_id).update(members)
    return account.record
