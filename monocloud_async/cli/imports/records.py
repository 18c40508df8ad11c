"""The records of an input, whatever it is written in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from ..batch.columns import Mistake

# What is wrong with a record that is another one than the journal has in its place.
CHANGED = "it is not what it was when an earlier run began it: put it back, or give another journal"


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
