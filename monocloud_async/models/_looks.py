"""What other packages look for in a value, so that records become JSON without being asked.

None of those packages is imported before it asks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import make_dataclass
from typing import Any

import attrs


class LooksLikeJson:
    """A base of records: their ``__dict__`` is their JSON, and pydantic takes and writes it."""

    __slots__ = ()

    @property
    def __dict__(self: Any) -> dict[str, Any]:  # type: ignore[override]
        # For vars(), and with it FastAPI's jsonable_encoder, and orjson; a name that is empty ends
        # the process in orjson.
        json: dict[str, Any] = self.to_dict()
        json.pop("", None)
        return json

    @classmethod
    def __get_pydantic_core_schema__(cls: Any, source: Any, handler: Any) -> Any:
        """Return how pydantic validates a record, or its JSON, and writes it."""
        from pydantic_core import core_schema

        def taken(value: Any) -> Any:
            return value if isinstance(value, cls) else cls.from_dict(value)

        return core_schema.no_info_plain_validator_function(
            taken,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.to_dict,
                return_schema=core_schema.dict_schema(core_schema.str_schema()),
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls: Any, schema: Any, handler: Any) -> dict[str, Any]:
        """Return that it is an object, for an API's documentation."""
        return {"type": "object", "title": cls.__name__, "additionalProperties": True}


class _Fields:
    """What makes orjson take the ``__dict__`` of a record, while the class is no dataclass.

    orjson looks for the name in the class's own namespace. ``dataclasses`` reads it from the class,
    and must find nothing: ``asdict`` would lose what the API did not send, and Rich would show what
    a record's repr leaves out.
    """

    def __get__(self, record: object, kind: type[Any]) -> Mapping[str, Any]:
        if record is None:
            raise AttributeError("__dataclass_fields__")
        return _fields_of(kind)


_fields: dict[type[Any], Mapping[str, Any]] = {}


def _fields_of(kind: type[Any]) -> Mapping[str, Any]:
    # orjson reads these only where there is no __dict__, and keeps no reference.
    if kind not in _fields:
        names = [a.name for a in attrs.fields(kind) if a.metadata.get("wire", True)]
        _fields[kind] = vars(make_dataclass(kind.__name__, names))["__dataclass_fields__"]
    return _fields[kind]


def mark(kind: type[Any]) -> None:
    """Make orjson write the records of a class as their JSON.

    Args:
        kind: the class; one that has a ``__dict__`` of its own is left alone.
    """
    if "__dict__" not in vars(kind) and "__slots__" in vars(kind):
        # With the name there, orjson would write the slots, and not the JSON.
        del kind.__slots__
        kind.__dataclass_fields__ = _Fields()
