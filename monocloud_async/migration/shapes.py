"""Recognizes which system wrote an export, from the members of its first record."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from .systems import NAMES, System
from .values import Record

_CLERK = frozenset(
    {"primary_email_address", "primary_email_address_id", "password_hasher", "password_digest"}
    | {"external_accounts", "email_addresses", "primaryEmailAddressId", "emailAddresses"}
    | {"passwordHasher", "verified_email_addresses", "unverifiedEmailAddresses"}
)
_KEYCLOAK = frozenset(
    {"createdTimestamp", "federatedIdentities", "requiredActions", "realmRoles", "notBefore"}
    | {"serviceAccountClientId", "disableableCredentialTypes", "socialLinks", "realm"}
)
_AUTH0 = frozenset(
    {"user_id", "identities", "app_metadata", "user_metadata", "logins_count", "last_ip"}
    | {"passwordHash", "email_verified"}
)
_OKTA_COLUMNS = frozenset(
    {"user id", "login", "profile.login", "primary email", "profile.email", "mobile phone"}
)


def _is_cognito(record: Record) -> bool:
    names = {"Attributes", "UserAttributes", "cognito:username", "UserStatus"}
    return bool(names & record.keys())


def _is_okta(record: Record) -> bool:
    nested = isinstance(record.get("profile"), dict) and "id" in record
    return nested or bool(_OKTA_COLUMNS & {str(name).lower() for name in record})


def _is_firebase(record: Record) -> bool:
    return "localId" in record or (
        "uid" in record and bool({"metadata", "providerData"} & record.keys())
    )


def _is_clerk(record: Record) -> bool:
    return bool(_CLERK & record.keys()) or str(record.get("id")).startswith("user_")


def _is_keycloak(record: Record) -> bool:
    plain = {"username", "enabled"} <= record.keys()
    return plain or bool(_KEYCLOAK & record.keys())


def _is_auth0(record: Record) -> bool:
    names = {name.lower().replace(" ", "_") for name in record}
    return bool(_AUTH0 & (names | record.keys()))


# Most specific first: the later tests also match some records of the earlier systems.
_TESTS: tuple[tuple[System, Callable[[Record], bool]], ...] = (
    ("cognito", _is_cognito),
    ("okta", _is_okta),
    ("firebase", _is_firebase),
    ("clerk", _is_clerk),
    ("keycloak", _is_keycloak),
    ("auth0", _is_auth0),
)


def shape_of(record: Record) -> System | None:
    """Return the system that a record seems to come from, or None if it could be any."""
    return next((system for system, test in _TESTS if test(record)), None)


def fault(record: dict[str, Any], system: System) -> tuple[str, str] | None:
    """Return what is wrong with a first record and what to do, or None if it fits the system."""
    if system == "keycloak" and "realm" in record and "username" not in record:
        return "this is an array of realms", "use the export of one realm"
    found = shape_of(record)
    if found == system:
        return None
    if found:
        problem = f"this looks like {NAMES[found]}'s export, not like {NAMES[system]}'s"
        return problem, f"use --from {found}"
    # The fields of an Auth0 export are chosen by its user, so there may be very few.
    if system == "auth0" and {"email", "phone_number", "username", "name"} & record.keys():
        return None
    if {"id", "username", "Username", "Id"} & record.keys():
        return None
    listed = ", ".join(sorted(str(name) for name in record)[:8]) or "nothing"
    problem = f"this does not look like {NAMES[system]}'s export: the first record has {listed}"
    return problem, "use the file as the system wrote it"
