"""One operation of the API: its name, its address, its result, and whether it may be sent twice."""

from __future__ import annotations

import re
from typing import Generic, TypeVar

import attrs

from ._address import segment

T = TypeVar("T")
_PARAMETER = re.compile(r"\{(\w+)\}")


@attrs.frozen
class Operation(Generic[T]):
    """One operation of the API.

    Attributes:
        name: how logs and errors call it, such as ``phones.set_primary``.
        method: the HTTP method.
        path: below ``/api``, ids as ``{name}``, such as ``/users/{user_id}``.
        result: the record that it answers with.
        repeatable: whether sending it twice does what sending it once does.
    """

    name: str
    method: str
    path: str
    result: type[T]
    repeatable: bool
    _parts: tuple[str, ...] = attrs.field(init=False, repr=False, eq=False)
    _parameters: tuple[str, ...] = attrs.field(init=False, repr=False, eq=False)

    def __attrs_post_init__(self) -> None:
        texts = _PARAMETER.split(f"/api{self.path}")
        object.__setattr__(self, "_parts", tuple(texts[0::2]))
        object.__setattr__(self, "_parameters", tuple(texts[1::2]))

    @property
    def reads(self) -> bool:
        """Whether it only looks, so that a failed one has changed nothing."""
        return self.method == "GET"

    def address(self, *ids: str) -> str:
        """Return the path for these ids, each of them exactly one segment.

        Raises:
            InvalidArgumentError: an id cannot be a segment.
        """
        path = self._parts[0]
        for name, value, rest in zip(self._parameters, ids, self._parts[1:], strict=True):
            path += segment(name, value) + rest
        return path
