"""The private event loop that blocking calls run on: one daemon thread for the process."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import contextlib
import functools
import os
import selectors
import sys
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, ParamSpec, TypeVar

from monocloud_async import ConfigurationError

P = ParamSpec("P")
R = TypeVar("R")

# poll keeps its set in the process. That of epoll is shared with forked children, and a child
# that merely exits takes the parent's connections out of it: the parent would wait for ever.
_Selector: type[selectors.BaseSelector] = getattr(
    selectors, "PollSelector", selectors.DefaultSelector
)
# On Windows a wait without end is deaf to Ctrl-C.
_WAIT_SECONDS = 0.5 if sys.platform == "win32" else None
_CANCEL_SECONDS = 1.0
_EXIT_SECONDS = 2.0


class _Runner:
    """This process's loop and the thread that it runs on, started when first needed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.stopping = False

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop.

        Raises:
            ConfigurationError: the caller is on the loop's own thread, or there are no threads,
                or no longer.
        """
        if self.stopping:
            raise ConfigurationError("the program is at its end; nothing was sent")
        if threading.current_thread() is self._thread:
            raise ConfigurationError(
                "a blocking call cannot be made from the client's own event loop: it would wait "
                "for itself; nothing was sent"
            )
        return self._loop or self._start()

    def _start(self) -> asyncio.AbstractEventLoop:
        _refuse_green_threads()
        with self._lock:
            if self._loop is None:
                loop = asyncio.SelectorEventLoop(_Selector())
                self._thread = threading.Thread(
                    target=_serve, args=(loop,), name="monocloud", daemon=True
                )
                self._thread.start()
                self._loop = loop
            return self._loop

    def stop(self) -> None:
        """Close what is open, and end the loop; a program that exits does not wait for long."""
        self.stopping = True
        loop, thread = self._loop, self._thread
        if loop is None or thread is None or not thread.is_alive():
            return
        with contextlib.suppress(concurrent.futures.TimeoutError, RuntimeError):
            asyncio.run_coroutine_threadsafe(_wind_up(), loop).result(_EXIT_SECONDS)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(_EXIT_SECONDS)


_runner = _Runner()
# The loops of parent processes, kept so that nothing here ever closes one.
_inherited: list[_Runner] = []


def run(coroutine: Coroutine[Any, Any, R]) -> R:
    """Wait for a coroutine's result; an interrupt of the wait cancels the coroutine."""
    try:
        loop = _runner.loop()
    except BaseException:
        coroutine.close()
        raise
    future: concurrent.futures.Future[R] | None = None
    try:
        future = asyncio.run_coroutine_threadsafe(coroutine, loop)
        return _result(future)
    except BaseException:
        if _runner.stopping:
            _outlive()
        if future is None or not future.done():
            ending = asyncio.run_coroutine_threadsafe(_end(coroutine), loop)
            with contextlib.suppress(concurrent.futures.TimeoutError):
                ending.result(_CANCEL_SECONDS)
        raise


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Any, P], R]:
    """Return the blocking twin of an async method: same name, parameters, docs and result."""

    @functools.wraps(method)
    def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(method(self._async, *args, **kwargs))

    return twin


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    asyncio.set_event_loop(loop)
    try:
        loop.run_forever()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


def _result(future: concurrent.futures.Future[R]) -> R:
    while True:
        try:
            return future.result(_WAIT_SECONDS)
        except concurrent.futures.TimeoutError:
            # The same class as a timeout of the call's own, since Python 3.11.
            if future.done():
                raise


def _outlive() -> None:
    """Stay silent until the program is over: only daemon threads still wait for calls then."""
    if threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


async def _end(coroutine: Coroutine[Any, Any, Any]) -> None:
    """Cancel the task of a coroutine, and wait until it is over."""
    tasks = [task for task in asyncio.all_tasks() if task.get_coro() is coroutine]
    for task in tasks:
        task.cancel()
    if tasks:
        await asyncio.wait(tasks)


async def _wind_up() -> None:
    """End what still runs, and with it the sessions, whose generators the loop knows."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


def _refuse_green_threads() -> None:
    monkey = sys.modules.get("gevent.monkey")
    patcher = sys.modules.get("eventlet.patcher")
    if (monkey and monkey.is_module_patched("threading")) or (
        patcher and patcher.is_monkey_patched("thread")
    ):
        raise ConfigurationError(
            "monocloud_sync needs a real thread, and gevent or eventlet has replaced threads here: "
            "leave them out (monkey.patch_all(thread=False)); nothing was sent"
        )


def _forget_inherited() -> None:
    global _runner
    _inherited.append(_runner)
    _runner = _Runner()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
atexit.register(lambda: _runner.stop())
