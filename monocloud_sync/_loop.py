"""The event loop for blocking calls, which survives forks and interpreter exit."""

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

# poll keeps its set in the process. epoll's set is shared with forked children, and a child that
# exits removes the parent's connections from it: the parent would wait forever.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.DefaultSelector
)
# The socket family that a loop wakes itself up with.
_PAIRED: int = getattr(socket, "AF_UNIX", socket.AF_INET)

# Tools that freeze the time in tests patch the functions of the module, not this one. On a frozen
# clock, nothing that waits would ever continue.
_monotonic: Callable[[], float] = (
    functools.partial(time.clock_gettime, time.CLOCK_MONOTONIC)
    if hasattr(time, "CLOCK_MONOTONIC")
    else time.monotonic
)


class _RealTimeLoop(asyncio.SelectorEventLoop):
    """An event loop on the real clock, even if a test patches the time."""

    def time(self) -> float:
        return _monotonic()


def new_loop() -> asyncio.AbstractEventLoop:
    """Return a loop to be run on its own thread.

    Raises:
        ConfigurationError: the process has run out of file descriptors.
    """
    try:
        # If a test blocks sockets, fail here, before a loop or a socket pair is half created.
        socket.socket(_PAIRED).close()
        for end in socket.socketpair():
            end.close()
        loop = _RealTimeLoop(_Selector())
    except OSError as error:
        raise ConfigurationError(
            f"cannot create an event loop: {error.strerror}; nothing was sent"
        ) from error
    loop.set_default_executor(_DaemonThreads())
    return loop


@contextlib.contextmanager
def ending(loop: asyncio.AbstractEventLoop) -> Generator[None, None, None]:
    """Cancel what the loop still runs and close the loop, on exit from the block."""
    try:
        yield
    finally:
        try:
            loop.run_until_complete(_wind_up())
        finally:
            loop.close()


def run_here(method: Callable[[], Coroutine[Any, Any, R]]) -> R:
    """Call an async method on the calling thread, if no other can be started.

    Raises:
        ConfigurationError: this thread runs an event loop, which would block.
    """
    if asyncio._get_running_loop() is not None:
        raise ConfigurationError(
            "a blocking call needs a thread, but none can be started; nothing was sent"
        )
    loop = new_loop()
    with ending(loop):
        return loop.run_until_complete(method())


async def _wind_up() -> None:
    # The loop shuts down the async generators, which close the sessions.
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


class _DaemonThreads(ThreadPoolExecutor):
    """An executor with a thread per blocking task, such as a DNS lookup.

    A pool accepts no tasks once the main thread has ended, though other threads may still make
    calls. And an exiting program would wait for the pool's tasks.
    """

    def submit(self, fn: Callable[P, R], /, *args: P.args, **kwargs: P.kwargs) -> Future[R]:
        """Start a task; it cannot be cancelled, only abandoned."""
        outcome: Future[R] = Future()
        outcome.set_running_or_notify_cancel()
        work = functools.partial(_settle, outcome, functools.partial(fn, *args, **kwargs))
        try:
            threading.Thread(target=work, name="monocloud-lookup", daemon=True).start()
        except RuntimeError:
            # No thread can start: the interpreter is exiting, or the system is out of threads.
            work()
        return outcome


def _settle(outcome: Future[R], work: Callable[[], R]) -> None:
    try:
        outcome.set_result(work())
    except BaseException as error:
        outcome.set_exception(error)
