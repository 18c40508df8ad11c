"""Joins records: a hash from a second file, or the account that a record belongs to."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from typing import Any

from ..errors import ConfigurationError, InvalidArgumentError
from . import auth0, cognito
from .lookup import Lookup
from .options import MappingOptions
from .source import TruncatedError
from .systems import NAMES, System
from .values import Record, text

# Completes a record. Returns why to skip it, or None if it is a separate person.
Join = Callable[[dict[str, Any]], str | None]
_NO_HASH = ""
_DOUBTFUL = "?"
Records = Iterable[dict[str, Any]]


def joined(
    system: System, options: MappingOptions, people: Callable[[], Records], hashes: Records
) -> tuple[Join, Lookup]:
    """Return the join for a system's records, and the lookup to close afterwards.

    Args:
        system: the system.
        options: the mapping options.
        people: reads the records again.
        hashes: the records of the hashes file; empty without such a file.
    """
    if options.hashes is not None and system not in {"auth0", "clerk"}:
        raise ConfigurationError(
            f"{NAMES[system]} exports have no hashes file; nothing was read: leave it out"
        )
    with ExitStack() as stack:
        lookup = stack.enter_context(Lookup())
        join = _filled(lookup, system, people, hashes if options.hashes is not None else None)
        # It is filled, so the caller closes it from here on.
        stack.pop_all()
    return join, lookup


def _filled(
    lookup: Lookup, system: System, people: Callable[[], Records], hashes: Records | None
) -> Join:
    if system == "auth0" and hashes is not None:
        _keep_auth0(lookup, hashes)
        return lambda record: _join_auth0(lookup, record)
    if system == "clerk" and hashes is not None:
        _keep_clerk(lookup, hashes)
        return lambda record: _join_clerk(lookup, record)
    if system == "cognito":
        _keep_links(lookup, people())
        return lambda record: _join_links(lookup, record)
    return alone


def alone(record: dict[str, Any]) -> str | None:
    """Complete nothing, because the record is already complete."""


def _keep_auth0(lookup: Lookup, hashes: Records) -> None:
    for record in hashes:
        # Records with a type are second factors; recovery codes are bcrypt too.
        if "type" in record:
            continue
        found = text(record, "passwordHash") or _NO_HASH
        if oid := auth0.oid_of(record):
            lookup.add(found, "id", oid.removeprefix("auth0|"))
        connection, email = text(record, "connection"), text(record, "email")
        key = "email", connection or "", (email or "").lower()
        if connection and email and not lookup.add(found, *key):
            # The key is ambiguous, and nobody must get another person's hash.
            lookup.replace(_DOUBTFUL, *key)


def _join_auth0(lookup: Lookup, record: dict[str, Any]) -> None:
    if "passwordHash" in record:
        return
    email = (text(record, "email", "Email") or "").lower()
    # If accounts were linked, any of them may be the one with the password.
    for item in auth0.identities(record, text(record, "user_id", "Id")):
        if text(item, "provider") != "auth0":
            continue
        found = lookup.get("id", text(item, "user_id") or "")
        connection = text(item, "connection")
        # An id listed without a hash belongs to a person without a password.
        if found is None and connection and email:
            found = lookup.get("email", connection, email)
            found = None if found in {_DOUBTFUL, _NO_HASH} else found
        if found is not None:
            record["passwordHash"] = found or None
            return


def _keep_clerk(lookup: Lookup, hashes: Records) -> None:
    for record in hashes:
        user_id, digest = text(record, "id"), text(record, "password_digest")
        if user_id and digest:
            lookup.add(json.dumps([digest, text(record, "password_hasher")]), user_id)


def _join_clerk(lookup: Lookup, record: dict[str, Any]) -> None:
    found = lookup.get(text(record, "id") or "")
    if found and "password_digest" not in record:
        record["password_digest"], record["password_hasher"] = json.loads(found)


def _keep_links(lookup: Lookup, people: Records) -> None:
    """Remember which provider sign-ins belong to accounts of the pool."""
    # A truncated file raises again when its records are read, if that is not allowed.
    with suppress(TruncatedError):
        for record in people:
            # An invalid record is reported when it is mapped.
            with suppress(InvalidArgumentError):
                _keep_links_of(lookup, record)


def _keep_links_of(lookup: Lookup, record: Record) -> None:
    if text(record, "UserStatus") != cognito.EXTERNAL:
        for provider, user_id in _links(record):
            lookup.add(cognito.username(record) or "", provider, user_id)


def _join_links(lookup: Lookup, record: dict[str, Any]) -> str | None:
    if text(record, "UserStatus") != cognito.EXTERNAL:
        return None
    for provider, user_id in _links(record):
        if lookup.get(provider, user_id) is not None:
            return "a provider sign-in that belongs to another record"
    return None


def _links(record: Record) -> Iterator[tuple[str, str]]:
    for item in cognito.identities(cognito.attributes(record)) or ():
        provider, user_id = text(item, "providerName"), text(item, "userId")
        if provider and user_id:
            yield provider, user_id
