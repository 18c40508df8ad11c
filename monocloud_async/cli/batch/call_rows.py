"""The rows of a file, as arguments of a method."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from ...errors import InvalidArgumentError
from .call_columns import CallColumns
from .columns import Cells
from .content import Content
from .probe import Probe
from .source import Source


class CallRow(NamedTuple):
    """One row.

    Attributes:
        number: the row's number, 1 for the first.
        line: the line it starts on.
        key: rows with the same key, mostly a user's id, are sent in file order.
        given: the arguments, by name.
    """

    number: int
    line: int
    key: str | None
    # May hold passwords, which must not show in a repr.
    given: Mapping[str, Any]


class CallInput(Source[CallRow]):
    """An input that has been read to its end and checked against a method.

    Args:
        content: its bytes.
        columns: the columns to read.
        method: the bound method.
        first: the name of the method's first positional argument, if any.

    Raises:
        MistakesError: the input has mistakes.
    """

    def __init__(
        self, content: Content, columns: CallColumns, method: Callable[..., Any], first: str
    ) -> None:
        self._probe = Probe(method)
        self._first = first
        super().__init__(content, columns)

    def _row(self, number: int, cells: Cells) -> CallRow:
        return CallRow(number, cells.line, cells.given.get(self._first), cells.given)

    def _mistake(self, given: Any) -> str | None:
        try:
            self._probe.request(given)
        except InvalidArgumentError as error:
            return str(error)
        return None
