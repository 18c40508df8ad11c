"""Clerk: the Dashboard's CSV, and JSON from its API, SDK and command line."""

from __future__ import annotations

import re
from typing import Any

from . import hashes
from .options import MappingOptions
from .person import Person
from .row import Row, Skip
from .values import (
    Record,
    flag,
    is_list,
    is_table,
    items,
    of_milliseconds,
    present,
    table,
    tables,
    text,
)
from .values import locale as hyphenated

_SEPARATORS = re.compile("[|,;]")
_CAPITAL = re.compile("(?<=[a-z0-9])([A-Z])")
_LOST = ("saml_accounts", "web3_wallets", "organization_memberships")


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Map a user to an import row.

    Args:
        record: a record of the export, as ``read`` returns it.
        options: the mapping options.
    """
    options = options or MappingOptions()
    record = _snake(record)
    user_id = text(record, "id", "user_id")
    person = Person("clerk", user_id, options)
    _add_emails(person, record)
    _add_phones(person, record)
    person.username(text(record, "username"))
    _add_claims(person, record)
    _add_metadata(person, record)
    _add_accounts(person, record)
    _add_password(person, record)
    _add_losses(person, record)
    person.groups(options.groups.get(user_id or "", ()))
    if flag(record, "banned"):
        person.disable()
    return person.row()


def _snake(record: Record) -> dict[str, Any]:
    """Return a record with the SDK's member names converted to the API's."""
    return {_CAPITAL.sub(lambda found: f"_{found[1].lower()}", n): v for n, v in record.items()}


def _listed(record: Record, name: str) -> list[str]:
    """Return the values of a column that holds several."""
    value = record.get(name)
    if is_list(value):
        return [item for item in value if isinstance(item, str) and item]
    return [part.strip() for part in _SEPARATORS.split(text(record, name) or "") if part.strip()]


def _objects(record: Record, name: str) -> list[dict[str, Any]]:
    """Return the objects of a member that older files have as text."""
    value = record.get(name)
    return [_snake(item) for item in value if is_table(item)] if is_list(value) else []


def _add_emails(person: Person, record: Record) -> None:
    main = text(record, "primary_email_address")
    verified, others = _sorted_out(record, "email")
    for address in [main, *verified, *others] if main else [*verified, *others]:
        known = address.lower() in {email.lower() for email in verified} if address else False
        person.email(address, verified=known, primary=address == main)
    primary = text(record, "primary_email_address_id")
    for item in _objects(record, "email_addresses"):
        person.email(
            text(item, "email_address"),
            verified=_is_verified(item),
            primary=primary is not None and text(item, "id") == primary,
        )


def _add_phones(person: Person, record: Record) -> None:
    main = text(record, "primary_phone_number")
    verified, others = _sorted_out(record, "phone")
    for number in [main, *verified, *others] if main else [*verified, *others]:
        person.phone(number, verified=number in verified, primary=number == main)
    primary = text(record, "primary_phone_number_id")
    for item in _objects(record, "phone_numbers"):
        person.phone(
            text(item, "phone_number"),
            verified=_is_verified(item),
            primary=primary is not None and text(item, "id") == primary,
        )
        if flag(item, "reserved_for_second_factor"):
            person.second_factor("phone")


def _sorted_out(record: Record, kind: str) -> tuple[list[str], list[str]]:
    """Return the verified and the other addresses of a file with plain strings."""
    names = {"email": "email_addresses", "phone": "phone_numbers"}[kind]
    plain = _listed(record, names)
    verified = _listed(record, f"verified_{names}")
    others = _listed(record, f"unverified_{names}")
    if "user_id" in record:
        # The format of Clerk's own importer, in which unmarked addresses are verified.
        return [*_listed(record, kind), *plain, *verified], others
    return verified, [*others, *plain]


def _is_verified(item: Record) -> bool:
    return text(table(item, "verification"), "status") == "verified"


def _add_claims(person: Person, record: Record) -> None:
    given, family = text(record, "first_name"), text(record, "last_name")
    person.full_name(given, family)
    person.claim("given_name", given)
    person.claim("family_name", family)
    if flag(record, "has_image"):
        # Otherwise the image is Clerk's placeholder with the initials.
        person.claim("picture", text(record, "image_url"))
    if language := text(record, "locale"):
        person.claim("locale", hyphenated(language))


def _add_metadata(person: Person, record: Record) -> None:
    person.public(table(record, "public_metadata"))
    person.private("metadata", table(record, "private_metadata"))
    # Any client can write it, so do not make it public.
    person.private("unsafe_metadata", table(record, "unsafe_metadata"))
    person.remember(
        created_at=of_milliseconds(record.get("created_at")),
        external_id=text(record, "external_id"),
        legal_accepted_at=of_milliseconds(record.get("legal_accepted_at")),
    )


def _add_accounts(person: Person, record: Record) -> None:
    for item in _objects(record, "external_accounts"):
        # The SDK calls the provider's id external_id.
        user_id = text(item, "provider_user_id", "external_id")
        person.identity(text(item, "provider") or "unknown", user_id)


def _add_password(person: Person, record: Record) -> None:
    digest = text(record, "password_digest", "password")
    label = text(record, "password_hasher")
    if digest:
        person.password_hash(digest, label)
        if label is None and hashes.is_bcrypt(digest):
            person.note(
                "hash: assumed to be bcrypt from its format, because the export does not say"
            )
    elif flag(record, "password_enabled"):
        person.password_not_exported()


def _add_losses(person: Person, record: Record) -> None:
    if present(record.get("totp_secret")) or flag(record, "totp_enabled"):
        person.second_factor("totp")
    elif flag(record, "two_factor_enabled"):
        person.second_factor("enabled")
    if flag(record, "backup_code_enabled", "backup_codes_enabled"):
        person.second_factor("backup codes")
    if count := len(items(record, "passkeys")):
        person.note(f"passkeys: {count}")
    if flag(record, "locked"):
        person.note("lockout: not carried over")
    for name in _LOST:
        if count := len(tables(record, name)):
            person.note(f"{name.replace('_', ' ')}: {count} not carried over")
