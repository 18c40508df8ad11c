"""What a batch does with the rows of a file."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Callable, Sequence
from pathlib import Path
from typing import Any

import attrs

from ...client import MonoCloudClient
from .content import Content
from .journal import FAILED, OK, SKIPPED, Entry, Journal, Subject
from .reports import Report
from .rules import SETS_VALUES, Rules
from .sending import Sender
from .source import AnyRow, Source
from .tally import Tally


@attrs.frozen(eq=False)
class Options:
    """What the command is asked for: its argument and its options, under their own names."""

    rows: str
    journal: Path | None
    results: Path | None
    concurrency: int
    rate: float | None
    dry_run: bool
    max_failures: int | None


class Job(ABC):
    """What is done with the rows.

    Args:
        client: how to call the API.
        options: what is asked for.

    Attributes:
        rules: what may be sent again.
        statuses: what a row can come to, in the order of the totals.
        failures: those of them that are failures.
        private: whether nobody else may read the files that are made.
        sends_again: what a new run without a journal does.
    """

    rules: Rules = SETS_VALUES
    statuses: Sequence[str] = (OK, FAILED, SKIPPED)
    failures: Sequence[str] = (FAILED,)
    private: bool = False
    sends_again: str = "a new run sends all rows again"

    def __init__(self, client: MonoCloudClient, options: Options) -> None:
        self.client = client
        self.options = options

    @abstractmethod
    def source(self, content: Content) -> Source[AnyRow]:
        """Return the input's rows, once they are found to be in order.

        Raises:
            MistakesError: what is wrong with them.
        """

    @abstractmethod
    def subject(self, source: Source[AnyRow]) -> Subject:
        """Return what a journal is of."""

    @abstractmethod
    def start(
        self, source: Source[AnyRow], given: AsyncIterable[Any], stopped: Callable[[], bool]
    ) -> Sender:
        """Begin to send rows, and stop once the run is stopped."""

    @abstractmethod
    def to_entry(self, outcome: Any, number: int, user: int) -> Entry:
        """Return what to keep of an outcome, a row's number and its user's hash."""

    @abstractmethod
    def report(self, source: Source[AnyRow]) -> Report:
        """Return what writes the results."""

    def confirm(self, source: Source[AnyRow]) -> None:  # noqa: B027  (most have nothing to ask)
        """See that the rows are to be sent.

        Raises:
            ConfigurationError: they are not.
        """

    def end(self, journal: Journal | None, tally: Tally) -> Tally:  # noqa: ARG002
        """Return what it has come to, once the run is over."""
        return tally

    @property
    def origin(self) -> str:
        """The tenant."""
        return str(self.client._caller.origin)  # pyright: ignore[reportPrivateUsage]
