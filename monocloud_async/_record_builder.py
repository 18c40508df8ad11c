"""Builds records from JSON objects.

A plain loop over the members of a class builds its first records. After 50 records, it is worth
generating a function with that loop unrolled, as attrs and cattrs do:

    def build(data, _):
        if type(data) is not dict: refuse(data)
        made = new(draft)
        get = data.get
        made.id = v if type(v := get('id', absent)) is str else missing('id') if v is absent else …
        made.source = v if type(v := get('source', absent)) is str else None if v is absent else …
        …
        return made

Why exec: building a user takes 10 µs with the functions, 24 with the loops and 41 with cattrs; a
whole call costs 30 more than with bare aiohttp. Generating a function takes 0.1 to 1 ms, which
blocks the event loop. So each class gets one function, whatever the shape of the data, and each
call generates at most one. The source of a function contains attribute names only, never data.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timezone
from typing import Any, NoReturn, cast

import attrs

Hook = Callable[[Any, Any], Any]
WORTH_WRITING = 50
# Limits on cached member orders, members, and length of names: more than the API needs, because a
# server's data is not under our control.
_MOST_ORDERS = 64
_WIDEST = 100
_LONGEST = 4096
_ABSENT = object()
# Types that need no hook: the test of a JSON value, and the expression that converts it. Every
# platform supports times before 2**34, in the year 2514.
_QUICK: Mapping[type, tuple[str, str]] = {
    str: ("type({}) is str", "v"),
    int: ("type({}) is int", "v"),
    bool: ("type({}) is bool", "v"),
    dict: ("type({}) is dict", "v"),
    datetime: ("type({}) is int and 0 <= v < 17179869184", "moment(v, utc)"),
}


def _missing(name: str) -> NoReturn:
    raise KeyError(name)


class Budget:
    """Lets each call of ``structure`` generate at most one function."""

    __slots__ = ("may_write",)

    def __init__(self) -> None:
        self.may_write = False

    def spend(self) -> bool:
        """Return whether a function may be generated now, at most once per call."""
        may, self.may_write = self.may_write, False
        return may


@attrs.frozen(eq=False)
class Member:
    """A member of a record, as the API sends it.

    Attributes:
        name: the name of the member and of the attribute.
        kind: the type of its values, if ``_QUICK`` may know it.
        nullable: whether null is allowed.
        default: the default for an absent member, as attrs declares it.
        hook: converts the JSON value, or rejects it.
        items: converts each item of a list of records. None for other members.
    """

    name: str
    kind: Any
    nullable: bool
    default: Any
    hook: Hook
    items: Hook | None = None

    def value_in(self, data: Mapping[str, Any]) -> Any:
        """Return the attribute's value for a JSON object."""
        value = data.get(self.name, _ABSENT)
        if value is _ABSENT:
            return _missing(self.name) if self.default is attrs.NOTHING else _made(self.default)
        return None if value is None and self.nullable else self.hook(value, None)


