"""Cognito user pools: records of ListUsers and AdminGetUser, and the CSV of its import jobs."""

from __future__ import annotations

import re
from typing import Any

from .options import MappingOptions
from .person import Person
from .row import Row, Skip
from .values import (
    Record,
    flag,
    is_list,
    is_table,
    items,
    of_seconds,
    parsed,
    present,
    tables,
    text,
)
from .values import locale as hyphenated

_UUID = re.compile("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_AMERICAN = re.compile("([0-9]{1,2})/([0-9]{1,2})/([0-9]{4})")
_ISO_DATE = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")
_CLAIMS = (
    *("name", "given_name", "middle_name", "family_name", "nickname", "picture"),
    *("preferred_username", "profile", "website", "gender", "zoneinfo"),
)
_ADDRESS = ("formatted", "street_address", "locality", "region", "postal_code", "country")
_UNFINISHED = frozenset({"UNCONFIRMED", "FORCE_CHANGE_PASSWORD"})
_CLOSED = frozenset({"ARCHIVED", "COMPROMISED"})
EXTERNAL = "EXTERNAL_PROVIDER"


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Map a user to an import row; Cognito does not export passwords.

    Args:
        record: a record of the export, as ``read`` returns it.
        options: the mapping options.
    """
    options = options or MappingOptions()
    status = text(record, "UserStatus")
    if status in _UNFINISHED and not options.import_staged:
        return Skip(f"status {status}: has not finished signing up")
    known = attributes(record)
    name = username(record)
    person = Person("cognito", text(known, "sub") or name, options)
    person.remember(username=name, status=status, created_at=of_seconds(_created(record)))
    email, phone = text(known, "email"), text(known, "phone_number")
    person.email(email, verified=flag(known, "email_verified") or False, primary=True)
    verified = flag(known, "phone_number_verified") or False
    person.phone(phone, verified=verified, primary=True)
    usable = name if _is_chosen(name, {email, phone}, known, status) else None
    person.username(usable or text(known, "preferred_username"))
    _add_claims(person, known)
    _add_custom(person, known)
    _add_identities(person, known)
    _add_password(person, record, status)
    person.groups(options.groups.get(name or "", ()))
    if flag(record, "Enabled") is False or status in _CLOSED:
        person.disable()
    return person.row()


def username(record: Record) -> str | None:
    """Return a record's username in the pool."""
    return text(record, "Username", "cognito:username")


def attributes(record: Record) -> dict[str, Any]:
    """Return a user's attributes by name; in CSV, they are columns."""
    for name in ("Attributes", "UserAttributes"):
        if name in record:
            return {text(item, "Name") or "": item.get("Value") for item in tables(record, name)}
    return dict(record)


def identities(known: Record) -> list[dict[str, Any]] | None:
    """Return the external identities in a user's attributes, or None if they are unreadable."""
    given: object = known.get("identities")
    found: object = parsed(given) if isinstance(given, str) and given else given or []
    listed: list[Any] = found if is_list(found) else [found]
    return listed if all(is_table(item) for item in listed) else None


def _created(record: Record) -> object:
    return record.get("UserCreateDate")


def _is_chosen(
    name: str | None, addresses: set[str | None], known: Record, status: str | None
) -> bool:
    """Return whether a person chose the username, rather than the pool or a provider."""
    if not name or _UUID.fullmatch(name) or status == EXTERNAL:
        return False
    if name.lower() in {address.lower() for address in addresses if address}:
        return False
    providers = {text(item, "providerName") or "" for item in identities(known) or ()}
    return not any(
        name.lower().startswith(f"{provider.lower()}_") for provider in providers if provider
    )


def _add_claims(person: Person, known: Record) -> None:
    for claim in _CLAIMS:
        person.claim(claim, text(known, claim))
    if language := text(known, "locale"):
        person.claim("locale", hyphenated(language))
    if birthdate := text(known, "birthdate"):
        _add_birthdate(person, birthdate)
    if address := text(known, "address"):
        found = parsed(address)
        parts: Record = found if is_table(found) else {"formatted": address}
        person.address(**{name: text(parts, name) for name in _ADDRESS})


def _add_birthdate(person: Person, given: str) -> None:
    if found := _AMERICAN.fullmatch(given):
        given = f"{found[3]}-{int(found[1]):02}-{int(found[2]):02}"
    if _ISO_DATE.fullmatch(given):
        person.claim("birthdate", given)
    else:
        person.remember(birthdate=given)
        person.note("birthdate: not a date, kept in private_data")


def _add_custom(person: Person, known: Record) -> None:
    custom: dict[str, Any] = {}
    for name, value in known.items():
        place, found, rest = name.partition("custom:")
        if found and place in {"", "dev:"} and present(value):
            custom[place + rest] = value
    person.private("custom", custom)


def _add_identities(person: Person, known: Record) -> None:
    found = identities(known)
    if found is None:
        person.note("identities: not valid JSON, kept as text")
        person.remember(identities_text=known.get("identities"))
    for item in found or ():
        name = text(item, "providerName", "providerType") or "unknown"
        person.identity(name, text(item, "userId"))


def _add_password(person: Person, record: Record, status: str | None) -> None:
    if status not in {EXTERNAL, *_UNFINISHED}:
        person.password_not_exported()
    factors = [*tables(record, "MFAOptions"), *items(record, "UserMFASettingList")]
    if factors or flag(record, "cognito:mfa_enabled"):
        person.second_factor("enabled")
