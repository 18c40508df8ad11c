"""Resource: the base class, which hands operations to a caller."""

from __future__ import annotations

import re
from typing import TypeVar

from .._arguments import count, texts
from .._call import Caller
from .._operation import Operation
from ..errors import InvalidArgumentError
from ..pages import Page, Pages

R = TypeVar("R", bound="Resource")
T = TypeVar("T")
_SORT = re.compile(r"[a-z_]+:-?1")


class Resource:
    """A group of related API operations.

    Args:
        caller: executes the operations.
    """

    def __init__(self, caller: Caller) -> None:
        self._caller = caller
        self._call = caller.call

    def _with_caller(self: R, caller: Caller) -> R:
        """Return the same resource bound to another caller."""
        return type(self)(caller)

    def _pages(
        self,
        operation: Operation[Page[T]],
        *ids: str,
        page: int,
        size: int,
        sort: str | None = None,
        **query: str | None,
    ) -> Pages[T]:
        """Return the pages of a list operation.

        Raises:
            InvalidArgumentError: an argument is invalid; nothing was sent.
        """
        operation.address(*ids)
        count("size", size)
        parameters: dict[str, str | int | None] = {**texts(**query, sort=sort), "size": size}
        if sort is not None and not _SORT.fullmatch(sort):
            raise InvalidArgumentError(
                f"sort must be a field and 1 or -1, such as 'creation_time:-1', not {sort!r}; "
                "nothing was sent"
            )
        return Pages(
            lambda number: self._call(operation, *ids, query={"page": number, **parameters}),
            count("page", page),
        )
