"""Validate and convert a seed; errors name the JSON path."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from typing import Any, cast

from .._address import segment
from ..errors import ConfigurationError, InvalidArgumentError, InvalidRecordError
from ..models import (
    AuthorizationCode,
    Record,
    ReferenceToken,
    RefreshToken,
    User,
    UserConsent,
    UserIpAccessDetails,
    UserSession,
)
from .account import IDENTIFIERS, Account, Json, Password
from .tenant_state import TenantState

_GRANTS: Mapping[str, type[Record]] = {
    "consents": UserConsent,
    "reference_tokens": ReferenceToken,
    "refresh_tokens": RefreshToken,
    "authorization_codes": AuthorizationCode,
}


def checked(seed: object, source: str) -> TenantState:
    """Validate a seed and return the state that it describes.

    Args:
        seed: the users, or an object with users and more.
        source: the seed's name in messages.

    Raises:
        ConfigurationError: it does not have a list of users.
        InvalidRecordError: a part of it is invalid.
    """
    document = cast("Mapping[str, object]", seed) if isinstance(seed, Mapping) else None
    users: object = seed  # pyright: ignore[reportUnknownVariableType]
    path = "$"
    if document is not None:
        users, path = document.get("users"), "$.users"
    if not isinstance(users, Sequence) or isinstance(users, (str, bytes)):
        raise ConfigurationError(f"{source} is not a list of users at {path}")
    records = [_user(user, f"{path}[{n}]") for n, user in enumerate(cast("list[object]", users))]
    _check_ids((record["user_id"], f"{path}[{n}].user_id") for n, record in enumerate(records))
    content = TenantState({record["user_id"]: Account(record) for record in records}, {})
    if document is not None:
        _add_groups(content, _list(document, "groups", "$"))
        _add_rows(content, "sessions", _list(document, "sessions", "$"), UserSession, "session_id")
        blocked = list(_list(document, "blocked_ips", "$"))
        _add_rows(content, "blocked_ips", blocked, UserIpAccessDetails, "ip")
        _check_addresses(blocked)
        grants = _object(document.get("grants", {}), "$.grants")
        for member, kind in _GRANTS.items():
            _add_rows(content, member, _list(grants, member, "$.grants"), kind, "id", "client_id")
        _add_passwords(content, _list(document, "passwords", "$"))
    return content


# A value of a seed, and its JSON path.
_Placed = tuple[object, str]


def _user(user: object, path: str) -> Json:
    record = _record(user, User, path)
    for kind, member in IDENTIFIERS.items():
        _check_identifiers(kind, record.get(member, []), f"{path}.{member}")
    return record


def _check_identifiers(kind: str, rows: list[Json], path: str) -> None:
    _check_ids((row["id"], f"{path}[{n}].id") for n, row in enumerate(rows))
    primary = [n for n, row in enumerate(rows) if row.get("primary")]
    if len(primary) > 1:
        raise InvalidRecordError(f"duplicate primary {kind}", path=f"{path}[{primary[1]}].primary")


def _add_groups(content: TenantState, groups: Iterable[_Placed]) -> None:
    for value, path in groups:
        given = _object(value, path)
        group = {name: _text(given, name, path) for name in ("group_id", "name")}
        _check_ids([(group["group_id"], f"{path}.group_id")], known=content.groups)
        content.groups[group["group_id"]] = group
        for member, place in _list(given, "members", path):
            row = {"user_id": member} if isinstance(member, str) else _object(member, place)
            account = _account(content, row, place)
            joined = row.get("creation_time", account.record.get("creation_time", 0))
            if type(joined) is not int:
                raise InvalidRecordError("not a whole number", path=f"{place}.creation_time")
            account.join(group, joined)


def _add_rows(
    content: TenantState,
    member: str,
    rows: Iterable[_Placed],
    kind: type[Record],
    key: str,
    *needed: str,
) -> None:
    for value, path in rows:
        row = dict(_object(value, path))
        account = _account(content, row, path)
        del row["user_id"]
        for name in (key, *needed):
            _text(row, name, path)
        existing: list[Json] = getattr(account, member)
        _check_ids([(str(row[key]), f"{path}.{key}")], known=[other[key] for other in existing])
        existing.append(_record(row, kind, path))


def _check_addresses(rows: Iterable[_Placed]) -> None:
    for value, path in rows:
        try:
            ip_address(_text(_object(value, path), "ip", path))
        except ValueError as error:
            if isinstance(error, InvalidRecordError):
                raise
            raise InvalidRecordError("not an IP address", path=f"{path}.ip") from None


def _add_passwords(content: TenantState, rows: Iterable[_Placed]) -> None:
    for value, path in rows:
        row = _object(value, path)
        account = _account(content, row, path)
        account.password = Password.of(_text(row, "password", path))
        account.record["has_password"] = True


def _account(content: TenantState, row: Mapping[str, object], path: str) -> Account:
    user_id = _text(row, "user_id", path)
    if user_id not in content.accounts:
        raise InvalidRecordError(f"no user with the id {user_id!r}", path=f"{path}.user_id")
    return content.accounts[user_id]


def _record(value: object, kind: type[Record], path: str) -> Json:
    try:
        record = cast("Json", json.loads(json.dumps(value, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRecordError(f"not valid JSON, {error},", path=path) from None
    try:
        kind.from_dict(record)
    except InvalidRecordError as error:
        reason, _, _ = str(error).rpartition(" at $")
        raise InvalidRecordError(reason, path=path + error.path.removeprefix("$")) from None
    return record


def _list(holder: Mapping[str, object], member: str, path: str) -> Iterable[_Placed]:
    value, path = holder.get(member, []), f"{path}.{member}"
    if not isinstance(value, Sequence) or isinstance(value, (str, bytes)):
        raise InvalidRecordError("not a list", path=path)
    return [(item, f"{path}[{n}]") for n, item in enumerate(cast("Sequence[object]", value))]


def _object(value: object, path: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidRecordError("not an object", path=path)
    return cast("Mapping[str, Any]", value)


def _text(holder: Mapping[str, object], member: str, path: str) -> str:
    value = holder.get(member)
    if not isinstance(value, str):
        raise InvalidRecordError("missing string", path=f"{path}.{member}")
    return value


def _check_ids(ids: Iterable[tuple[str, str]], known: Iterable[str] = ()) -> None:
    seen = set(known)
    for value, path in ids:
        try:
            segment("this", value)
        except InvalidArgumentError as error:
            reason, _, _ = str(error).rpartition("; ")
            raise InvalidRecordError(reason, path=path) from None
        if value in seen:
            raise InvalidRecordError(f"duplicate id {value!r}", path=path)
        seen.add(value)
