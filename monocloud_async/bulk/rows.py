"""The rows of a run, one after the other, whatever they come from."""

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
# These can be iterated over too, but not to get arguments.
_NO_ROW = (str, bytes, Set, Record)


def are_rows(given: object) -> TypeGuard[Iterable[object]]:
    """Return whether rows can come from there, without awaiting them."""
    return isinstance(given, Iterable) and not isinstance(given, (str, bytes, Mapping, Record))


@attrs.define(eq=False)
class RunRow:
    """One row on its way.

    Attributes:
        index: its place among the rows, 0 for the first.
        args: the arguments that it gives by position.
        kwargs: the arguments that it gives by name.
        key: its first argument, mostly an id: rows that share it are done in their order. None
            for a row that may be done at any time.
        error: why it cannot be sent, if so.
    """

    index: int
    # They may be passwords, which no traceback of a worker is to show.
    args: tuple[Any, ...] = attrs.field(default=(), repr=False)
    kwargs: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    key: str | int | None = None
    error: InvalidArgumentError | None = None

    @property
    def given(self) -> tuple[Any, ...] | Mapping[str, Any]:
        """The row as its outcome shows it."""
        return self.kwargs or self.args


class Rows:
    """Reads the rows, as many as are asked for.

    Args:
        source: where they come from.
        method: what they are given to.

    Attributes:
        come_at_once: whether they need not be awaited.

    Raises:
        InvalidArgumentError: rows cannot come from there.
    """

    def __init__(self, source: object, method: Method[Any]) -> None:
        self._index = -1
        self._method = method
        kind = type(source).__name__
        self.come_at_once: bool = not isinstance(source, AsyncIterable)
        self._at_once: Iterator[object] | None = None
        self._awaited: AsyncIterator[object] | None = None
        if isinstance(source, AsyncIterable):
            self._awaited = aiter(cast("AsyncIterable[object]", source))
        elif are_rows(source):
            self._at_once = iter(source)
        else:
            raise InvalidArgumentError(
                f"rows must be an iterable, and each of them {method.expected}, not "
                f"{kind}; nothing was sent"
            )

    async def next(self) -> RunRow | None:
        """Return the next row, or None after the last; what the source raises goes through."""
        found = _END if self._awaited is None else await anext(self._awaited, _END)
        return None if found is _END else self._row(found)

    def next_at_once(self) -> RunRow | None:
        """Do the same without awaiting, where rows come at once."""
        found = _END if self._at_once is None else next(self._at_once, _END)
        return None if found is _END else self._row(found)

    def let_go(self) -> None:
        """Drop the source: tasks that failed refer to us until the next collection.

        It is the caller's, and not ours to close; a generator that nobody else has closes itself.
        """
        self._at_once = self._awaited = None

    def _row(self, found: object) -> RunRow:
        self._index += 1
        try:
            args, kwargs = _arguments(found)
        except Exception:
            return self._wrong(_described(found))
        if not self._method.takes(args, kwargs):
            return self._wrong(_described(found), args)
        return RunRow(self._index, args, kwargs, self._method.key(args, kwargs))

    def _wrong(self, given: str, args: tuple[Any, ...] = ()) -> RunRow:
        error = InvalidArgumentError(
            f"rows[{self._index}] must be {self._method.expected}, not {given}; nothing was sent"
        )
        return RunRow(self._index, args=args, error=error)


def _arguments(found: object) -> tuple[tuple[Any, ...], Mapping[str, Any]]:
    """Unpack a row: a mapping gives arguments by name; a string or a set are not rows."""
    if type(found) is tuple:
        return cast("tuple[Any, ...]", found), {}  # type: ignore[redundant-cast]
    if isinstance(found, Mapping):
        return (), dict(cast("Mapping[str, Any]", found))
    if isinstance(found, _NO_ROW):
        raise TypeError
    return tuple(cast("Iterable[Any]", found)), {}


def _described(found: object) -> str:
    """Return what was given; never a value."""
    kind = type(found).__name__
    if isinstance(found, Mapping):
        return f"{kind} of other names"
    if isinstance(found, (str, bytes, Record)) or not isinstance(found, Iterable):
        return kind
    length = f"length {len(found)}" if isinstance(found, Sized) else "another length"
    return f"{kind} of {length}"
