"""What stops a run before its end: a signal, too many failures, or what makes it pointless."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Generator
from contextlib import contextmanager
from types import FrameType

from ..output import REFUSED

_SIGNALS = {signal.SIGINT: "interrupted", signal.SIGTERM: "terminated"}


class Stop:
    """Whether to stop, and why; the first reason stands.

    Attributes:
        why: the reason, for a person; None while it goes on.
        code: the exit code that it stands for.
        asked: is set when the run has to stop: no row is begun any more.
        at_once: is set when it must not wait for what is on its way either.
    """

    def __init__(self) -> None:
        self.why: str | None = None
        self.code: int = 0
        self.asked: asyncio.Event = asyncio.Event()
        self.at_once: asyncio.Event = asyncio.Event()
        self._writing_on = False

    def ask(self, why: str, code: int = REFUSED, *, at_once: bool = False) -> None:
        """Stop for a reason; a signal that comes after another reason means at once."""
        again = self.why is not None
        if not again:
            self.why, self.code = why, code
        self.asked.set()
        if at_once or (again and code > REFUSED):
            self.at_once.set()

    @contextmanager
    def while_writing(self, told: Callable[[], None]) -> Generator[None, None, None]:
        """Let what is written be finished on a first signal, and interrupt it on a second.

        Args:
            told: says so after the first.
        """

        def asked(number: int, _: FrameType | None = None) -> None:
            again = self._writing_on
            self._writing_on = True
            self.ask(_SIGNALS[signal.Signals(number)], 128 + number)
            if again:
                raise KeyboardInterrupt
            told()

        with _handling(asked):
            yield

    @contextmanager
    def on_signals(self) -> Generator[None, None, None]:
        """Stop on Ctrl-C and on SIGTERM, and at once on the second of them."""
        loop = asyncio.get_running_loop()

        def asked(number: int, _: FrameType | None = None) -> None:
            loop.call_soon_threadsafe(self.ask, _SIGNALS[signal.Signals(number)], 128 + number)

        with _handling(asked):
            yield


@contextmanager
def _handling(handler: Callable[[int, FrameType | None], None]) -> Generator[None, None, None]:
    before = {number: signal.signal(number, handler) for number in _SIGNALS}
    try:
        yield
    finally:
        for number, former in before.items():
            signal.signal(number, former)
