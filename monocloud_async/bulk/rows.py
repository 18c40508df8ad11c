"""The rows of a run, one after the other, whatever they come from."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping, Sized
from typing import cast

import attrs

from ..errors import InvalidArgumentError

_END = object()


@attrs.define(eq=False)
class Row:
    """One row.

    Attributes:
        index: its place among the rows, 0 for the first.
        user_id: its first member, a string; else empty.
        target: its second member, a string; else None.
        error: why it is no row that can be sent, if so.
        found_id: the phone's id, where it had to be looked up and was found.
    """

    index: int
    user_id: str
    target: str | None
    error: InvalidArgumentError | None = None
    found_id: str | None = None

    def checked(self) -> str:
        """Return its second member.

        Raises:
            InvalidArgumentError: it is no row that can be sent.
        """
        if self.error is not None or self.target is None:
            raise self.error or InvalidArgumentError("there is none; nothing was sent")
        return self.target


class Rows:
    """Reads the rows, as many as are asked for.

    Args:
        source: where they come from.
        target: what the second of each pair is called, for messages.

    Attributes:
        come_at_once: whether they need not be awaited.

    Raises:
        InvalidArgumentError: nothing like rows can come from there.
    """

    def __init__(self, source: object, target: str) -> None:
        kind = type(source).__name__
        self._index = -1
        self._target = target
        self.come_at_once: bool = not isinstance(source, AsyncIterable)
        self._at_once: Iterator[object] | None = None
        self._awaited: AsyncIterator[object] | None = None
        if isinstance(source, AsyncIterable):
            self._awaited = aiter(cast("AsyncIterable[object]", source))
        elif isinstance(source, Iterable) and not isinstance(source, (str, bytes, Mapping)):
            self._at_once = iter(cast("Iterable[object]", source))
        else:
            raise InvalidArgumentError(
                f"rows must be an iterable of pairs (user_id, {target}), not "
                f"{kind}; nothing was sent"
            )

    async def next(self) -> Row | None:
        """Return the next row, or None after the last; what the source raises goes through."""
        found = _END if self._awaited is None else await anext(self._awaited, _END)
        return None if found is _END else self._row(found)

    def next_at_once(self) -> Row | None:
        """Do the same without awaiting, where rows come at once."""
        found = _END if self._at_once is None else next(self._at_once, _END)
        return None if found is _END else self._row(found)

    def let_go(self) -> None:
        """Refer to the source no more: tasks that failed refer to us until the next collection.

        It is the caller's, and not ours to close; a generator that nobody else has closes itself.
        """
        self._at_once = self._awaited = None

    def _row(self, found: object) -> Row:
        self._index += 1
        try:
            user_id, target = _pair(found)
        except Exception as error:
            given = _kind(found, error)
            return self._wrong(
                "", None, f"it must be a pair (user_id, {self._target}), not {given}"
            )
        if isinstance(user_id, str) and isinstance(target, str):
            return Row(self._index, user_id, target)
        given = user_id if isinstance(user_id, str) else ""
        kinds = f"({type(user_id).__name__}, {type(target).__name__})"
        return self._wrong(given, target, f"it must be a pair of strings, not {kinds}")

    def _wrong(self, user_id: str, target: object, why: str) -> Row:
        error = InvalidArgumentError(f"rows[{self._index}] is no row: {why}; nothing was sent")
        return Row(self._index, user_id, target if isinstance(target, str) else None, error)


def _kind(found: object, error: Exception) -> str:
    """Return what was given, by the error of unpacking it; never a value."""
    kind = type(found).__name__
    if not isinstance(error, ValueError):
        return kind
    length = f"length {len(found)}" if isinstance(found, Sized) else "another length"
    return f"{kind} of {length}"


def _pair(found: object) -> tuple[object, object]:
    """Unpack a row; a string of two letters and a mapping of two members are no pairs."""
    if type(found) is not tuple and isinstance(found, (str, bytes, Mapping)):
        raise TypeError
    first, second = cast("Iterable[object]", found)
    return first, second
