"""Blocking calls: a thread waits for a private event loop on a daemon thread."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import functools
import os
import sys
import threading
import warnings
from collections.abc import Callable, Coroutine
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from monocloud_async import ConfigurationError, MonoCloudError
from monocloud_async._secret import SECRET_ARGUMENTS, concealed

from ._loop import ending, new_loop, run_here

P = ParamSpec("P")
R = TypeVar("R")

# Wait in steps: on Windows a wait ignores Ctrl-C, and everywhere the death of the loop's thread.
_WAIT_SECONDS = 0.5
_CANCEL_SECONDS = 1.0
_EXIT_SECONDS = 2.0
_warned = False


class _Runner:
    """This process's loop and its thread, started on demand."""

    def __init__(self) -> None:
        # Reentrant, because a signal handler may make a call while the main thread starts the loop.
        self._lock = threading.RLock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self.stopping = False

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return the running loop.

        Raises:
            ConfigurationError: the caller is on the loop's own thread, threads are green, or the
                interpreter is exiting.
            RuntimeError: no thread can be started.
        """
        if self.stopping:
            raise ConfigurationError("the interpreter is exiting; nothing was sent")
        if threading.current_thread() is self._thread:
            raise ConfigurationError(
                "a blocking call on the client's own event loop would wait for itself forever; "
                "nothing was sent"
            )
        loop = self._loop
        return self._start() if loop is None or loop.is_closed() else loop

    def _start(self) -> asyncio.AbstractEventLoop:
        _refuse_green_threads()
        with self._lock:
            loop = self._loop
            return self._serve_new() if loop is None or loop.is_closed() else loop

    def _serve_new(self) -> asyncio.AbstractEventLoop:
        loop = new_loop()
        thread = threading.Thread(target=_serve, args=(loop,), name="monocloud", daemon=True)
        try:
            thread.start()
            self._thread, self._loop = thread, loop
        except RuntimeError:
            loop.close()
            raise
        finally:
            if self._loop is not loop and not loop.is_closed():
                # Interrupted: the thread may be running, but nothing would refer to it.
                loop.call_soon_threadsafe(loop.stop)
        return loop

    def stop(self) -> None:
        """Stop the loop and close what is open, waiting only briefly at interpreter exit."""
        self.stopping = True
        if self._loop is None or self._thread is None:
            return
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(_EXIT_SECONDS)


_runner = _Runner()
# The loops of parent processes, kept so that the garbage collector never closes one.
_inherited: list[_Runner] = []


class _Call(Generic[R]):
    """A call, shared by the thread that waits for it and the loop that executes it.

    An interrupt can hit the thread anywhere. So the coroutine is created on the loop, which
    leaves none behind unawaited, and the loop never waits for a lock that the thread holds.
    """

    def __init__(self, method: Callable[[], Coroutine[Any, Any, R]]) -> None:
        self._method = method
        self._task: asyncio.Task[None] | None = None
        self._result: R
        self._error: BaseException | None = None
        self._ended = False
        self._end = threading.Lock()
        self._end.acquire()

    def start(self) -> None:
        """Start the call; runs on the loop."""
        self._task = asyncio.get_running_loop().create_task(self._carry_out())

    def cancel(self) -> None:
        """Cancel the call; runs on the loop."""
        if self._task is None:
            self._finish()
        else:
            self._task.cancel()
            self._task.add_done_callback(lambda _: self._finish())

    async def _carry_out(self) -> None:
        try:
            self._result = await self._method()
        except asyncio.CancelledError:
            self._error = _lost()
        except BaseException as error:
            # It belongs to the caller, even if it is one that would stop the loop.
            self._error = error
        self._finish()

    def _finish(self) -> None:
        if not self._ended:
            self._ended = True
            # Drop it here, so that the task is finalized on the loop.
            self._task = None
            self._end.release()

    def result(self, loop: asyncio.AbstractEventLoop) -> R:
        """Wait for the call to end, and return its result or raise its error."""
        while not self._end.acquire(timeout=_WAIT_SECONDS):
            if loop.is_closed():
                raise _lost()
        if self._error is None:
            return self._result
        try:
            raise self._error
        finally:
            # Break the reference cycle between the error and this frame.
            self._error = None

    def break_off(self, loop: asyncio.AbstractEventLoop) -> None:
        """Cancel the call unless it has ended, and give it a moment to end."""
        if not self._ended and not loop.is_closed():
            loop.call_soon_threadsafe(self.cancel)
            self._end.acquire(timeout=_CANCEL_SECONDS)


def _lost() -> MonoCloudError:
    return MonoCloudError(
        "the event loop ended during this call; it is unknown whether the call was sent"
    )


def run(method: Callable[P, Coroutine[Any, Any, R]], /, *args: P.args, **kwargs: P.kwargs) -> R:
    """Call an async method and wait for its result; an interrupt cancels the call."""
    bound = functools.partial(method, *args, **kwargs)
    try:
        loop = _runner.loop()
    except RuntimeError:
        return run_here(bound)
    if asyncio._get_running_loop() is not None:
        _warn_of_blocked_loop()
    call = _Call(bound)
    try:
        loop.call_soon_threadsafe(call.start)
        return call.result(loop)
    except BaseException:
        if _runner.stopping:
            _outlive()
        call.break_off(loop)
        raise


def _warn_of_blocked_loop() -> None:
    """Warn once that a blocking call blocks the event loop on this thread.

    A notebook's own loop has nothing else to do, so notebooks get no warning.
    """
    global _warned
    if _warned or _is_notebook():
        return
    _warned = True
    warnings.warn(
        "a blocking call of monocloud_sync blocks the event loop on this thread: use "
        "monocloud_async.MonoCloudClient and await it, or make the call with asyncio.to_thread",
        RuntimeWarning,
        stacklevel=4,
    )


def _is_notebook() -> bool:
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return hasattr(shell, "kernel")


def close(method: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Call an async method that closes what is open on the loop, and wait until it is done."""
    try:
        run(method)
    except ConfigurationError:
        # At interpreter exit, the loop closes what is open itself.
        if not _runner.stopping:
            raise


