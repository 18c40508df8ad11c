"""How records are made of JSON: by a function written for just the members that it has.

An API's JSON comes in few shapes, by which is meant the names of its members in their order. For
each, a function is written once that takes all values out at a time and sets them as if by hand:

    def make(data):
        v0, v1, = data.values()
        made = new(draft)
        made.id = v0 if type(v0) is str else hook_v0(v0, None)
        made.source = v1 if type(v1) is str or v1 is None else hook_v1(v1, None)
        made.phone = default_phone
        made.extra = {}
        made._keys = keys
        made.__class__ = kind
        return made

Only the names of our own attributes get into its text, never those that were sent.

To write one takes longer than to make many a record without. So only the first shapes of each kind
of record get one, and none with a great many members; whatever else is sent is made by a function
that knows no shape, and looks at one member after the other.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, NoReturn, cast

import attrs

Hook = Callable[[Any, Any], Any]
Maker = Callable[[dict[str, Any]], Any]
# More shapes, and members of one, and letters of their names, than any API has; but what is sent
# is not ours to choose, and these are kept.
_MOST = 64
_WIDEST = 100
_LONGEST = 4096


@attrs.frozen(eq=False)
class Member:
    """A member of a record, as the API sends it.

    Attributes:
        plain: the type of the values that are as they have to be; None if none are.
        nullable: whether null is one of them.
        hook: what makes the attribute's value of any other, or refuses it.
    """

    plain: type | None
    nullable: bool
    hook: Hook


def structuring(
    kind: type[Any], members: Mapping[str, Member], refuse: Callable[[object], NoReturn]
) -> Hook:
    """Return the hook that makes records of JSON objects.

    Args:
        kind: the record's class.
        members: the members that it knows, by name.
        refuse: raises, for what is no JSON object.

    The hook raises KeyError where a member is missing that cannot be.
    """
    writer = _Writer(kind, members)
    makers: dict[tuple[str, ...], Maker] = {}

    def make(data: dict[str, Any], _: Any) -> Any:
        if type(data) is not dict:
            refuse(data)
        keys = tuple(data)
        maker = makers.get(keys)
        if maker is None:
            if len(makers) >= _MOST or _is_large(keys):
                return writer.general(data)
            maker = makers[keys] = writer.maker(keys)
        return maker(data)

    return make


def _is_large(keys: tuple[str, ...]) -> bool:
    return len(keys) > _WIDEST or sum(map(len, keys)) > _LONGEST


class _Writer:
    """Writes the functions for one kind of record.

    Args:
        kind: the record's class.
        members: the members that it knows, by name.
    """

    def __init__(self, kind: type[Any], members: Mapping[str, Member]) -> None:
        self._kind = kind
        self._members = members
        self._draft = _draft(kind)
        ours = [a for a in attrs.fields(kind) if a.name not in ("extra", "_keys")]
        self._required = [a.name for a in ours if a.default is attrs.NOTHING]
        self._optional = [
            (a.name, getattr(a.default, "factory", None), a.default)
            for a in ours
            if a.default is not attrs.NOTHING
        ]

    def general(self, data: dict[str, Any]) -> Any:
        """Make a record of JSON with any members, as the function for them would."""
        self._check(data)
        made = object.__new__(self._draft)
        for name, factory, default in self._optional:
            setattr(made, name, factory() if factory else default)
        extra: dict[str, Any] = {}
        for key, value in data.items():
            member = self._members.get(key)
            if member is None:
                extra[key] = value
            elif type(value) is member.plain or (value is None and member.nullable):
                setattr(made, key, value)
            else:
                setattr(made, key, member.hook(value, None))
        made.extra = extra
        made._keys = tuple(data)
        made.__class__ = self._kind
        return made

    def maker(self, keys: tuple[str, ...]) -> Maker:
        """Return the function for JSON with these members, in this order."""
        names: dict[str, Any] = {
            "new": object.__new__,
            "draft": self._draft,
            "kind": self._kind,
            "keys": keys,
            "unknown": tuple(key for key in keys if key not in self._members),
        }
        values = [f"v{number}" for number in range(len(keys))]
        lines = [f"{', '.join(values)}, = data.values()"] if keys else []
        lines += ["made = new(draft)"]
        for value, key in zip(values, keys, strict=True):
            if member := self._members.get(key):
                names[f"hook_{value}"] = member.hook
                lines.append(f"made.{key} = {_expression(value, member)}")
        lines += self._absent(keys, names)
        lines += [
            "made.extra = {key: data[key] for key in unknown}"
            if names["unknown"]
            else "made.extra = {}"
        ]
        lines += ["made._keys = keys", "made.__class__ = kind", "return made"]
        exec("def make(data):\n" + "".join(f"    {line}\n" for line in lines), names)  # noqa: S102
        return cast("Maker", names["make"])

    def _absent(self, keys: tuple[str, ...], names: dict[str, Any]) -> list[str]:
        """Return the lines that set what is not there."""
        self._check(keys)
        lines: list[str] = []
        for name, factory, default in self._optional:
            if name not in keys or name not in self._members:
                names[f"default_{name}"] = factory or default
                lines.append(f"made.{name} = default_{name}" + ("()" if factory else ""))
        return lines

    def _check(self, keys: Collection[str]) -> None:
        for name in self._required:
            if name not in keys:
                raise KeyError(name)


def _expression(value: str, member: Member) -> str:
    hook = f"hook_{value}({value}, None)"
    asks = [f"type({value}) is {member.plain.__name__}"] if member.plain else []
    asks += [f"{value} is None"] if member.nullable else []
    return f"{value} if {' or '.join(asks)} else {hook}" if asks else hook


def _draft(kind: type[Any]) -> type[Any]:
    """Return a record's class with nothing frozen: the same slots, set at their full speed."""
    unfrozen = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(f"{kind.__name__}Draft", (kind,), {"__slots__": (), **unfrozen})
