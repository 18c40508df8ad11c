"""Okta: records of its Users API, and the CSV of the rockstar browser extension."""

from __future__ import annotations

from typing import Any

from .options import MappingOptions
from .person import Person
from .row import Row, Skip
from .values import Record, of_iso, table, tables, text
from .values import locale as hyphenated

_UNFINISHED = frozenset({"STAGED", "PROVISIONED"})
_DISABLED = frozenset({"SUSPENDED", "DEPROVISIONED"})
_CLAIMS = {
    "firstName": "given_name",
    "middleName": "middle_name",
    "lastName": "family_name",
    "displayName": "name",
    "nickName": "nickname",
    "profileUrl": "profile",
    "timezone": "zoneinfo",
}
_ADDRESS = {
    "postalAddress": "formatted",
    "streetAddress": "street_address",
    "city": "locality",
    "state": "region",
    "zipCode": "postal_code",
    "countryCode": "country",
}
# The columns of rockstar's CSV, in lower case and without spaces.
_COLUMNS = {
    "userid": "id",
    "createddate": "created",
    "activateddate": "activated",
    "statuschangeddate": "statusChanged",
    "lastlogindate": "lastLogin",
    "lastupdateddate": "lastUpdated",
    "passwordchangeddate": "passwordChanged",
    "credentialprovidertype": "providerType",
    "credentialprovidername": "providerName",
    "username": "login",
    "primaryemail": "email",
    "secondaryemail": "secondEmail",
    **{
        name.lower(): name
        for name in (
            *("id", "status", "created", "activated", "statusChanged", "lastLogin", "lastUpdated"),
            *("passwordChanged", "login", "email", "secondEmail", "mobilePhone", "primaryPhone"),
            *("locale", *_CLAIMS, *_ADDRESS),
        )
    },
}
_OUTSIDE = frozenset(
    {"id", "status", "created", "activated", "statusChanged", "lastLogin", "lastUpdated"}
    | {"passwordChanged", "providerType", "providerName"}
)


def to_row(record: Record, options: MappingOptions | None = None) -> Row | Skip:
    """Map a user to an import row; Okta passwords cannot be imported.

    Args:
        record: a record of the export, as ``read`` returns it.
        options: the mapping options.
    """
    options = options or MappingOptions()
    if "profile" not in record:
        record = _nested(record)
    status = text(record, "status")
    if status in _UNFINISHED and not options.import_staged:
        return Skip(f"status {status}: has not finished signing up")
    rest = {name: value for name, value in table(record, "profile").items() if value is not None}
    login = text(rest, "login")
    user_id = text(record, "id") or login
    person = Person("okta", user_id, options)
    person.remember(created_at=of_iso(record.get("created")), status=status)
    _add_emails(person, record, rest, options)
    _add_phone(person, rest)
    _add_claims(person, rest)
    person.private("profile", {name: value for name, value in rest.items() if value != ""})
    _add_password(person, record)
    names = options.groups.get(user_id or "", ())
    person.groups([name for name in names if name != "Everyone"])
    if status in _DISABLED:
        person.disable()
    elif status == "LOCKED_OUT":
        person.note("lockout: not carried over")
    return person.row()


def _nested(record: Record) -> dict[str, Any]:
    """Return a CSV row in the shape of the API's records."""
    outside: dict[str, Any] = {}
    profile: dict[str, Any] = {}
    for column, value in record.items():
        plain = column.removeprefix("profile.")
        name = _COLUMNS.get(plain.lower().replace(" ", ""), plain)
        (outside if name in _OUTSIDE else profile)[name] = value
    provider = {
        "type": outside.pop("providerType", None),
        "name": outside.pop("providerName", None),
    }
    return {**outside, "profile": profile, "credentials": {"provider": provider}}


def _add_emails(
    person: Person, record: Record, rest: dict[str, Any], options: MappingOptions
) -> None:
    email, login = text(rest, "email"), text(rest, "login")
    for used in ("email", "login"):
        rest.pop(used, None)
    known = _is_verified(record, email) or options.trust_emails
    person.email(email, verified=known, primary=True)
    if login and "@" in login:
        person.email(login, verified=False)
    else:
        person.username(login)
    person.email(text(rest, "secondEmail"), verified=False)
    rest.pop("secondEmail", None)


def _is_verified(record: Record, email: str | None) -> bool:
    for item in tables(table(record, "credentials"), "emails"):
        same = (text(item, "value") or "").lower() == (email or "").lower()
        if same and text(item, "status") == "VERIFIED":
            return True
    return False


def _add_phone(person: Person, rest: dict[str, Any]) -> None:
    for name in ("mobilePhone", "primaryPhone"):
        if given := text(rest, name):
            del rest[name]
            if person.phone(given, verified=False, primary=True):
                return


def _add_claims(person: Person, rest: dict[str, Any]) -> None:
    for name, claim in _CLAIMS.items():
        person.claim(claim, text(rest, name))
        rest.pop(name, None)
    if language := text(rest, "locale"):
        person.claim("locale", hyphenated(language))
        del rest["locale"]
    person.address(**{claim: text(rest, name) for name, claim in _ADDRESS.items()})
    for name in _ADDRESS:
        rest.pop(name, None)


def _add_password(person: Person, record: Record) -> None:
    credentials = table(record, "credentials")
    source = {n: text(table(credentials, "provider"), n) for n in ("type", "name")}
    person.remember(provider={name: value for name, value in source.items() if value})
    found = table(table(credentials, "password"), "hash")
    if found:
        _add_hash(person, found)
    elif source["type"] in {None, "OKTA", "IMPORT"}:
        person.password_not_exported()
    elif source["type"] in {"FEDERATION", "SOCIAL"}:
        person.identity((source["name"] or source["type"] or "").lower(), None)
    else:
        person.password_not_exported(f"stored in {source['type']}")


def _add_hash(person: Person, found: Record) -> None:
    """Assemble a hash from the parts in Okta's own format."""
    algorithm = (text(found, "algorithm") or "").lower()
    cost, salt, value = text(found, "workFactor"), text(found, "salt"), text(found, "value")
    if algorithm != "bcrypt":
        person.password_unsupported(algorithm or None)
    else:
        person.password_hash(f"$2a${(cost or '').zfill(2)}${salt or ''}{value or ''}")
