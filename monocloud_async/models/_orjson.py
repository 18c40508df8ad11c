"""Makes records serializable with orjson, whose only hook is the one for dataclasses.

orjson looks up ``__dataclass_fields__`` on the class, and serializes the instance's ``__dict__``.
Records have no ``__dict__``, so it is built on access from ``to_dict``. Without one, orjson would
read the attributes that the fields name, and a wrong entry there crashes the process. So the fields
are complete too. To everything else, a record is not a dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

FIELDS = "__dataclass_fields__"
# orjson before 3.9 reads it without holding a reference.
_alive: list[object] = []


_made: dict[type[Any], Mapping[str, Any]] = {}


def _fields(kind: type[Any]) -> Mapping[str, Any]:
    if kind not in _made:
        from dataclasses import fields, make_dataclass

        names = [a.name for a in attrs.fields(kind) if a.metadata.get("wire", True)]
        _made[kind] = {field.name: field for field in fields(make_dataclass("_", names))}
    return _made[kind]


class _Fields:
    """The fields of an instance; hidden from the class, so ``is_dataclass`` returns False."""

    def __get__(self, record: object, kind: type[Any]) -> Mapping[str, Any]:
        if record is None:
            raise AttributeError(FIELDS)
        return _fields(kind)


class OrjsonDataclass:
    """A base class that ``orjson.dumps`` serializes like ``to_dict``."""

    __slots__ = ()

    @classmethod
    def _enable_orjson(cls) -> None:
        setattr(cls, FIELDS, _Fields())
        if "__slots__" in vars(cls):
            # If the class has slots, orjson does not ask for the instance's __dict__.
            del cls.__slots__

    if not TYPE_CHECKING:

        @property
        def __dict__(self) -> dict[str, Any]:
            if any(member.metadata.get("secret") for member in attrs.fields(type(self))):
                # Tools that dump values would reveal it. orjson falls back to the attributes.
                raise AttributeError("__dict__")
            # orjson omits names that begin with an underscore, and fails on an empty name.
            members = {name: value for name, value in self.to_dict().items() if name}
            _alive[:] = [members]
            return members
