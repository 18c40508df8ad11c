"""The rows of a file that a method is called with."""

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
        number: which of the rows it is, 1 for the first.
        line: the line that it begins in.
        key: what rows share that are done in their order, mostly a user's id.
        given: the arguments, by name.
    """

    number: int
    line: int
    key: str | None
    # There may be passwords among them, which show as stars.
    given: Mapping[str, Any]


class CallInput(Source[CallRow]):
    """An input that was read to its end, and that a method takes as it is.

    Args:
        content: its bytes.
        columns: what the method takes of it.
        method: the bound method.
        first: the method's first argument, where it has one that is given by position.

    Raises:
        MistakesError: what is wrong with it.
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
