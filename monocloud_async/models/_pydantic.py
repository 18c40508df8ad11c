"""The hooks that pydantic and FastAPI look for in a class; imports neither until they ask."""

from __future__ import annotations

import sys
from typing import Any

_serializers: dict[type[Any], Any] = {}


def _serializer(kind: type[Any]) -> Any:
    if kind not in _serializers:
        from pydantic_core import SchemaSerializer

        _serializers[kind] = SchemaSerializer(kind.__get_pydantic_core_schema__(kind, None))
    return _serializers[kind]


class _Serializer:
    """The serializer that pydantic looks for in a value without a schema, as within ``Any``."""

    def __get__(self, record: object, kind: type[Any]) -> Any:
        # Mocks with a spec, among others, read every attribute.
        if "pydantic_core" not in sys.modules:
            raise AttributeError("__pydantic_serializer__")
        return _serializer(kind)


class PydanticSchema:
    """A base class that pydantic validates with ``from_dict`` and serializes with ``to_dict``."""

    __slots__ = ()
    __pydantic_serializer__: Any = _Serializer()

    @classmethod
    def __get_pydantic_core_schema__(cls: Any, source: Any, handler: Any) -> Any:
        """Return a schema that validates a record or its JSON, and serializes it."""
        from pydantic_core import core_schema

        def record_of(value: Any) -> Any:
            return value if isinstance(value, cls) else cls.from_dict(value)

        return core_schema.no_info_plain_validator_function(
            record_of,
            serialization=core_schema.plain_serializer_function_ser_schema(
                cls.to_dict,
                return_schema=core_schema.dict_schema(core_schema.str_schema()),
            ),
        )

    @classmethod
    def __get_pydantic_json_schema__(cls: Any, schema: Any, handler: Any) -> dict[str, Any]:
        """Return a JSON schema that says it is an object, for API documentation."""
        return {"type": "object", "title": cls.__name__, "additionalProperties": True}
