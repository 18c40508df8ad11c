"""Keycloak: the users of ``kc.sh export``, in a realm file or in separate files."""

from __future__ import annotations

from collections.abc import Mapping
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
    parsed,
    table,
    tables,
    text,
)
from .values import locale as hyphenated

# Attributes that Keycloak's own mappers read as claims.
_CLAIMS = {
    "middleName": "middle_name",
    **{
        name: name
        for name in ("nickname", "picture", "profile", "website", "gender", "birthdate", "zoneinfo")
    },
    "locale": "locale",
}
_FACTORS = {
    "otp": "otp",
    "totp": "otp",
    "hotp": "otp",
    "webauthn": "webauthn",
    "recovery-authn-codes": "recovery codes",
}
_PASSWORD = "password"  # noqa: S105  (a type of credential)


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Map a user to an import row.

    Args:
        record: a user of the export, as ``read`` returns it.
        options: the mapping options.
    """
    options = options or MappingOptions()
    name = text(record, "username")
    if text(record, "serviceAccountClientId") or (name or "").startswith("service-account-"):
        return Skip("a service account, not a person")
    person = Person("keycloak", text(record, "id") or name, options)
    email = text(record, "email")
    person.email(email, verified=flag(record, "emailVerified") or False, primary=True)
    person.username(name if (name or "").lower() != (email or "").lower() else None)
    given, family = text(record, "firstName"), text(record, "lastName")
    person.full_name(given, family)
    person.claim("given_name", given)
    person.claim("family_name", family)
    rest = _with_lists(table(record, "attributes"))
    _add_phone(person, rest, options)
    _add_claims(person, rest)
    person.private("attributes", rest)
    _add_history(person, record)
    _add_credentials(person, record, options)
    if "UPDATE_PASSWORD" in items(record, "requiredActions"):
        person.must_change_password()
    person.groups([_group(path, options) for path in items(record, "groups")])
    if flag(record, "enabled") is False:
        person.disable()
    return person.row()


def _with_lists(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return attributes as lists; older files have plain strings."""
    return {n: v if is_list(v) else [v] for n, v in attributes.items() if v is not None}


def _single(attributes: dict[str, Any], name: str) -> str | None:
    """Return the value of a single-valued attribute, or None."""
    found = attributes.get(name)
    value: object = found[0] if is_list(found) and len(found) == 1 else None
    return value if isinstance(value, str) and value.strip() else None


def _add_phone(person: Person, rest: dict[str, Any], options: MappingOptions) -> None:
    for name in options.phone_attributes:
        if (number := _single(rest, name)) is None:
            continue
        del rest[name]
        verified = False
        for companion in (f"{name}Verified", f"{name}_verified"):
            if (given := _single(rest, companion)) is not None:
                verified = given.lower() == "true"
                del rest[companion]
        person.phone(number, verified=verified, primary=True)
        return


def _add_claims(person: Person, rest: dict[str, Any]) -> None:
    for name, claim in _CLAIMS.items():
        if value := _single(rest, name):
            person.claim(claim, hyphenated(value) if claim == "locale" else value)
            del rest[name]


def _add_history(person: Person, record: Record) -> None:
    person.remember(
        created_at=of_milliseconds(record.get("createdTimestamp")),
        realm_roles=items(record, "realmRoles"),
        client_roles=table(record, "clientRoles", "applicationRoles"),
    )
    for item in tables(record, "federatedIdentities", "socialLinks"):
        name = text(item, "identityProvider", "socialProvider") or "unknown"
        person.identity(name, text(item, "userId", "socialUserId"))


def _group(path: object, options: MappingOptions) -> str:
    name = str(path)
    return name.rpartition("/")[2] if options.group_names == "last" else name


def _add_credentials(person: Person, record: Record, options: MappingOptions) -> None:
    found = tables(record, "credentials")
    if text(record, "federationLink"):
        person.password_not_exported("stored in the federated directory")
    elif record.get("credentials") is None and not tables(record, "federatedIdentities"):
        person.password_not_exported()
    passkeys = 0
    for item in found:
        kind = text(item, "type") or ""
        if kind == _PASSWORD:
            _add_password(person, item, options)
        elif kind in _FACTORS:
            person.second_factor(_FACTORS[kind])
        passkeys += kind == "webauthn-passwordless"
    if passkeys:
        person.note(f"passkeys: {passkeys}")
    if flag(record, "totp"):
        person.second_factor("otp")


def _add_password(person: Person, item: Record, options: MappingOptions) -> None:
    if "secretData" not in item and (clear := item.get("value")) and isinstance(clear, str):
        person.password_text(clear, temporary=flag(item, "temporary") or False)
        return
    secret, data = _inner(item, "secretData"), _inner(item, "credentialData")
    # Before Keycloak 8, the credential itself held all of it.
    value = text(secret, "value") or text(item, "hashedSaltedValue") or ""
    algorithm = text(data, "algorithm") or text(item, "algorithm") or ""
    if algorithm.lower() != "bcrypt":
        person.password_unsupported(algorithm or None)
    elif not hashes.is_bcrypt(value):
        person.password_unsupported("bcrypt in a non-standard format")
    elif options.bcrypt_plain:
        person.password_hash(value)
    else:
        person.password_unsupported("bcrypt from a plug-in")


def _inner(item: Record, name: str) -> dict[str, Any]:
    """Return an object that is serialized as a JSON string."""
    given = item.get(name)
    found = parsed(given) if isinstance(given, str) else given
    return found if is_table(found) else {}
