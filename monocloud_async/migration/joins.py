"""What a record needs from other records: a hash from a second file, or what it is a part of."""

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

# Completes a record, and returns why it is not a person of its own, or None.
Join = Callable[[dict[str, Any]], str | None]
_NO_HASH = ""
_DOUBTFUL = "?"
Records = Iterable[dict[str, Any]]


def joined(
    system: System, options: MappingOptions, people: Callable[[], Records], hashes: Records
) -> tuple[Join, Lookup]:
    """Return what completes the records of a system, and what has to be closed after it.

    Args:
        system: the system.
        options: what was chosen.
        people: reads the records once more.
        hashes: the records of the file of hashes, empty if there is none.
    """
    if options.hashes is not None and system not in {"auth0", "clerk"}:
        raise ConfigurationError(
            f"{NAMES[system]} has no file of hashes; nothing was read: leave it out"
        )
    with ExitStack() as stack:
        kept = stack.enter_context(Lookup())
        join = _filled(kept, system, people, hashes if options.hashes is not None else None)
        # The caller closes it, now that it is filled.
        stack.pop_all()
    return join, kept


def _filled(
    kept: Lookup, system: System, people: Callable[[], Records], hashes: Records | None
) -> Join:
    if system == "auth0" and hashes is not None:
        _keep_auth0(kept, hashes)
        return lambda record: _join_auth0(kept, record)
    if system == "clerk" and hashes is not None:
        _keep_clerk(kept, hashes)
        return lambda record: _join_clerk(kept, record)
    if system == "cognito":
        _keep_links(kept, people())
        return lambda record: _join_links(kept, record)
    return alone


def alone(record: dict[str, Any]) -> str | None:
    """Complete nothing: the record is whole."""


def _keep_auth0(kept: Lookup, hashes: Records) -> None:
    for record in hashes:
        # Recovery codes are bcrypt too, and have a type.
        if "type" in record:
            continue
        found = text(record, "passwordHash") or _NO_HASH
        if oid := auth0.oid_of(record):
            kept.add(found, "id", oid.removeprefix("auth0|"))
        connection, email = text(record, "connection"), text(record, "email")
        key = "email", connection or "", (email or "").lower()
        if connection and email and not kept.add(found, *key):
            # Nobody gets a hash that may be somebody else's.
            kept.replace(_DOUBTFUL, *key)


def _join_auth0(kept: Lookup, record: dict[str, Any]) -> None:
    if "passwordHash" in record:
        return
    email = (text(record, "email", "Email") or "").lower()
    # After accounts were linked, the one with the password may be any of them.
    for item in auth0.identities(record, text(record, "user_id", "Id")):
        if text(item, "provider") != "auth0":
            continue
        found = kept.get("id", text(item, "user_id") or "")
        connection = text(item, "connection")
        # An id that is in the file, without a hash, is a person without a password.
        if found is None and connection and email:
            found = kept.get("email", connection, email)
            found = None if found in {_DOUBTFUL, _NO_HASH} else found
        if found is not None:
            record["passwordHash"] = found or None
            return


def _keep_clerk(kept: Lookup, hashes: Records) -> None:
    for record in hashes:
        user_id, digest = text(record, "id"), text(record, "password_digest")
        if user_id and digest:
            kept.add(json.dumps([digest, text(record, "password_hasher")]), user_id)


def _join_clerk(kept: Lookup, record: dict[str, Any]) -> None:
    found = kept.get(text(record, "id") or "")
    if found and "password_digest" not in record:
        record["password_digest"], record["password_hasher"] = json.loads(found)


def _keep_links(kept: Lookup, people: Records) -> None:
    """Keep which sign-ins at providers belong to accounts of the pool's own."""
    # Where a cut is allowed, it is met again when the records are read.
    with suppress(TruncatedError):
        for record in people:
            # What is wrong with a record is said when it is mapped.
            with suppress(InvalidArgumentError):
                _keep_links_of(kept, record)


def _keep_links_of(kept: Lookup, record: Record) -> None:
    if text(record, "UserStatus") != cognito.EXTERNAL:
        for provider, user_id in _links(record):
            kept.add(cognito.username(record) or "", provider, user_id)


def _join_links(kept: Lookup, record: dict[str, Any]) -> str | None:
    if text(record, "UserStatus") != cognito.EXTERNAL:
        return None
    for provider, user_id in _links(record):
        if kept.get(provider, user_id) is not None:
            return "a sign-in at a provider that belongs to another record"
    return None


def _links(record: Record) -> Iterator[tuple[str, str]]:
    for item in cognito.identities(cognito.attributes(record)) or ():
        provider, user_id = text(item, "providerName"), text(item, "userId")
        if provider and user_id:
            yield provider, user_id
