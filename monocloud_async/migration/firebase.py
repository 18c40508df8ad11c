"""Firebase Authentication: ``auth:export`` as JSON or CSV, and dumps of Admin SDK records."""

from __future__ import annotations

from typing import Any

from .options import MappingOptions
from .person import Person
from .row import Row, Skip
from .values import (
    Record,
    flag,
    is_table,
    of_http_date,
    of_milliseconds,
    parsed,
    table,
    tables,
    text,
)

# Firebase's own sign-in methods, not external providers.
_OWN = frozenset({"password", "phone", "anonymous"})
# The Admin SDK's placeholder for hashes that its credentials may not read.
_REDACTED = "UkVEQUNURUQ="


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Map an account to an import row; Firebase passwords cannot be imported.

    Args:
        record: a record of the export, as ``read`` returns it.
        options: the mapping options.
    """
    options = options or MappingOptions()
    user_id = text(record, "localId", "uid")
    person = Person("firebase", user_id, options)
    email = text(record, "email")
    person.email(email, verified=flag(record, "emailVerified") or False, primary=True)
    person.phone(text(record, "phoneNumber"), verified=options.trust_phones, primary=True)
    person.claim("name", text(record, "displayName"))
    person.claim("picture", text(record, "photoUrl", "photoURL"))
    _add_times(person, record)
    _add_custom_claims(person, record)
    _add_providers(person, record, options)
    _add_password(person, record)
    _add_second_factors(person, record)
    person.groups(options.groups.get(user_id or "", ()))
    if flag(record, "disabled"):
        person.disable()
    return person.row()


def _add_times(person: Person, record: Record) -> None:
    created = table(record, "metadata").get("creationTime")
    person.remember(
        created_at=of_http_date(created) if created else of_milliseconds(record.get("createdAt")),
        tenant=text(record, "tenantId"),
    )


def _add_custom_claims(person: Person, record: Record) -> None:
    given = record.get("customAttributes")
    if not isinstance(given, str):
        person.private("custom_claims", table(record, "customAttributes", "customClaims"))
        return
    found = parsed(given)
    if given and not is_table(found):
        person.note("custom claims: not valid JSON, kept as text")
    person.private("custom_claims", found if is_table(found) else given)


def _providers(record: Record) -> list[dict[str, Any]]:
    return tables(record, "providerUserInfo", "providerData")


def _add_providers(person: Person, record: Record, options: MappingOptions) -> None:
    for item in _providers(record):
        name = text(item, "providerId") or "unknown"
        if name in _OWN:
            continue
        person.identity(name, text(item, "rawId", "uid"))
        if options.provider_emails:
            person.email(text(item, "email"), verified=False)


def _add_password(person: Person, record: Record) -> None:
    found = text(record, "passwordHash")
    if found and found != _REDACTED:
        person.password_unsupported("Firebase scrypt")
    elif found or any(text(item, "providerId") == "password" for item in _providers(record)):
        person.password_not_exported()


def _add_second_factors(person: Person, record: Record) -> None:
    factors = tables(record, "mfaInfo") or tables(table(record, "multiFactor"), "enrolledFactors")
    if factors:
        person.second_factor(f"{len(factors)} enrolled")
        person.remember(second_factors=len(factors))
