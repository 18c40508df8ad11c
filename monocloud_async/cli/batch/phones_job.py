"""`monocloud phones set-primary-many`: each row sets a user's primary phone."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterable, Callable, Coroutine, Mapping, Sequence
from typing import Any, cast

from ...bulk import PhoneOutcome, Run, phone_outcomes
from ...bulk import start as start_run
from ...bulk.row_pace import Tries
from ...client import MonoCloudClient
from ...models import User
from . import dry_run
from .content import Content
from .job import Job, Options
from .journal import SET_PRIMARY_MANY, Entry, Journal, Subject
from .outcomes import entry_of
from .reports import Report, phones_report
from .rows import Input
from .sending import Sender
from .source import AnyRow, Source
from .tally import Tally


class PhoneRun:
    """A run over phones.

    Args:
        run: the run.
        by_number: whether its rows name phones by number.

    Attributes:
        unsettled: the attempts of rows whose outcome was not received, by index.
    """

    def __init__(self, run: Run[User], *, by_number: bool) -> None:
        self._run = run
        self._by_number = by_number
        self.unsettled: Mapping[int, Tries] = run.unsettled

    def outcomes(self) -> AsyncGenerator[PhoneOutcome, None]:
        """Yield each row's outcome as it completes; iterate only once."""
        return phone_outcomes(self._run, by_number=self._by_number)


class PhonesJob(Job):
    """Sets primary phones; in a dry run, only reads."""

    sends_again = "a new run resends all rows, which is harmless"

    def __init__(self, client: MonoCloudClient, options: Options) -> None:
        super().__init__(client, options)
        if options.dry_run:
            self.statuses: Sequence[str] = dry_run.STATUSES
            self.failures: Sequence[str] = dry_run.FAILURES

    def source(self, content: Content) -> Source[AnyRow]:
        return Input(content)

    def subject(self, source: Source[AnyRow]) -> Subject:
        return Subject(source.content.digest, self.origin, SET_PRIMARY_MANY, source.count)

    def start(
        self, source: Source[AnyRow], given: AsyncIterable[Any], stopped: Callable[[], bool]
    ) -> Sender:
        options, by_number = self.options, _by_number(source)
        run = start_run(
            self._method(by_number=by_number),
            given,
            concurrency=options.concurrency,
            rate=options.rate,
            stopped=stopped,
        )
        return PhoneRun(run, by_number=by_number)

    def _method(self, *, by_number: bool) -> Callable[[str, str], Coroutine[Any, Any, User]]:
        if self.options.dry_run:
            caller = self.client._caller  # pyright: ignore[reportPrivateUsage]
            return dry_run.Reading(caller).read
        phones = self.client.phones
        return phones.set_primary_by_number if by_number else phones.set_primary

    def to_entry(self, outcome: Any, number: int, user: int) -> Entry:
        to_entry = dry_run.entry_of if self.options.dry_run else entry_of
        return to_entry(outcome, number, user)

    def report(self, source: Source[AnyRow]) -> Report:
        return phones_report(by_number=_by_number(source))

    def end(self, journal: Journal | None, tally: Tally) -> Tally:
        if not (self.options.dry_run and journal):
            return tally
        return dry_run.followed(journal, tally.rows)


def _by_number(source: Source[AnyRow]) -> bool:
    return cast("Input", source).by == "number"