def blocking(
    method: Callable[Concatenate[Any, P], Coroutine[Any, Any, R]],
) -> Callable[Concatenate[Any, P], R]:
    """Return the blocking twin of an async method, with the same name, parameters and docs."""

    @functools.wraps(method)
    def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> R:
        return run(method, self._async, *args, **kwargs)

    return _concealing(method, twin)


def _concealing(method: Any, twin: Callable[P, R]) -> Callable[P, R]:
    """Return a twin whose frames show no password, if the method takes one."""
    code = method.__code__
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    if SECRET_ARGUMENTS.isdisjoint(names):
        return twin

    @functools.wraps(method)
    def conceals(*args: Any, **kwargs: Any) -> R:
        args = (
            tuple(_concealed(name, value) for name, value in zip(names, args, strict=False))
            + (args[len(names) :])
        )
        kwargs = {name: _concealed(name, value) for name, value in kwargs.items()}
        result: R = cast("Any", twin)(*args, **kwargs)
        return result

    return cast("Callable[P, R]", conceals)


def _concealed(name: str, value: Any) -> Any:
    return concealed(value) if name in SECRET_ARGUMENTS and isinstance(value, str) else value


def async_twin(method: Any) -> Any:
    """Return the async method behind a blocking one; other objects are returned unchanged."""
    if type(method) is functools.partial:
        return functools.partial(async_twin(method.func), *method.args, **method.keywords)
    owner = getattr(getattr(method, "__self__", None), "_async", None)
    wrapped: Any = getattr(method, "__wrapped__", None)
    return method if owner is None or wrapped is None else wrapped.__get__(owner)


def _serve(loop: asyncio.AbstractEventLoop) -> None:
    with ending(loop):
        loop.run_forever()


def _outlive() -> None:
    """Block daemon threads that wait for calls at interpreter exit, so that they stay silent."""
    if threading.current_thread() is not threading.main_thread():
        threading.Event().wait()


def _refuse_green_threads() -> None:
    monkey = sys.modules.get("gevent.monkey")
    patcher = sys.modules.get("eventlet.patcher")
    advice = ""
    # gevent's select does not run a loop on a real thread, so a call would wait forever.
    if monkey and any(map(monkey.is_module_patched, ("threading", "select"))):
        advice = "gevent: monkey.patch_all(thread=False, select=False)"
    elif patcher and patcher.is_monkey_patched("thread"):
        advice = "eventlet: monkey_patch(thread=False)"
    if advice:
        raise ConfigurationError(
            "monocloud_sync needs a real thread with its own event loop: do not patch them "
            f"({advice}); nothing was sent"
        )


def _forget_inherited() -> None:
    global _runner
    _inherited.append(_runner)
    _runner = _Runner()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_inherited)
atexit.register(lambda: _runner.stop())
