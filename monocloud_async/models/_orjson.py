"""What orjson looks for in a class: it takes dataclasses, and has no other way in.

It finds ``__dataclass_fields__`` in the class, and writes the instance's ``__dict__``. Records have
none: theirs is made when it is asked for, of what ``to_dict`` returns. Where it is missing, orjson
reads the attributes that the fields name, and a wrong answer would end the process: so these are
there too, and complete. Nobody else is to take a record for a dataclass.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import attrs

FIELDS = "__dataclass_fields__"
# orjson before 3.9 reads it without a reference of its own.
_held: list[object] = []


_made: dict[type[Any], Mapping[str, Any]] = {}


def _fields(kind: type[Any]) -> Mapping[str, Any]:
    if kind not in _made:
        from dataclasses import fields, make_dataclass

        members = [a.name for a in attrs.fields(kind) if a.metadata.get("wire", True)]
        _made[kind] = {field.name: field for field in fields(make_dataclass("_", members))}
    return _made[kind]


class _Fields:
    """The fields of an instance; the class has none, to ``is_dataclass`` and everyone else."""

    def __get__(self, record: object, kind: type[Any]) -> Mapping[str, Any]:
        if record is None:
            raise AttributeError(FIELDS)
        return _fields(kind)


class OrjsonDataclass:
    """A base of records that ``orjson.dumps`` writes as ``to_dict`` returns them."""

    __slots__ = ()

    @classmethod
    def _let_orjson_write(cls) -> None:
        setattr(cls, FIELDS, _Fields())
        if "__slots__" in vars(cls):
            # With them in the class, orjson does not ask for its dictionary.
            del cls.__slots__

    if not TYPE_CHECKING:

        @property
        def __dict__(self) -> dict[str, Any]:
            if any(member.metadata.get("secret") for member in attrs.fields(type(self))):
                # What shows values shows this. orjson goes on to the attributes.
                raise AttributeError("__dict__")
            # orjson leaves out a name that begins with an underscore, and breaks at an empty one.
            made = {name: value for name, value in self.to_dict().items() if name}
            _held[:] = [made]
            return made
