"""Add data to an emulated tenant that the API has no operation to create."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Sequence
from ipaddress import ip_address
from typing import Any, TypeVar
from uuid import uuid4

from ..errors import ConfigurationError
from ..models import (
    AuthorizationCode,
    Record,
    ReferenceToken,
    RefreshToken,
    UserConsent,
    UserIpAccessDetails,
    UserSession,
)
from .account import Json
from .problems import ProblemError
from .service import Service
from .tenant import Tenant

R = TypeVar("R", bound=Record)
_DAY = 86_400
_HOUR = 3_600
_CODE_SECONDS = 300
_SCOPES = ("openid", "profile")


class Additions:
    """The emulator's methods that add what normally only users and applications create.

    All raise KeyError if the user does not exist, and ConfigurationError if an id is taken.
    """

    _service: Service

    def add_group(self, name: str, *user_ids: str, group_id: str | None = None) -> str:
        """Add a group and return its id.

        Args:
            user_ids: its members.
            group_id: the id; None to generate one.
        """
        group = {"group_id": group_id or str(uuid4()), "name": name}

        def act(tenant: Tenant) -> None:
            _check_new("group_id", group["group_id"], tenant.groups)
            members = [tenant.change(user_id, stamp=False) for user_id in user_ids]
            tenant.groups[group["group_id"]] = group
            for account in members:
                account.join(group, tenant.now())

        self._add(act)
        return group["group_id"]

    def add_session(
        self,
        user_id: str,
        *,
        client_ids: Sequence[str] = (),
        session_id: str | None = None,
        lifetime: int = _DAY,
        ip_address: str | None = None,
        user_agent: str | None = None,
    ) -> UserSession:
        """Add a session for a user.

        Args:
            client_ids: the applications that share it.
            session_id: the id; None to generate one.
            lifetime: seconds until it ends.
            ip_address: the address of its last use.
            user_agent: the browser of its last use.
        """
        place = dict.fromkeys(("city", "country", "region", "latitude", "longitude"))

        def row(now: int) -> Json:
            return {
                "session_id": session_id or secrets.token_hex(16).upper(),
                "client_ids": list(client_ids),
                "initiated_at": now,
                "expires_at": now + lifetime,
                "last_updated": now,
                "last_metadata": {**place, "ip_address": ip_address, "user_agent": user_agent},
            }

        return self._add_row(user_id, "sessions", UserSession, row)

    def add_consent(
        self, user_id: str, client_id: str, scopes: Sequence[str] = _SCOPES
    ) -> UserConsent:
        """Add a user's consent to an application.

        Args:
            scopes: the scopes that the user consents to.
        """

        def row(now: int) -> Json:
            granted = [{"scope": s, "granted_on": now, "expiration": None} for s in scopes]
            return {**_grant(client_id, now), "scopes": granted}

        return self._add_row(user_id, "consents", UserConsent, row)

    def add_reference_token(
        self,
        user_id: str,
        client_id: str,
        *,
        session_id: str | None = None,
        is_session_bound: bool = False,
        scopes: Sequence[str] = _SCOPES,
        lifetime: int = _HOUR,
    ) -> ReferenceToken:
        """Add a reference token that an application holds.

        Args:
            session_id: the session that it was issued in.
            is_session_bound: whether it ends with the session.
            scopes: the scopes that it grants.
            lifetime: seconds until it expires.
        """
        new_row = _token(client_id, session_id, is_session_bound, scopes, lifetime)
        return self._add_row(user_id, "reference_tokens", ReferenceToken, new_row)

    def add_refresh_token(
        self,
        user_id: str,
        client_id: str,
        *,
        session_id: str | None = None,
        is_session_bound: bool = False,
        scopes: Sequence[str] = (*_SCOPES, "offline_access"),
        lifetime: int = 30 * _DAY,
    ) -> RefreshToken:
        """Add a refresh token that an application holds.

        Args:
            session_id: the session that it was issued in.
            is_session_bound: whether it ends with the session.
            scopes: the scopes that it grants.
            lifetime: seconds until it expires.
        """
        new_row = _token(client_id, session_id, is_session_bound, scopes, lifetime)
        return self._add_row(user_id, "refresh_tokens", RefreshToken, new_row)

    def add_authorization_code(
        self,
        user_id: str,
        client_id: str,
        *,
        session_id: str | None = None,
        scopes: Sequence[str] = _SCOPES,
        lifetime: int = _CODE_SECONDS,
    ) -> AuthorizationCode:
        """Add an authorization code that an application has not redeemed yet.

        Args:
            session_id: the session that it was issued in.
            scopes: the scopes that it grants.
            lifetime: seconds until it expires.
        """

        def row(now: int) -> Json:
            times = {"session_id": session_id, "expiration": now + lifetime}
            return {**_grant(client_id, now), "authorized_scopes": list(scopes), **times}

        return self._add_row(user_id, "authorization_codes", AuthorizationCode, row)

    def block_ip(
        self, user_id: str, ip: str, *, failure_count: int = 5, lifetime: int = _HOUR
    ) -> UserIpAccessDetails:
        """Block an address for a user, as failed sign-ins do.

        Args:
            failure_count: how many attempts failed.
            lifetime: seconds until the block ends.
        """
        _check_address(ip)

        def row(now: int) -> Json:
            return {
                "ip": ip,
                "failure_count": failure_count,
                "block_until": now + lifetime,
                "sign_in_attempts_count": failure_count,
                "last_sign_in_attempt": now,
            }

        return self._add_row(user_id, "blocked_ips", UserIpAccessDetails, row)

    def _add_row(self, user_id: str, rows: str, kind: type[R], new_row: Callable[[int], Json]) -> R:
        def act(tenant: Tenant) -> Json:
            row = new_row(tenant.now())
            existing: list[Json] = getattr(tenant.change(user_id, stamp=False), rows)
            key = next(iter(row))
            _check_new(key, row[key], [other[key] for other in existing])
            existing.append(row)
            return row

        return kind.from_dict(self._add(act))

    def _add(self, act: Callable[[Tenant], Any]) -> Any:
        try:
            return self._service.tenant.execute(act, lambda result: result)
        except ProblemError as problem:
            raise KeyError(problem.detail) from None


def _check_new(name: str, value: str, known: Iterable[str]) -> None:
    if value in known:
        raise ConfigurationError(f"the {name} {value!r} is taken: choose another")


def _check_address(ip: str) -> None:
    try:
        ip_address(ip)
    except ValueError:
        raise ConfigurationError(f"ip must be an IP address, not {ip!r}") from None


def _token(
    client_id: str,
    session_id: str | None,
    is_session_bound: bool,
    scopes: Sequence[str],
    lifetime: int,
) -> Callable[[int], Json]:
    def row(now: int) -> Json:
        return {
            **_grant(client_id, now),
            "session_id": session_id,
            "is_session_bound": is_session_bound,
            "scopes": list(scopes),
            "expiration": now + lifetime,
            "audiences": [],
            "issuer": None,
        }

    return row


def _grant(client_id: str, now: int) -> Json:
    return {"id": secrets.token_hex(11)[:21], "client_id": client_id, "creation_time": now}
