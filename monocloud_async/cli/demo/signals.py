"""Signals that end the demo, after which nothing of it is left."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Generator

import typer

# By default, these would end the demo alone: its processes and its files would stay.
_SIGNALS = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]


@contextlib.contextmanager
def ended_by_signals() -> Generator[None, None, None]:
    """Cancel the task that runs the block on a signal, and exit with the signal's code."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    came: list[int] = []

    def end(number: int) -> None:
        came.append(number)
        if task is not None:
            task.cancel()

    for number in filter(_is_deadly, _SIGNALS):
        # Windows and threads do not support signal handlers on the loop.
        with contextlib.suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, end, number)
    try:
        yield
    except asyncio.CancelledError:
        if came:
            raise typer.Exit(128 + came[0]) from None
        raise


def _is_deadly(number: signal.Signals) -> bool:
    # nohup has a program ignore SIGHUP.
    return signal.getsignal(number) is signal.SIG_DFL
