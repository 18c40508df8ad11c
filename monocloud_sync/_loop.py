"""The event loop that blocking calls run on: one that bears forks, and the end of the program."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import selectors
import socket
import threading
import time
from collections.abc import Callable, Coroutine, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

from monocloud_async import ConfigurationError

P = ParamSpec("P")
R = TypeVar("R")

# poll keeps its set in the process. That of epoll is shared with forked children, and a child
# that merely exits takes the parent's connections out of it: the parent would wait for ever.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.DefaultSelector
)
# What a loop wakes itself up with.
_PAIRED: int = getattr(socket, "AF_UNIX", socket.AF_INET)

# What freezes or shifts the time in tests patches the functions of the module, not this one: on a
# clock that stands still, nothing that waits would ever go on.
_monotonic: Callable[[], float] = (
    functools.partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    if hasattr(time, "CLOCK_MONOTONIC")
    else time.monotonic
)


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on the real clock, whatever a test has patched."""

    def time(self) -> float:
        return _monotonic()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop, to be run on a thread of its own.

    Raises:
        ConfigurationError: the process has no file descriptor left for it.
    """
    try:
        # Where a test has blocked sockets, this fails before there is a loop, or a pair, to be half
        # made.
        socket.socket(_PAIRED).close()
        for end in socket.socketpair():
            end.close()
        loop = _RealTimeLoop(_Selector())
    except OSError as error:
        raise ConfigurationError(
            f"no event loop can be made: {error.strerror}; nothing was sent"
        ) from error
    loop.set_default_executor(_DaemonThreads())
    return loop


@contextlib.contextmanager
def ending(loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
    """End on leaving what the loop still runs, and the loop itself."""
    try:
        yield
    finally:
        try:
            loop.run_until_complete(_wind_up())
        finally:
            loop.close()


def run_here(method: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """Call an async method on the calling thread, where no other can be started.

    Raises:
        ConfigurationError: an event loop runs on this thread, and would stand still.
    """
    if asyncio._get_running_loop() is not None:
        raise ConfigurationError(
            "a blocking call needs a thread, and none can be started; nothing was sent"
        )
    loop = new_loop()
    with ending(loop):
        return loop.run_until_complete(method())


async def _wind_up() -> None:
    # The sessions are closed by their generators, which the loop knows.
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class _DaemonThreads(ThreadPoolExecutor):
    """A thread for each piece of work that waits, such as the look-up of an address.

    A pool takes no work once the main thread is over, when other threads may still make calls; and
    a program that ends would wait for what the pool does.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Start the work; it cannot be cancelled, only left alone."""
        outcome: Future[R] = Future()
        outcome.set_running_or_notify_cancel()
        work = functools.partial(_settle, outcome, functools.partial(fn, *args, **kwargs))
        try:
            threading.Thread(target=work, name="monocloud-lookup", daemon=True).start()
        except RuntimeError:
            # No thread can start: the program is ending, or out of threads.
            work()
        return outcome


def _settle(outcome: Future[R], work: Callable[[], R]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:
        outcome.set_exception(error)
