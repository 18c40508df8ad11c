"""Stop a run early: on a signal, after too many failures, or on a fatal error."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from ...errors import MonoCloudError
from ..output import REFUSED

_SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stop:
    """Whether to stop, and why; the first reason counts.

    Attributes:
        why: the reason, for people; None while the run continues.
        code: the exit code for that reason.
        error: the first error that was a reason, even if another reason came first.
        asked: set when the run must stop and start no more rows.
        at_once: set when it must not wait for calls in flight, either.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self.code: int = 0
        self.error: MonoCloudError | None = None
        self.asked: asyncio.Event = asyncio.Event()
        self.at_once: asyncio.Event = asyncio.Event()
        self._writing_on = False

    def ask(self, why: str, code: int = REFUSED, *, at_once: bool = False) -> None:
        """Stop for a reason; a signal after another reason stops immediately."""
        again = self.why is not None
        if not again:
            self.why, self.code = why, code
        self.asked.set()
        if at_once or (again and code > REFUSED):
            self.at_once.set()

    def ask_for(self, error: MonoCloudError, *, at_once: bool = False) -> None:
        """Stop because of an error."""
        self.error = self.error or error
        self.ask(str(error), at_once=at_once)

    @contextmanager
    def while_writing(self, notify: Callable[[], None]) -> Generator[None, None, None]:
        """Let writing finish on a first signal, and interrupt it on a second.

        Args:
            notify: called after the first signal.
        """

        def handle(number: int, _: FrameType | None = None) -> None:
            again = self._writing_on
            self._writing_on = True
            self.ask(_SIGNALS[signal.Signals(number)], 128 + number)
            if again:
                raise KeyboardInterrupt
            notify()

        with _handling(handle):
            yield

    @contextmanager
    def on_signals(self) -> Generator[None, None, None]:
        """Stop on Ctrl-C or SIGTERM, and immediately on a second signal."""
        loop = asyncio.get_running_loop()

        def handle(number: int, _: FrameType | None = None) -> None:
            loop.call_soon_threadsafe(self.ask, _SIGNALS[signal.Signals(number)], 128 + number)

        with _handling(handle):
            yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Generator[None, None, None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
