"""The rows of a run, read one at a time from any kind of source."""

from __future__ import annotations

from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Iterable,
    Iterator,
    Mapping,
    Set,
    Sized,
)
from typing import Any, TypeGuard, cast

import attrs

from ..errors import InvalidArgumentError
from ..models import Record
from .method import Method

_END = object()
# These are iterable too, but their items are not arguments.
_NO_ROW = (str, bytes, Set, Record)


def are_rows(given: object) -> TypeGuard[Iterable[object]]:
    """Return whether rows can be read from an object without awaiting."""
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping, Record))


@attrs.define(eq=False)
class RunRow:
    """A row in flight.

    Attributes:
        index: the row's position, counting from 0.
        args: the row's positional arguments.
        kwargs: the row's keyword arguments.
        key: the row's first argument, usually an id; rows with the same key run in order. None
            means that the row may run at any time.
        error: why the row cannot be sent, if it cannot.
    """

    index: int
    # Arguments may be passwords, which must not appear in a worker's traceback.
    args: tuple[Any, ...] = attrs.field(default=(), repr=False)
    kwargs: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    key: str | int | None = None
    error: InvalidArgumentError | None = None

    @property
    def given(self) -> tuple[Any, ...] | Mapping[str, Any]:
        """The row as its outcome shows it."""
        return self.kwargs or self.args


class Rows:
    """Reads rows on demand.

    Args:
        source: the iterable to read from.
        method: the method that the rows are arguments of.

    Attributes:
        synchronous: whether the rows can be read without awaiting.

    Raises:
        InvalidArgumentError: the source is not an iterable of rows.
    """

    def __init__(self, source: object, method: Method[Any]) -> None:
        self._index = -1
        self._method = method
        kind = type(source).__name__
        self.synchronous: bool = not isinstance(source, AsyncIterable)
        self._plain: Iterator[object] | None = None
        self._awaited: AsyncIterator[object] | None = None
        if isinstance(source, AsyncIterable):
            self._awaited = aiter(cast("AsyncIterable[object]", source))
        elif are_rows(source):
            self._plain = iter(source)
        else:
            raise InvalidArgumentError(
                f"rows must be an iterable of rows, each {method.expected}, not "
                f"{kind}; nothing was sent"
            )

    async def next(self) -> RunRow | None:
        """Return the next row, or None after the last; exceptions of the source propagate."""
        found = _END if self._awaited is None else await anext(self._awaited, _END)
        return None if found is _END else self._row(found)

    def next_now(self) -> RunRow | None:
        """Return the next row of a synchronous source without awaiting."""
        found = _END if self._plain is None else next(self._plain, _END)
        return None if found is _END else self._row(found)

    def let_go(self) -> None:
        """Drop the source, because failed tasks refer to this object until garbage collection.

        The source belongs to the caller, so it is not closed; an unreferenced generator closes
        itself.
        """
        self._plain = self._awaited = None

    def _row(self, found: object) -> RunRow:
        self._index += 1
        try:
            args, kwargs = _arguments(found)
        except Exception:
            return self._invalid(_described(found))
        if not self._method.takes(args, kwargs):
            return self._invalid(_described(found), args)
        return RunRow(self._index, args, kwargs, self._method.key(args, kwargs))

    def _invalid(self, given: str, args: tuple[Any, ...] = ()) -> RunRow:
        error = InvalidArgumentError(
            f"rows[{self._index}] must be {self._method.expected}, not {given}; nothing was sent"
        )
        return RunRow(self._index, args=args, error=error)


def _arguments(found: object) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Unpack a row into arguments; a mapping holds keyword arguments."""
    if type(found) is tuple:
        return cast("tuple[Any, ...]", found), {}  # type: ignore[redundant-cast]
    if isinstance(found, Mapping):
        return (), dict(cast("Mapping[str, Any]", found))
    if isinstance(found, _NO_ROW):
        raise TypeError
    return tuple(cast("Iterable[Any]", found)), {}


def _described(found: object) -> str:
    """Describe a row without revealing its values."""
    kind = type(found).__name__
    if isinstance(found, Mapping):
        return f"{kind} with other names"
    if isinstance(found, (str, bytes, Record)) or not isinstance(found, Iterable):
        return kind
    length = f"length {len(found)}" if isinstance(found, Sized) else "another length"
    return f"{kind} of {length}"
