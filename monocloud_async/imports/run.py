"""An import, from rows to outcomes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from contextlib import aclosing, closing, nullcontext
from pathlib import Path
from typing import Any, Protocol, TypeGuard, cast

import attrs

from .._call import Caller
from ..bulk import start
from ..bulk.run import Run, check_limits
from ..errors import InvalidArgumentError
from ..outcome import ImportOutcome
from .feed import Feed
from .importer import Importer
from .journal import ImportJournal, JournalError
from .recorder import OF_A_FILE, Limits, Recorder
from .settling import Settings


def _never() -> bool:
    return False


class Sender(Protocol):
    """A run."""

    def outcomes(self) -> AsyncGenerator[Any, None]:
        """Yield each row's outcome as it completes; iterate only once."""
        ...


# Makes the run of a method over rows, until the function returns true.
Start = Callable[[Callable[..., Any], Any, Callable[[], bool]], Sender]


@attrs.frozen(eq=False)
class Import:
    """An import.

    Attributes:
        caller: executes the operations.
        rows: the mappings to import.
        settings: the settings shared by all rows.
        groups: group ids by name.
        concurrency: the maximum number of rows in flight.
        rate: the maximum number of requests per second. None means as many as the server takes.
        stopped: returns whether to start no further rows.
        kind: the class that imports a row.
        limits: when outcomes are recorded.
        start: starts sending rows at a pace that the import shares. None starts a run at a pace of
            its own.
    """

    caller: Caller
    rows: Iterable[object] | AsyncIterable[object] = attrs.field(repr=False)
    settings: Settings
    groups: Mapping[str, str]
    concurrency: int
    rate: float | None
    stopped: Callable[[], bool] = _never
    kind: type[Importer] = Importer
    limits: Limits = OF_A_FILE
    start: Start | None = None

    async def outcomes(self, path: Path | None) -> AsyncGenerator[ImportOutcome, None]:
        """Yield the outcome of each row; can be iterated only once.

        Args:
            path: the journal file. None keeps no journal.
        """
        journal = ImportJournal(path, origin_of(self.caller)) if path else None
        with closing(journal) if journal else nullcontext():
            async with aclosing(self.through(journal)) as outcomes:
                async for outcome in outcomes:
                    yield outcome

    async def through(self, journal: ImportJournal | None) -> AsyncGenerator[ImportOutcome, None]:
        """Yield the outcome of each row, using an open journal."""
        recorder = Recorder(journal, self.limits)
        began_at = journal.began_at if journal else time.time()
        importer = self.kind(self.caller, self.settings, recorder, began_at)
        works = Feed(self.rows, self.groups, recorder).works()
        run = (self.start or self._start)(importer.settle, works, self.stopped)
        try:
            async with aclosing(works), aclosing(run.outcomes()) as outcomes:
                async for outcome in outcomes:
                    if isinstance(outcome.error, JournalError):
                        raise outcome.error
                    # The importer catches all other errors of a row.
                    yield cast("ImportOutcome", outcome.result)
        finally:
            await recorder.end()
        recorder.check()

    def _start(
        self, method: Callable[..., Any], rows: Any, stopped: Callable[[], bool]
    ) -> Run[Any]:
        concurrency, rate = self.concurrency, self.rate
        return start(method, rows, concurrency=concurrency, rate=rate, stopped=stopped)


def checked(
    caller: Caller,
    rows: object,
    settings: Settings,
    groups: object,
    *,
    concurrency: object,
    rate: object,
) -> Import:
    """Return an import after validating its arguments.

    Raises:
        InvalidArgumentError: an argument is invalid; nothing was sent.
    """
    if not _are_rows(rows):
        raise _refusal("rows", f"an iterable of mappings, not {type(rows).__name__}")
    ids = checked_groups(settings, groups)
    workers, limit = check_limits(concurrency, rate)
    return Import(caller, rows, settings, ids, workers, limit)


def checked_groups(settings: Settings, groups: object) -> Mapping[str, str]:
    """Return group ids by name, after validating them and the settings.

    Raises:
        InvalidArgumentError: an argument is invalid; nothing was sent.
    """
    if settings.existing not in ("skip", "complete"):
        raise _refusal("existing", f"'skip' or 'complete', not {settings.existing!r}")
    if groups is not None and not isinstance(groups, Mapping):
        raise _refusal("groups", f"a mapping of names to ids, not {type(groups).__name__}")
    return cast("Mapping[str, str]", groups or {})


def _are_rows(given: object) -> TypeGuard[Iterable[object] | AsyncIterable[object]]:
    several = isinstance(given, (Iterable, AsyncIterable))
    return several and not isinstance(given, (str, bytes, Mapping))


def _refusal(name: str, wanted: str) -> InvalidArgumentError:
    return InvalidArgumentError(f"{name} must be {wanted}; nothing was sent")


def origin_of(caller: Caller) -> str:
    """Return the tenant's origin, as recorded in a journal."""
    return str(caller.origin)


def path_of(given: str | os.PathLike[str] | None) -> Path | None:
    """Return the path of a journal."""
    return None if given is None else Path(given)