class RecordBuilder:
    """Builds the records of one class.

    Args:
        kind: the class.
        members: the members of the API's JSON that the class knows.
        refuse: raises for anything that is not a JSON object.
        budget: decides when a function may be generated.
    """

    def __init__(
        self,
        kind: type[Any],
        members: list[Member],
        refuse: Callable[[object], NoReturn],
        budget: Budget,
    ) -> None:
        self._kind = kind
        self._draft = _draft(kind)
        self._members = members
        self._names = frozenset(member.name for member in members)
        own = {"extra", "_keys", *self._names}
        self._ours = [(a.name, a.default) for a in attrs.fields(kind) if a.name not in own]
        self._refuse = refuse
        self._budget = budget
        self._orders: dict[tuple[str, ...], tuple[tuple[str, ...], tuple[str, ...]]] = {}
        self._by_loop = 0
        self._written: Hook | None = None

    def structure(self, data: dict[str, Any], _: Any) -> Any:
        """Return the record for a JSON object; raises KeyError if a member is missing."""
        if self._written:
            return self._written(data, None)
        made = self.looped(data, None)
        self._by_loop += 1
        # Generated after those of its parts, so that it can call theirs directly.
        if self._by_loop >= WORTH_WRITING and self._budget.spend():
            self._written = self.written()
        return made

    @property
    def quickest(self) -> Hook:
        """The fastest way to build these records so far."""
        return self._written or self.structure

    def looped(self, data: dict[str, Any], _: Any) -> Any:
        """Build a record with a loop over the class's members."""
        if type(data) is not dict:
            self._refuse(data)
        made = object.__new__(self._draft)
        for member in self._members:
            setattr(made, member.name, member.value_in(data))
        for name, default in self._ours:
            setattr(made, name, _made(default))
        keys, unknown = self._order(tuple(data))
        made.extra = {key: data[key] for key in unknown}
        made._keys = keys
        made.__class__ = self._kind
        return made

    def written(self) -> Hook:
        """Generate a function that does the same with the loop unrolled."""
        own = {"draft": self._draft, "kind": self._kind, "refuse": self._refuse}
        names = _NAMES | own | {"known": self._orders.get, "order": self._order}
        lines: list[str] = list(_FIRST_LINES)
        for number, member in enumerate(self._members):
            names[f"hook_{number}"] = _quickest(member.hook)
            names[f"items_{number}"] = _quickest(member.items)
            default = _literal(member.default, member.name, f"default_{number}", names)
            lines.append(f"made.{member.name} = {_expression(member, default, number)}")
        for name, default in self._ours:
            lines.append(f"made.{name} = {_literal(default, name, f'default_{name}', names)}")
        text = "\n ".join(["def build(data, _):", *lines, *_LAST_LINES])
        exec(text, names)  # noqa: S102
        return cast("Hook", names["build"])

    def _order(self, keys: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the keys, as one shared tuple per distinct order, and the unknown ones."""
        found = self._orders.get(keys)
        if found is None:
            found = keys, tuple(key for key in keys if key not in self._names)
            small = len(keys) <= _WIDEST and sum(map(len, keys)) <= _LONGEST
            if small and len(self._orders) < _MOST_ORDERS:
                self._orders[keys] = found
        return found


_NAMES: dict[str, Any] = {
    "new": object.__new__,
    "absent": _ABSENT,
    "missing": _missing,
    "moment": datetime.fromtimestamp,
    "utc": timezone.utc,
}
_FIRST_LINES = ("if type(data) is not dict: refuse(data)", "made = new(draft)", "get = data.get")
_LAST_LINES = (
    "keys = tuple(data)",
    "made._keys, unknown = known(keys) or order(keys)",
    "made.extra = {key: data[key] for key in unknown} if unknown else {}",
    "made.__class__ = kind",
    "return made",
)


def _quickest(hook: Hook | None) -> Hook | None:
    builder = getattr(hook, "__self__", None)
    return builder.quickest if isinstance(builder, RecordBuilder) else hook


def _expression(member: Member, default: str, number: int) -> str:
    value = f"(v := get({member.name!r}, absent))"
    cases: list[tuple[str, str]] = []
    if member.items:
        cases.append((f"type({value}) is list", f"tuple([items_{number}(i, None) for i in v])"))
    elif quick := _QUICK.get(member.kind):
        cases.append((quick[0].format(value), quick[1]))
    cases.append((f"{'v' if cases else value} is absent", default))
    if member.nullable:
        cases.append(("v is None", "None"))
    return (
        "".join(f"{result} if {test} else " for test, result in cases) + f"hook_{number}(v, None)"
    )


def _literal(default: Any, name: str, variable: str, names: dict[str, Any]) -> str:
    """Return the source of a default, and register the names it needs."""
    if default is attrs.NOTHING:
        return f"missing({name!r})"
    if default is None or default == ():
        return repr(default)
    factory = getattr(default, "factory", None)
    names[variable] = factory or default
    return f"{variable}()" if factory else variable


def _made(default: Any) -> Any:
    factory = getattr(default, "factory", None)
    return factory() if factory else default


def _draft(kind: type[Any]) -> type[Any]:
    """Return an unfrozen subclass of a record class, so that attributes are set at full speed."""
    unfrozen = {"__setattr__": object.__setattr__, "__delattr__": object.__delattr__}
    return type(f"{kind.__name__}Draft", (kind,), {"__slots__": (), **unfrozen})
