"""A method's parameters as columns of a file, and the conversion of their values."""

from __future__ import annotations

import enum
import inspect
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast, get_args, get_origin, get_type_hints

import attrs

from ..._arguments import KEEP
from ..._characters import trimmed
from ..._json import parse
from ..._secret import SECRET_ARGUMENTS, Secret
from ..parameters import Method
from .columns import Pairs
from .csv_rows import unguarded
from .json_rows import plain_json

# Identifiers: invisible characters at their ends are removed.
_NAMES = re.compile(r"(\w+_)?id|email|phone|phone_number|ip_address")
_FLAGS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_WHOLE = re.compile(r"[0-9]{1,15}")


class Kind(enum.Enum):
    """The type of a parameter's values."""

    TEXT = "text"
    SECRET = "secret"  # noqa: S105  (a kind)
    FLAG = "flag"
    WHOLE = "whole"
    OBJECT = "object"


_MUST_BE = {
    Kind.TEXT: "a string",
    Kind.SECRET: "a string",
    Kind.FLAG: "true or false",
    Kind.WHOLE: "a whole number",
    Kind.OBJECT: "a JSON object",
}


class _Absent(enum.Enum):
    ABSENT = "ABSENT"


# Marks a value that is not given.
ABSENT = _Absent.ABSENT


@attrs.frozen
class Parameter:
    """A parameter of a method.

    Attributes:
        name: its name.
        kind: the type of its values.
        required: whether each row must set it.
        clearable: whether None is a valid value, which clears the field.
    """

    name: str
    kind: Kind
    required: bool
    clearable: bool

    def of_cell(self, cell: str, null: str | None) -> object:
        """Return the value of a cell, or ``ABSENT``.

        Args:
            cell: the cell.
            null: the cell text that clears a value, if any.

        Raises:
            ValueError: the value is invalid.
        """
        if cell and cell == null and self.required:
            raise ValueError(f"{self.name} is required and cannot be {null}")
        if self.kind is Kind.SECRET:
            is_absent = not self.required and cell in ("", null)
            return ABSENT if is_absent else Secret(cell)
        exact = self.kind is Kind.TEXT and not _NAMES.fullmatch(self.name)
        text = unguarded(cell.strip() if exact else trimmed(cell))
        if text == null and not self.required:
            return None if self.clearable else ABSENT
        if not text and not self.required:
            return ABSENT
        return text if self.kind is Kind.TEXT else self._parsed(text)

    def _parsed(self, text: str) -> object:
        if self.kind is Kind.FLAG and (found := _FLAGS.get(text.casefold())) is not None:
            return found
        if self.kind is Kind.WHOLE and _WHOLE.fullmatch(text):
            return int(text)
        if self.kind is Kind.OBJECT:
            try:
                found_json: Any = parse(text.encode())
            except (ValueError, RecursionError) as error:
                raise ValueError(f"{self._refusal()}: {error}") from None
            if isinstance(found_json, dict):
                return cast("object", found_json)
        raise self._refusal()

    def of_member(self, value: object) -> object:
        """Return the value of a JSON member, or ``ABSENT``.

        Raises:
            ValueError: the value is invalid.
        """
        if value is None and not self.required:
            return None if self.clearable else ABSENT
        if isinstance(value, str) and self.kind is Kind.SECRET:
            return Secret(value)
        if isinstance(value, str) and self.kind is Kind.TEXT:
            return trimmed(value) if _NAMES.fullmatch(self.name) else value
        if isinstance(value, bool):
            if self.kind is Kind.FLAG:
                return value
        elif isinstance(value, int) and self.kind is Kind.WHOLE:
            return value
        if isinstance(value, Pairs) and self.kind is Kind.OBJECT:
            return self._object(value)
        raise self._refusal()

    def _object(self, value: Pairs) -> object:
        try:
            return plain_json(value)
        except (ValueError, RecursionError) as error:
            raise ValueError(f"{self.name}: {error}") from None

    def _refusal(self) -> ValueError:
        return ValueError(f"{self.name} must be {_MUST_BE[self.kind]}")


def parameters(method: Method) -> Sequence[Parameter]:
    """Return the parameters of a method, except ``self``."""
    hints = get_type_hints(method)
    own = list(inspect.signature(method).parameters.values())[1:]
    return [
        Parameter(p.name, _kind(p.name, hints[p.name]), p.default is p.empty, p.default is KEEP)
        for p in own
    ]


def _kind(name: str, hint: Any) -> Kind:
    if name in SECRET_ARGUMENTS:
        return Kind.SECRET
    parts = [hint, *get_args(hint)]
    if bool in parts:
        return Kind.FLAG
    if int in parts:
        return Kind.WHOLE
    return Kind.OBJECT if any(get_origin(part) is Mapping for part in parts) else Kind.TEXT
