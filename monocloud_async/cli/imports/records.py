"""The records of an input, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from ..batch.columns import Mistake


class Record(NamedTuple):
    """A record of an input.

    Attributes:
        line: the line that it begins in.
        row: the import row; None where it is left out.
        why: why it is left out.
    """

    line: int
    row: Mapping[str, Any] | None
    why: str = ""


class Source(Protocol):
    """Where records come from; they can be read more than once."""

    name: str

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records.

        Raises:
            BrokenInputError: it cannot be read on.
            InputChangedError: it is not what it was.
        """
        ...
