"""Job: what a batch does with the rows of a file."""

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
    """The command's argument and options."""

    rows: str
    journal: Path | None
    results: Path | None
    concurrency: int
    rate: float | None
    dry_run: bool
    max_failures: int | None


class Job(ABC):
    """What to do with the rows.

    Args:
        client: the client to call the API with.
        options: the command's options.

    Attributes:
        rules: which rows may be resent.
        statuses: the statuses a row can have, in the order of the totals.
        failures: the statuses that count as failures.
        private: whether files are created so that only their owner can read them.
        sends_again: what a new run without a journal does, for messages.
    """

    rules: Rules = SETS_VALUES
    statuses: Sequence[str] = (OK, FAILED, SKIPPED)
    failures: Sequence[str] = (FAILED,)
    private: bool = False
    sends_again: str = "a new run resends all rows"

    def __init__(self, client: MonoCloudClient, options: Options) -> None:
        self.client = client
        self.options = options

    @abstractmethod
    def source(self, content: Content) -> Source[AnyRow]:
        """Return the input's rows after checking them.

        Raises:
            MistakesError: the input has mistakes.
        """

    @abstractmethod
    def subject(self, source: Source[AnyRow]) -> Subject:
        """Return what the journal belongs to."""

    @abstractmethod
    def start(
        self, source: Source[AnyRow], given: AsyncIterable[Any], stopped: Callable[[], bool]
    ) -> Sender:
        """Start sending rows, until the run is stopped."""

    @abstractmethod
    def to_entry(self, outcome: Any, number: int, user: int) -> Entry:
        """Return the journal entry for an outcome, a row's number and its user's hash."""

    @abstractmethod
    def report(self, source: Source[AnyRow]) -> Report:
        """Return the function that writes the results."""

    def confirm(self, source: Source[AnyRow]) -> None:  # noqa: B027  (most jobs need no confirmation)
        """Ask whether to send the rows.

        Raises:
            ConfigurationError: not confirmed.
        """

    def end(self, journal: Journal | None, tally: Tally) -> Tally:  # noqa: ARG002
        """Return the final tally, after the run."""
        return tally

    @property
    def origin(self) -> str:
        """The tenant's origin."""
        return str(self.client._caller.origin)  # pyright: ignore[reportPrivateUsage]
