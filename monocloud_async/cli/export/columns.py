"""The columns of a table of users: their names and values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast, get_args

import attrs

from ..._converter import wire_fields
from ...errors import ConfigurationError
from ...models import User

Kind = Literal["text", "flag", "count", "time", "json"]
Json = Mapping[str, Any]
# In the order in which people look for them; all except the times can be imported.
DEFAULT = (
    *("user_id", "username", "email", "email_verified", "phone_number", "phone_number_verified"),
    *("claims.name", "claims.given_name", "claims.family_name", "disabled"),
    *("creation_time", "last_updated", "last_sign_in_success", "read_at"),
)
_JSON = ":json"
_OPEN = ("claims", "private_data", "public_data")
_KINDS: Mapping[Any, Kind] = {bool: "flag", int: "count", str: "text", datetime: "time"}


@attrs.frozen
class Column:
    """A column.

    Attributes:
        name: its name.
        kind: the type of its values; ``json`` for nested values.
        of: gets the value from a user's JSON; None if the user does not have it.
    """

    name: str
    kind: Kind
    of: Callable[[Json], Any]


def columns_of(names: str | None, *, groups: bool, all_: bool = False) -> Sequence[Column]:
    """Return the columns with these names.

    Args:
        names: names separated by commas; None for the default columns.
        all_: whether the default is all columns.
        groups: whether the groups are exported.

    Raises:
        ConfigurationError: a column does not exist, is named twice, or has no name.
    """
    wanted = (
        [name.strip() for name in names.split(",")]
        if names is not None
        else _default_names(all_=all_)
    )
    if names is None and groups:
        wanted.append("groups")
    if "" in wanted:
        raise ConfigurationError("--columns has an empty column name; nothing was sent")
    if len({*wanted}) < len(wanted):
        raise ConfigurationError("--columns names a column twice; nothing was sent")
    return [_column(name, groups=groups) for name in wanted]


def _default_names(*, all_: bool) -> list[str]:
    return [*dict.fromkeys((*DEFAULT, *_COMPUTED, *_MEMBERS))] if all_ else [*DEFAULT]


def _column(name: str, *, groups: bool) -> Column:
    path = name.removesuffix(_JSON).split(".")
    if name in _COMPUTED:
        return _COMPUTED[name]
    if path == ["groups"] and groups:
        return Column(name, "json", lambda line: line.get("groups"))
    if len(path) > 1 and path[0] in _OPEN and all(path):
        return Column(name, "json" if name.endswith(_JSON) else "text", _at(path))
    if len(path) == 1 and path[0] in _MEMBERS:
        kind = "json" if name.endswith(_JSON) else _MEMBERS[path[0]]
        return Column(name, kind, _at(path))
    if path == ["groups"]:
        raise ConfigurationError("the column groups needs --groups; nothing was sent")
    known = ", ".join([*_COMPUTED, *(member for member in _MEMBERS if member not in _COMPUTED)])
    raise ConfigurationError(
        f"--columns: unknown column {name!r}; nothing was sent: choose from {known}, groups, and "
        "members of claims, private_data and public_data, such as claims.name"
    )


def _at(path: Sequence[str]) -> Callable[[Json], Any]:
    def of(line: Json) -> Any:
        value: Any = line
        for name in path:
            value = cast("Json", value).get(name) if isinstance(value, Mapping) else None
        return value

    return of


def _of_primary(member: str, name: str) -> Callable[[Json], Any]:
    """Return a getter for a member of the primary email or phone, or of the first one."""

    def of(line: Json) -> Any:
        rows: Sequence[Json] = line.get(member) or ()
        chosen = next((row for row in rows if row.get("primary")), rows[0] if rows else {})
        return chosen.get(name)

    return of


def _kind(declared: Any) -> Kind:
    first = (*get_args(declared), declared)[0]
    return _KINDS.get(first, "json")


_MEMBERS: Mapping[str, Kind] = {
    name: _kind(field.type) for name, field in wire_fields(User).items()
}
_COMPUTED: Mapping[str, Column] = {
    column.name: column
    for column in (
        Column("username", "text", _at(["username", "username"])),
        Column("email", "text", _of_primary("emails", "email")),
        Column("email_verified", "flag", _of_primary("emails", "verified")),
        Column("phone_number", "text", _of_primary("phone_numbers", "phone")),
        Column("phone_number_verified", "flag", _of_primary("phone_numbers", "verified")),
        Column("read_at", "time", _at(["read_at"])),
    )
}
