"""The rows of an input: checked completely first, then read again for sending."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any, Generic, Protocol, TypeVar

from ...errors import ConfigurationError
from .columns import BrokenInputError, Cells, Columns, Mistake
from .content import Content
from .formats import read

MOST_MISTAKES = 20


class AnyRow(Protocol):
    """One row.

    Attributes:
        number: the row's number, 1 for the first.
        line: the line it starts on.
        key: rows with the same key, mostly a user's id, are sent in file order; None for a row
            that may be sent at any time.
        given: the arguments for the run.
    """

    @property
    def number(self) -> int: ...
    @property
    def line(self) -> int: ...
    @property
    def key(self) -> str | None: ...
    @property
    def given(self) -> Any: ...


R_co = TypeVar("R_co", bound=AnyRow, covariant=True)


class HasRows(Protocol):
    """Rows that can be read repeatedly."""

    def rows(self) -> Iterator[AnyRow]:
        """Yield the rows in the order of their numbers."""
        ...


class MistakesError(ConfigurationError):
    """An input has mistakes.

    Attributes:
        mistakes: the first mistakes, up to ``MOST_MISTAKES``.
    """

    def __init__(self, name: str, mistakes: Sequence[Mistake], *, has_more: bool) -> None:
        super().__init__(name)
        self.name = name
        self.mistakes = mistakes
        self.has_more = has_more

    def __str__(self) -> str:
        count = f"more than {len(self.mistakes)}" if self.has_more else str(len(self.mistakes))
        noun, them = ("mistake", "it") if count == "1" else ("mistakes", "them")
        return f"{self.name} has {count} {noun}; nothing was sent: correct {them} and try again"


class Source(ABC, Generic[R_co]):
    """An input that has been read to its end and checked.

    Args:
        content: its bytes.
        columns: the columns to read.

    Attributes:
        count: the number of rows.

    Raises:
        MistakesError: the input has mistakes.
    """

    def __init__(self, content: Content, columns: Columns) -> None:
        self.content = content
        self._columns = columns
        self.count: int = 0
        mistakes = list(islice(self._mistakes(), MOST_MISTAKES + 1))
        if mistakes:
            has_more = len(mistakes) > MOST_MISTAKES
            raise MistakesError(content.name, mistakes[:MOST_MISTAKES], has_more=has_more)

    def rows(self) -> Iterator[R_co]:
        """Yield the rows, reading the file lazily.

        Raises:
            InputChangedError: the file has changed since it was checked.
        """
        for number, cells in enumerate(read(self.content, self._columns), 1):
            if isinstance(cells, Cells):
                yield self._row(number, cells)

    def _mistakes(self) -> Iterator[Mistake]:
        try:
            for item in read(self.content, self._columns):
                self.count += 1
                if isinstance(item, Mistake):
                    yield item
                elif message := self._mistake(item.given):
                    yield Mistake(item.line, message.removesuffix("; nothing was sent"))
        except BrokenInputError as error:
            yield error.mistake

    @abstractmethod
    def _row(self, number: int, cells: Cells) -> R_co:
        """Return a row."""

    @abstractmethod
    def _mistake(self, given: Any) -> str | None:
        """Return what is wrong with a row's values, if anything."""
