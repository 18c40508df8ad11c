"""Export: all users of a tenant, as an async iterator that knows what it has come to."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from ..errors import MonoCloudError, NotFoundError
from .exported import ExportedUser, ExportReport
from .row import Done

OnFailure = Callable[[str, MonoCloudError], None]


class Running(Protocol):
    """An engine; the real one brings the machinery of runs, which other calls need not wait for."""

    @property
    def report(self) -> ExportReport:
        """What it has come to."""
        ...

    def results(self) -> AsyncGenerator[Sequence[Done], None]:
        """Yield what became of users."""
        ...


class Export:
    """All users of a tenant: ``async for exported in client.users.export()``.

    Nothing is sent before the first step. Each iteration begins anew.

    Args:
        make: makes the engine of an iteration.
        on_failure: is called with the id of a user that could not be read, and why.
    """

    def __init__(self, make: Callable[[], Running], on_failure: OnFailure | None) -> None:
        # What cannot be right is refused now, and not with the first step.
        self._engine = make()
        self._make = make
        self._on_failure = on_failure

    @property
    def report(self) -> ExportReport:
        """What the last iteration has come to so far; its text says it in a line."""
        return self._engine.report

    async def __aiter__(self) -> AsyncGenerator[ExportedUser, None]:
        self._engine = self._make()
        async with aclosing(self._engine.results()) as results:
            async for made in results:
                for done in made:
                    if isinstance(done.exported, ExportedUser):
                        yield done.exported
                    elif done.error is not None:
                        self._failed(done.row.user_id, done.error)

    def _failed(self, user_id: str, error: MonoCloudError) -> None:
        if isinstance(error, NotFoundError):
            return
        if self._on_failure is None:
            raise error
        self._on_failure(user_id, error)
