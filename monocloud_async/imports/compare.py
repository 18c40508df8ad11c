"""Compares a user with a row: the differences, and what the user lacks."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, cast

from ..models import User
from ..outcome import ImportDifference
from .find import same_phone, same_text
from .row import Address, ImportRow


def email_of(user: User, value: str) -> Address | None:
    """Return a user's email address, or None if the user does not have it."""
    for email in user.emails:
        if same_text(email.email, value):
            return Address(str(email.email), email.verified)
    return None


def phone_of(user: User, value: str) -> Address | None:
    """Return a user's phone number, or None if the user does not have it."""
    for phone in user.phone_numbers:
        if same_phone(phone.phone, value):
            return Address(str(phone.phone), phone.verified)
    return None


def missing_emails(row: ImportRow, user: User) -> list[Address]:
    """Return the row's email addresses that the user lacks."""
    return [email for email in row.all_emails if not email_of(user, email.value)]


def missing_phones(row: ImportRow, user: User) -> list[Address]:
    """Return the row's phone numbers that the user lacks."""
    return [phone for phone in row.all_phones if not phone_of(user, phone.value)]


def missing_keys(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> dict[str, Any]:
    """Return the members that are missing or null, descending into a postal address."""
    missing = {n: value for n, value in wanted.items() if found.get(n) is None}
    if "address" in wanted and "address" not in missing and isinstance(found["address"], Mapping):
        existing = cast("Mapping[str, Any]", found["address"])
        if parts := {n: v for n, v in wanted["address"].items() if existing.get(n) is None}:
            missing["address"] = parts
    return missing


def is_as_created(row: ImportRow, user: User) -> bool:
    """Return whether a user looks exactly as the row's creation would have left it."""
    created = row.creation()
    claims = {n: value for n, value in row.claims.items() if n in created}
    return (
        _has(row.email, row.email and email_of(user, row.email.value))
        and _has(row.phone, row.phone and phone_of(user, row.phone.value))
        and (not row.username or bool(user.username))
        and (not user.username or same_text(user.username.username, row.username or ""))
        and all(user.claims.get(name) == value for name, value in claims.items())
        and (not row.password or user.has_password is not False)
    )


def _has(wanted: Address | None, found: Address | None) -> bool:
    if wanted is None:
        return True
    return found is not None and bool(wanted.verified) == bool(found.verified)


def differences(
    row: ImportRow, user: User, groups: Collection[str] | None
) -> Iterator[ImportDifference]:
    """Yield where a user differs from a row; for a password, only whether there is one.

    Args:
        row: the row.
        user: the user.
        groups: the ids of the user's groups. None if they are unknown.
    """
    for name, wanted, found in _members(row, user):
        if wanted != found:
            yield ImportDifference(name, wanted, found)
    for group in row.groups if groups is not None else ():
        if group not in (groups or ()):
            yield ImportDifference("groups", group, None)


def _members(row: ImportRow, user: User) -> Iterator[tuple[str, Any, Any]]:
    for email in row.all_emails:
        yield from _address("emails", email, email_of(user, email.value))
    for phone in row.all_phones:
        yield from _address("phone_numbers", phone, phone_of(user, phone.value))
    if row.username:
        current = user.username.username if user.username else None
        yield (
            "username",
            row.username,
            row.username if same_text(current, row.username) else current,
        )
    for member in ("claims", "private_data", "public_data"):
        existing: Mapping[str, Any] = getattr(user, member)
        for name, value in getattr(row, member).items():
            yield f"{member}.{name}", value, existing.get(name)
    if row.disabled:
        yield "disabled", True, bool(user.disabled)
    if row.password and user.has_password is not None:
        yield "has_password", True, user.has_password


def _address(member: str, wanted: Address, found: Address | None) -> Iterator[tuple[str, Any, Any]]:
    if found is None:
        yield member, wanted.value, None
    elif wanted.verified is not None:
        yield f"{member}.verified", wanted.verified, bool(found.verified)
