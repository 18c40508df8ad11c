"""Records of an input, independent of its format."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, Protocol

from ..batch.columns import Mistake

# The error of a record that differs from the one in the journal.
CHANGED = "the row has changed since an earlier run started it: restore it, or use another journal"


class Record(NamedTuple):
    """A record of an input.

    Attributes:
        line: the line it starts on.
        row: the import row; None if the record is skipped.
        why: why it is skipped.
    """

    line: int
    row: Mapping[str, Any] | None
    why: str = ""


class Source(Protocol):
    """A source of records, which can be read more than once."""

    name: str

    def records(self) -> Iterator[Record | Mistake]:
        """Yield all records.

        Raises:
            BrokenInputError: reading cannot continue.
            InputChangedError: the input has changed.
        """
        ...
