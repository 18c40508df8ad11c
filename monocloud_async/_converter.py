"""The cattrs converter: strict about what the API promises, and preserving what it adds."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn, TypeVar, cast, get_args, get_origin

import attrs
from cattrs import (
    BaseValidationError,
    ClassValidationError,
    Converter,
    IterableValidationError,
    transform_error,
)
from cattrs.errors import AttributeValidationNote, IterableValidationNote

from ._record_builder import Budget, Hook, Member, RecordBuilder
from .errors import InvalidRecordError

T = TypeVar("T")

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
# Marks attributes of records that are not members of the API's JSON.
NOT_WIRE: Mapping[str, Any] = {"wire": False}
NULLABLE: Mapping[str, Any] = {"nullable": True}

_budget = Budget()


def structure(data: object, kind: type[T]) -> T:
    """Return the record or records in a JSON value.

    Args:
        data: the parsed JSON; it becomes part of the record, so do not change it afterwards.
        kind: the record class, or ``tuple[Class, ...]`` for a list.

    Raises:
        InvalidRecordError: a member is missing or has the wrong type.
    """
    _budget.may_write = True
    try:
        record: T = _hooks[kind](data, None)
        return record
    except (_WrongTypeError, KeyError):
        # Only the slower, detailed converter knows where.
        found = _where(data, kind)
    first, _, path = found[0].rpartition(" @ ")
    suffix = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    raise InvalidRecordError(f"{_name(kind)}: {first} at {path}{suffix}", path=path)


class _Hooks(dict[Any, Hook]):
    """The structure hooks by class; cattrs' own lookup takes twice as long."""

    def __missing__(self, kind: Any) -> Hook:
        hook = self[kind] = _converter.get_structure_hook(kind)
        return hook


_hooks = _Hooks()


def _name(kind: Any) -> str:
    if get_origin(kind) is tuple:
        return f"list of {_name(get_args(kind)[0])}"
    return str(kind.__name__)


def _where(data: object, kind: type[Any]) -> list[str]:
    try:
        _detailed_converter.get_structure_hook(kind)(data, kind)
    except (BaseValidationError, _WrongTypeError) as error:
        return transform_error(error, format_exception=_describe)
    raise AssertionError("the two converters disagree")


def wire_fields(kind: type[Any]) -> Mapping[str, attrs.Attribute[Any]]:
    """Return the attributes of a record class that are members of the API's JSON."""
    return {a.name: a for a in attrs.fields(kind) if a.metadata.get("wire", True)}


def epoch(moment: datetime) -> float:
    """Return a time as the API writes it: seconds since 1970, as an int if whole."""
    seconds = (moment - _EPOCH) / timedelta(seconds=1)
    return int(seconds) if seconds.is_integer() else seconds


class _WrongTypeError(ValueError):
    """A JSON value is not of the type that the API promises."""

    def __init__(self, expected: str, value: object) -> None:
        super().__init__(
            f"expected {expected}, got {_JSON_NAMES.get(type(value), type(value).__name__)}"
        )


def _describe(error: BaseException, _: type | None) -> str:
    if isinstance(error, KeyError):
        return "required member missing"
    return str(error) if isinstance(error, _WrongTypeError) else "invalid value"


def _exact(kind: type) -> Hook:
    def exact(value: Any, _: Any) -> Any:
        if type(value) is not kind:
            raise _WrongTypeError(_JSON_NAMES[kind], value)
        return value

    return exact


def _time(value: Any, _: Any) -> datetime:
    is_whole = type(value) is int
    if not is_whole and not (type(value) is float and math.isfinite(value)):
        raise _WrongTypeError("seconds since 1970", value)
    try:
        moment = _EPOCH + timedelta(0, value)
    except OverflowError:
        raise _WrongTypeError("seconds since 1970 up to the year 9999", value) from None
    if not is_whole and epoch(moment) != value:
        raise _WrongTypeError("seconds since 1970 with at most microsecond precision", value)
    return moment


