"""Plain iterators over runs on the private loop, whose rows the caller's thread reads."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar, cast

from monocloud_async import ConfigurationError

from ._blocking import run

P = ParamSpec("P")
R = TypeVar("R")
# A round trip between the threads takes as long as many rows. So rows are buffered for the loop,
# and results for the caller. Below _FEW rows, more are read.
_ROWS = 256
_FEW = 128
_RESULTS = 32
# The maximum time that the caller's thread reads before it hands over the rows.
_READ_SECONDS = 0.05


def iterating(
    method: Callable[Concatenate[Any, P], AsyncGenerator[R, None]],
) -> Callable[Concatenate[Any, P], Generator[R, None, None]]:
    """Return the blocking twin of an async method that turns rows into results.

    The thread that iterates also reads the rows, because their source may belong to it.
    """

    @functools.wraps(method)
    def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Generator[R, None, None]:
        arguments: dict[str, Any] = {**kwargs}
        rows = args[0] if args else arguments.pop("rows", None)
        return iterate(
            lambda given: cast("Any", method)(self._async, given, *args[1:], **arguments), rows
        )

    return twin


def iterate(
    start: Callable[[Any], AsyncGenerator[R, None]], rows: object
) -> Generator[R, None, None]:
    """Iterate over the results of an async run whose rows the calling thread reads.

    Args:
        start: starts the run with the rows as the loop reads them.
        rows: the rows.
    """
    feed = RowFeed()
    return _results(_Bridge(start(feed.instead_of(rows)), feed))


def _results(bridge: _Bridge[R]) -> Generator[R, None, None]:
    try:
        while (results := bridge.take()) is not None:
            for result in results:
                yield result
                bridge.refuse_child()
            bridge.feed.read()
        bridge.raise_failure()
    finally:
        bridge.feed.let_go()
        bridge.stop()


class RowFeed:
    """Passes rows from the caller's thread to the loop.

    Attributes:
        starved: whether the loop is waiting for rows.
        on_starved: called on the loop when it starts to wait.
    """

    def __init__(self) -> None:
        self._source: Iterator[object] | None = None
        self._failure: Exception | None = None
        self._rows: deque[object] = deque()
        self.starved = False
        self.on_starved: Callable[[], None] = lambda: None
        self._filled = asyncio.Event()

    def instead_of(self, rows: object) -> object:
        """Return what to pass to the async method, which rejects anything but an iterable."""
        # Imported here because most programs have no rows.
        from monocloud_async.bulk.rows import are_rows

        if not are_rows(rows):
            return rows
        self._source = iter(rows)
        return self

    def read(self) -> None:
        """Read rows on the caller's thread, if there are few."""
        until = time.monotonic() + _READ_SECONDS
        wanted = _ROWS if len(self._rows) < _FEW else 0
        while self._source is not None and len(self._rows) < wanted:
            try:
                self._rows.append(next(self._source))
            except StopIteration:
                self._source = None
            except Exception as error:
                self._failure = error
                # Set last, because the other thread takes it for the end.
                self._source = None
            if time.monotonic() > until:
                break

    def __aiter__(self) -> RowFeed:
        return self

    async def __anext__(self) -> object:
        while True:
            # Check for the end before the rows, because the other thread adds rows before the end.
            ended = self._source is None
            if self._rows:
                return self._rows.popleft()
            if ended:
                raise self._failure or StopAsyncIteration
            self.starved = True
            self.on_starved()
            self._filled.clear()
            await self._filled.wait()

    def let_go(self) -> None:
        """Drop the reference to the caller's rows; an unreferenced generator closes itself."""
        self._source = None

    def go_on(self) -> None:
        """Wake the loop after rows were read."""
        self.starved = False
        self._filled.set()


class _Bridge(Generic[R]):
    """A run on the loop, and its results so far.

    Args:
        results: the run.
        feed: its rows.
    """

    def __init__(self, results: AsyncGenerator[R, None], feed: RowFeed) -> None:
        self.feed = feed
        feed.on_starved = self._notify
        self._ended = False
        self._results = results
        self._ready: deque[R] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: BaseException | None = None
        self._pump: asyncio.Task[None] | None = None
        self._pid = os.getpid()

    def refuse_child(self) -> None:
        """Raise in a forked child, which has neither the run's loop nor its calls.

        Raises:
            ConfigurationError: this process did not start the run.
        """
        if self._pump is not None and self._pid != os.getpid():
            raise ConfigurationError(
                "this run belongs to the parent process, which started it before the fork; nothing "
                "was sent by this process: start a new run here"
            )

    def take(self) -> list[R] | None:
        """Return results, or None at the end; waits for some unless rows are needed first."""
        self.refuse_child()
        return run(self._step)

    async def _step(self) -> list[R] | None:
        if self._pump is None:
            # A run prepared before a fork belongs to the process that takes its first step.
            self._pid = os.getpid()
            self._pump = asyncio.create_task(self._work())
        self.feed.go_on()
        while not self._ready and not self._ended and not self.feed.starved:
            self._news.clear()
            await self._news.wait()
        if not self._ready and self._ended:
            return None
        results = list(self._ready)
        self._ready.clear()
        self._room.set()
        return results

    def raise_failure(self) -> None:
        """Raise the error that ended the run, if any."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Stop the run, and wait until it has ended."""
        pump = self._pump
        if pump is None or pump.done() or self._pid != os.getpid():
            return
        pump.get_loop().call_soon_threadsafe(pump.cancel)
        # Waiting is impossible on the loop itself, and at interpreter exit.
        with contextlib.suppress(ConfigurationError):
            run(_wait_for, pump)

    async def _work(self) -> None:
        try:
            async with contextlib.aclosing(self._results):
                async for result in self._results:
                    self._ready.append(result)
                    self._notify()
                    await self._wait_for_consumer()
        except BaseException as error:
            self._failure = error
        self._ended = True
        self._notify()

    async def _wait_for_consumer(self) -> None:
        while len(self._ready) >= _RESULTS:
            self._room.clear()
            await self._room.wait()

    def _notify(self) -> None:
        self._news.set()


async def _wait_for(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
