"""Export: all users of a tenant as an async iterable with a report."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from typing import Protocol

from ..errors import MonoCloudError, NotFoundError
from .exported import ExportedUser, ExportReport
from .row import Done

OnFailure = Callable[[str, MonoCloudError], None]


class Running(Protocol):
    """An engine. The real one is imported lazily, because other calls do not need bulk runs."""

    @property
    def report(self) -> ExportReport:
        """The counts so far."""
        ...

    def results(self) -> AsyncGenerator[Sequence[Done], None]:
        """Yield batches of finished users."""
        ...


class Export:
    """All users of a tenant: ``async for exported in client.users.export()``.

    Nothing is sent before the first step. Each iteration starts over.

    Args:
        make: creates the engine of an iteration.
        on_failure: called with the id of each user that cannot be read, and the error.
    """

    def __init__(self, make: Callable[[], Running], on_failure: OnFailure | None) -> None:
        # Create one immediately, so that invalid arguments raise here and not at the first step.
        self._engine = make()
        self._make = make
        self._on_failure = on_failure

    @property
    def report(self) -> ExportReport:
        """The counts of the current or last iteration; ``str()`` makes one line of them."""
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
