"""A user of the emulated tenant, with everything that belongs to it."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from typing import Any

import attrs

from .json_copy import copied
from .problems import not_found

Json = dict[str, Any]
# For each kind of identifier: the user's list, and the member that holds the value.
IDENTIFIERS = {"email": "emails", "phone": "phone_numbers"}
# The kinds of grants with their own rows, as named in accounts and seeds.
GRANTS = ("consents", "reference_tokens", "refresh_tokens", "authorization_codes")
_KINDS = ("memberships", "sessions", "blocked_ips", *GRANTS)


@attrs.frozen
class Password:
    """A hashed password."""

    _salt: bytes = attrs.field(repr=False)
    _digest: bytes = attrs.field(repr=False)

    @classmethod
    def of(cls, text: str) -> Password:
        """Hash a password."""
        salt = secrets.token_bytes(16)
        return cls(salt, _digest(salt, text))

    def is_right(self, text: str) -> bool:
        """Return whether a text is the password."""
        return hmac.compare_digest(self._digest, _digest(self._salt, text))


def _digest(salt: bytes, text: str) -> bytes:
    return hashlib.blake2b(text.encode(errors="surrogatepass"), salt=salt).digest()


def _no_rows() -> list[Json]:
    return []


@attrs.define(eq=False)
class Account:
    """A user, and the data that the API keeps besides the user's record.

    Attributes:
        record: the user in the API's JSON form.
        password: None if the emulator does not know it; the record may still say that one is set.
        memberships: the user's groups, as UserGroup.
    """

    record: Json
    password: Password | None = attrs.field(default=None, repr=False)
    memberships: list[Json] = attrs.field(factory=_no_rows)
    sessions: list[Json] = attrs.field(factory=_no_rows)
    blocked_ips: list[Json] = attrs.field(factory=_no_rows)
    consents: list[Json] = attrs.field(factory=_no_rows)
    reference_tokens: list[Json] = attrs.field(factory=_no_rows)
    refresh_tokens: list[Json] = attrs.field(factory=_no_rows)
    authorization_codes: list[Json] = attrs.field(factory=_no_rows)

    @property
    def user_id(self) -> str:
        """The user's id."""
        user_id: str = self.record["user_id"]
        return user_id

    def copy(self) -> Account:
        """Return a mutable copy."""
        # Passwords are immutable, so the copy shares them.
        rows = {kind: copied(getattr(self, kind)) for kind in _KINDS}
        return Account(copied(self.record), self.password, **rows)

    def identifiers(self) -> Iterator[tuple[str, str]]:
        """Yield the kinds and normalized values of the identifiers that must be unique."""
        for kind, member in IDENTIFIERS.items():
            rows: list[Json] = self.record.get(member, [])
            for row in rows:
                if kind in row:
                    yield identifier(kind, row[kind])
        username: Json = self.record.get("username") or {}
        if "username" in username:
            yield identifier("username", username["username"])

    def join(self, group: Json, now: int) -> Json:
        """Add the user to a group and return the membership.

        Args:
            group: its id and its name.
            now: the time, in seconds since 1970.
        """
        for membership in self.memberships:
            if membership["group_id"] == group["group_id"]:
                return membership
        membership = {
            "group_id": group["group_id"],
            "user_id": self.user_id,
            "creation_time": now,
            "group_name": group["name"],
        }
        self.memberships.append(membership)
        return membership

    def revoke_sessions(self, session_id: str | None = None) -> None:
        """End a session, or all of them, and revoke the tokens bound to it.

        Raises:
            ProblemError: 404 if the session does not exist.
        """
        ended = [s for s in self.sessions if session_id in (None, s["session_id"])]
        if session_id is not None and not ended:
            raise not_found(f"The user has no session with the id {session_id!r}.")
        self.sessions[:] = [session for session in self.sessions if session not in ended]
        ids = [session["session_id"] for session in ended]
        for tokens in (self.reference_tokens, self.refresh_tokens):
            tokens[:] = [token for token in tokens if not _is_bound(token, ids)]


def _is_bound(token: Json, session_ids: list[str]) -> bool:
    return bool(token.get("is_session_bound")) and token.get("session_id") in session_ids


def identifier(kind: str, value: str) -> tuple[str, str]:
    """Return the key by which an identifier is compared, ignoring case."""
    return kind, value.casefold()


def row_of(rows: list[Json], member: str, wanted: str, noun: str) -> Json:
    """Return the row whose member has the wanted value.

    Raises:
        ProblemError: 404 if the row does not exist.
    """
    for row in rows:
        if row.get(member) == wanted:
            return row
    raise not_found(f"The user has no {noun} with the id {wanted!r}.")
