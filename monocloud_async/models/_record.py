"""Record: the base of all API records, which reproduce the JSON they came from exactly."""

from collections.abc import Iterator, Mapping
from copy import deepcopy
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar, cast

import attrs

from .._converter import NOT_WIRE, NULLABLE, epoch, structure, wire_fields
from ..errors import InvalidRecordError
from ..response import Response
from . import _display
from ._orjson import OrjsonDataclass
from ._pydantic import PydanticSchema

R = TypeVar("R", bound="Record")


def nullable() -> Any:
    """Declare a member that the API may omit or send as null."""
    return attrs.field(default=None, metadata=NULLABLE)


def secret_text() -> Any:
    """Declare a string that only ``to_dict`` reveals; the API may omit it or send null."""
    return attrs.field(default=None, metadata={**NULLABLE, "secret": True})


def free_json() -> Any:
    """Declare a member that is a JSON object whose contents the tenant chooses."""
    return attrs.field(factory=dict[str, Any], hash=False)


@attrs.frozen(kw_only=True)
class Record(PydanticSchema, OrjsonDataclass):
    """An immutable record of the API.

    The repr is safe to log: it shows ids and counts, but no personal data and no secrets. In a
    notebook, a record renders as a table. pydantic, FastAPI, orjson and Django REST framework
    serialize a record as ``to_dict`` does; for ``json.dumps``, pass ``default=Record.to_dict``.

    Attributes:
        extra: members of the JSON that this SDK version does not know, unchanged.
    """

    extra: Mapping[str, Any] = attrs.field(factory=dict[str, Any], hash=False, metadata=NOT_WIRE)
    # The member names as received: they distinguish null from absent and preserve the order.
    _keys: tuple[str, ...] = attrs.field(
        default=(), alias="_keys", eq=False, repr=False, metadata=NOT_WIRE
    )

    def __init_subclass__(cls) -> None:
        # Otherwise attrs generates one per class that shows everything.
        if "__repr__" not in vars(cls):
            cls.__repr__ = Record.__repr__  # type: ignore[method-assign]
        cls._enable_orjson()

    def __repr__(self) -> str:
        return _display.line(type(self).__name__, wire_fields(type(self)), self)

    def __rich_repr__(self) -> Iterator[tuple[str, object]]:
        # Otherwise Rich shows every attribute of an attrs class, in tracebacks too.
        return _display.parts(wire_fields(type(self)), self)

    def __iter__(self) -> Iterator[tuple[str, Any]]:
        """Iterate over the members of the API's JSON, so that ``dict(record)`` works."""
        return iter(self.to_dict().items())

    if not TYPE_CHECKING:
        __contains__ = None

        def __getitem__(self, name: object) -> NoReturn:
            # Templates and schemas that try items first fall back to attributes. JSON serializers
            # take a class with items for a mapping, and call dict(record).
            raise TypeError(
                f"a {type(self).__name__} has attributes, not items: use record.name, or "
                "record.to_dict()['name'] for a member of its JSON"
            )

    def _repr_html_(self) -> str:
        """Return the table that notebooks show, with secrets masked."""
        return _display.table(_rows(self).items())

    @classmethod
    def from_dict(cls: type[R], data: Mapping[str, Any]) -> R:
        """Create a record from the API's JSON.

        Args:
            data: the parsed JSON, which is copied.

        Raises:
            InvalidRecordError: the data does not match the schema; ``.path`` says where.
        """
        try:
            return structure(deepcopy(_as_dict(data)), cls)
        except RecursionError:
            raise InvalidRecordError(f"{cls.__name__}: the data is nested too deeply") from None

    def to_dict(self) -> dict[str, Any]:
        """Return the API's JSON: all received members, known or not, with any changes applied."""
        known = wire_fields(type(self))
        json: dict[str, Any] = {}
        for name in self._keys:
            if name in known:
                json[name] = _plain(getattr(self, name))
            elif name in self.extra:
                json[name] = _plain(self.extra[name])
        for name in known:
            if name not in json and _is_set(value := getattr(self, name)):
                json[name] = _plain(value)
        for name, value in self.extra.items():
            if name not in known:
                json.setdefault(name, _plain(value))
        return json


@attrs.frozen(kw_only=True)
class AnswerRecord(Record):
    """A record that is the response to a call.

    Attributes:
        response: the HTTP response that carried the record. None if you created it yourself. It
            is not part of the record's equality, repr or JSON.
    """

    response: Response | None = attrs.field(default=None, eq=False, repr=False, metadata=NOT_WIRE)


def _rows(record: Record) -> _display.Rows:
    """Return the table rows of a record: the set members, and the names of unknown ones."""
    rows = _display.Rows()
    for name, member in wire_fields(type(record)).items():
        value = getattr(record, name)
        if _is_set(value):
            rows[name] = "***" if _display.is_secret(member) else _shown(value)
    if record.extra:
        rows["extra"] = list(record.extra)
    return rows


def _shown(value: object) -> object:
    if isinstance(value, Record):
        return _rows(value)
    if isinstance(value, tuple):
        return [_shown(item) for item in cast("tuple[object, ...]", value)]
    return value


def _as_dict(data: object) -> object:
    return dict(cast("Mapping[str, Any]", data)) if isinstance(data, Mapping) else data


def _is_set(value: object) -> bool:
    """Return whether a member has a value other than the default that stands for absent."""
    return value is not None and value != () and value != {}


def _plain(value: object) -> object:
    if isinstance(value, Record):
        return value.to_dict()
    if isinstance(value, tuple):
        return [_plain(item) for item in cast("tuple[object, ...]", value)]
    return epoch(value) if isinstance(value, datetime) else deepcopy(value)
