"""The one cattrs converter: strict about what is promised, keeping what is not known."""

from __future__ import annotations

import math
import types
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import BaseValidationError, Converter, transform_error
from cattrs.gen import make_dict_structure_fn, override

from .errors import InvalidRecordError

T = TypeVar("T")
Hook = Callable[[Any, Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_JSON_NAMES: Mapping[type, str] = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a string",
    list: "an array",
    dict: "an object",
}
# Marks an attribute of a record that is ours, and not a member of the API's JSON.
NOT_WIRE: Mapping[str, Any] = {"wire": False}
NULLABLE: Mapping[str, Any] = {"nullable": True}


def structure(data: object, kind: type[T]) -> T:
    """Return the record that a JSON value holds.

    Args:
        data: the parsed JSON; it becomes part of the record and must not be changed after.
        kind: the record's class.

    Raises:
        InvalidRecordError: a member is missing or of another type than the API promises.
    """
    try:
        return cast("T", _converter.get_structure_hook(kind)(data, kind))
    except (BaseValidationError, _RefusedError) as error:
        found = transform_error(error, format_exception=_describe)
    first, _, path = found[0].rpartition(" @ ")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise InvalidRecordError(f"{kind.__name__}: {first} at {path}{more}", path=path)


def wire_fields(kind: type[Any]) -> Mapping[str, attrs.Attribute[Any]]:
    """Return the attributes of a record's class that are members of the API's JSON."""
    return {a.name: a for a in attrs.fields(kind) if a.metadata.get("wire", True)}


def epoch(moment: datetime) -> float:
    """Return a time as the API writes it: seconds since 1970, whole ones as an int."""
    seconds = (moment - _EPOCH) / timedelta(seconds=1)
    return int(seconds) if seconds.is_integer() else seconds


class _RefusedError(ValueError):
    """A JSON value is of another type than the API promises."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(f"expected {expected}, got {_JSON_NAMES.get(type(value), 'something')}")


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return "required member missing"
    return str(error) if isinstance(error, _RefusedError) else "invalid value"


def _exact(value: Any, kind: type) -> Any:
    if type(value) is not kind:
        raise _RefusedError(_JSON_NAMES[kind], value)
    return value


def _time(value: Any, _: type) -> datetime:
    if type(value) is not int and not (type(value) is float and math.isfinite(value)):
        raise _RefusedError("seconds since 1970", value)
    try:
        moment = _EPOCH + timedelta(seconds=value)
    except OverflowError:
        raise _RefusedError("seconds since 1970 up to the year 9999", value) from None
    if epoch(moment) != value:
        raise _RefusedError("seconds since 1970 in no more than microseconds", value)
    return moment


def _free(value: Any, _: type) -> Any:
    return _exact(value, dict)


def _list_hook(kind: Any) -> Hook:
    items: Any = types.GenericAlias(list, get_args(kind)[:1])
    hook = _converter.get_structure_hook(items)

    def listed(value: Any, _: Any) -> tuple[Any, ...]:
        return tuple(hook(_exact(value, list), items))

    return listed


def _record_hook(kind: type[Any]) -> Hook:
    fields = wire_fields(kind)
    overrides: dict[str, Any] = {
        a.name: override(struct_hook=_member_hook(a)) if a.name in fields else override(omit=True)
        for a in attrs.fields(kind)
    }
    make = make_dict_structure_fn(kind, _converter, **overrides)
    known = frozenset(fields)

    def record(data: Any, _: Any) -> Any:
        made = make(_exact(data, dict), kind)
        object.__setattr__(made, "_keys", tuple(data))
        if not known.issuperset(data):
            unknown = {name: value for name, value in data.items() if name not in known}
            object.__setattr__(made, "extra", unknown)
        return made

    return record


def _member_hook(attribute: attrs.Attribute[Any]) -> Hook:
    """Return the hook of a record's member, which takes null only where the API may send it."""
    kinds = [k for k in get_args(attribute.type) if k is not type(None)]
    optional = type(None) in get_args(attribute.type)
    kind = kinds[0] if optional else attribute.type
    hook = _converter.get_structure_hook(kind)

    def member(value: Any, _: Any) -> Any:
        return hook(value, kind)

    def member_or_null(value: Any, _: Any) -> Any:
        return None if value is None else hook(value, kind)

    return member_or_null if attribute.metadata.get("nullable") else member


def _is_a(origin: object) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


def _build() -> Converter:
    converter = Converter()
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exact)
    converter.register_structure_hook(datetime, _time)
    converter.register_structure_hook_func(_is_a(Mapping), _free)
    converter.register_structure_hook_factory(_is_a(tuple), _list_hook)
    converter.register_structure_hook_factory(attrs.has, _record_hook)
    return converter


_converter = _build()
