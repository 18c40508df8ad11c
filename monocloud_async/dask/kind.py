"""Kind: what differs between jobs that call an operation and jobs that import users."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ..cli.batch.columns import Cells, Mistake, Records
from ..cli.batch.content import Content

# The type of a column with lists of texts; in pandas, each list is one string.
LIST = "list"


class Ready(NamedTuple):
    """A row that has been checked.

    Attributes:
        tenant: the tenant's number.
        key: what orders the row; None if it can go at any time.
        public: what its digest covers, without secrets.
        given: what is staged.
        identifiers: the kinds and values of what no other row of the tenant may have.
    """

    tenant: int
    key: str | None
    # They may hold personal data and passwords, which must not show in a repr.
    public: Mapping[str, Any]
    given: Mapping[str, Any]
    identifiers: Sequence[tuple[str, str]] = ()


class Kind(Protocol):
    """Reads and checks the rows of a job, and says what its outcomes have.

    Attributes:
        settings: a JSON value of what changes the meaning of a row.
        secrets: the names of the members of a row that are secrets.
        passed_over: the columns that are ignored.
        shown: the members of rows that the outcomes show.
        types: the columns of the outcomes after ``input`` and ``line``, and their types in
            pandas, or ``LIST``.
    """

    @property
    def settings(self) -> object: ...
    @property
    def secrets(self) -> Collection[str]: ...
    @property
    def passed_over(self) -> Sequence[str]: ...
    @property
    def shown(self) -> Sequence[str]: ...
    @property
    def types(self) -> Mapping[str, str]: ...

    def text(self, content: Content) -> Records:
        """Read the rows of a CSV or JSON Lines file.

        Raises:
            BrokenInputError: it cannot be read; the iterator raises it too.
        """
        ...

    def used(self, names: Sequence[str]) -> list[str]:
        """Check the names of a table's columns, and return those to read.

        Raises:
            BrokenInputError: a required column is missing, or a name is a mistake.
        """
        ...

    def record(self, number: int, row: object) -> Cells | Mistake:
        """Return a row of a table, in which missing values count as absent."""
        ...

    def ready(self, cells: Cells) -> Ready | Mistake:
        """Check a row."""
        ...

    def summary(self, given: Mapping[str, Any]) -> str | None:
        """Return the first request that a staged row would send, as one line, if it is known."""
        ...

    def key(self, given: Mapping[str, Any]) -> str | None:
        """Return what orders a staged row; None if it can go at any time."""
        ...