def _list_hook(kind: Any, converter: Converter) -> Hook:
    item_kind: Any = get_args(kind)[0]
    if converter.detailed_validation:
        return _validating_list_hook(item_kind, converter)
    one_item = converter.get_structure_hook(item_kind)

    def listed(value: list[Any], _: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _WrongTypeError(_JSON_NAMES[list], value)
        for item in value:
            if type(item) is not str or item_kind is not str:
                return tuple([one_item(item, None) for item in value])
        return tuple(value)

    return listed


def _validating_list_hook(item_kind: Any, converter: Converter) -> Hook:
    one_item = converter.get_structure_hook(item_kind)

    def listed(value: list[Any], _: Any) -> tuple[Any, ...]:
        if type(value) is not list:
            raise _WrongTypeError(_JSON_NAMES[list], value)
        values: list[Any] = []
        for number, item in enumerate(value):
            try:
                values.append(one_item(item, item_kind))
            except (BaseValidationError, _WrongTypeError) as error:
                # Report only the first: 100,000 errors would take seconds and fill memory.
                _noted(error, IterableValidationNote("", number, item_kind))
                # The type stubs of exception groups hide cattrs' extra argument.
                raise cast("Any", IterableValidationError)("", [error], item_kind) from None
        return tuple(values)

    return listed


def _record_hook(kind: type[Any], converter: Converter) -> Hook:
    attrs.resolve_types(kind)
    members = [_member(attribute, converter) for attribute in wire_fields(kind).values()]
    if converter.detailed_validation:
        return _validating_hook(kind, members)
    return RecordBuilder(kind, members, _refuse_object, _budget).structure


def _refuse_object(value: object) -> NoReturn:
    raise _WrongTypeError(_JSON_NAMES[dict], value)


def _validating_hook(kind: type[Any], members: list[Member]) -> Hook:
    """Return a hook that only validates, with errors that know their JSON path.

    cattrs' own hook takes milliseconds to generate at the first error.
    """

    def check(data: dict[str, Any], _: Any) -> None:
        if type(data) is not dict:
            _refuse_object(data)
        errors: list[Exception] = []
        for member in members:
            try:
                member.value_in(data)
            except (BaseValidationError, _WrongTypeError, KeyError) as error:
                errors.append(_noted(error, AttributeValidationNote("", member.name, kind)))
        if errors:
            raise cast("Any", ClassValidationError)("", errors, kind)

    return check


def _noted(error: Exception, note: object) -> Exception:
    cast("Any", error).__notes__ = [*getattr(error, "__notes__", ()), note]
    return error


def _member(attribute: attrs.Attribute[Any], converter: Converter) -> Member:
    kinds = [kind for kind in get_args(attribute.type) if kind is not type(None)]
    kind = kinds[0] if type(None) in get_args(attribute.type) else attribute.type
    items: Any = get_args(kind)[0] if get_origin(kind) is tuple else None
    return Member(
        name=attribute.name,
        kind=dict if get_origin(kind) is Mapping else kind,
        nullable=attribute.metadata.get("nullable", False),
        default=attribute.default,
        hook=converter.get_structure_hook(kind),
        items=converter.get_structure_hook(items) if attrs.has(items) else None,
    )


def _is_a(origin: object) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


def _build(*, detailed: bool) -> Converter:
    """Return a converter whose hooks are bound to their types."""
    converter = Converter(detailed_validation=detailed)
    for kind in (str, int, bool):
        converter.register_structure_hook(kind, _exact(kind))
    converter.register_structure_hook(datetime, _time)
    converter.register_structure_hook_func(_is_a(Mapping), _exact(dict))
    converter.register_structure_hook_factory(_is_a(tuple), _list_hook)
    converter.register_structure_hook_factory(attrs.has, _record_hook)
    return converter


_converter = _build(detailed=False)
_detailed_converter = _build(detailed=True)
