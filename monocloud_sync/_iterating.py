"""Ordinary iterators over what the private loop makes of rows that the caller's thread reads."""

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
# The way from one thread to the other and back takes as long as many a row: rows lie ready for
# the loop, and results for the caller. Fewer rows than _FEW, and more are read.
_ROWS = 256
_FEW = 128
_RESULTS = 32
# How long the caller's thread reads before it hands over what it has.
_READ_SECONDS = 0.05


def iterating(
    method: Callable[Concatenate[Any, P], AsyncGenerator[R, None]],
) -> Callable[Concatenate[Any, P], Generator[R, None, None]]:
    """Return the blocking twin of an async method from rows to results.

    The thread that iterates reads the rows too: they may come from what belongs to it.
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
    """Iterate over what an async run makes of rows, which the calling thread reads.

    Args:
        start: begins the run, given the rows as the loop reads them.
        rows: the rows.
    """
    feed = RowFeed()
    return _results(_Bridge(start(feed.instead_of(rows)), feed))


def _results(bridge: _Bridge[R]) -> Generator[R, None, None]:
    try:
        while (made := bridge.take()) is not None:
            for result in made:
                yield result
                bridge.refuse_child()
            bridge.feed.read()
        bridge.raise_failure()
    finally:
        bridge.feed.let_go()
        bridge.stop()


class RowFeed:
    """Rows on their way from the caller's thread to the loop.

    Attributes:
        starved: whether the loop has no row to go on with.
        on_starved: called on the loop when that happens.
    """

    def __init__(self) -> None:
        self._source: Iterator[object] | None = None
        self._failure: Exception | None = None
        self._rows: deque[object] = deque()
        self.starved = False
        self.on_starved: Callable[[], None] = lambda: None
        self._filled = asyncio.Event()

    def instead_of(self, rows: object) -> object:
        """Return what to give to the async method; it refuses anything but an iterable."""
        # Not at import: most programs have no rows.
        from monocloud_async.bulk.rows import are_rows

        if not are_rows(rows):
            return rows
        self._source = iter(rows)
        return self

    def read(self) -> None:
        """Read some rows, on the caller's thread, if there are few."""
        until = time.monotonic() + _READ_SECONDS
        wanted = _ROWS if len(self._rows) < _FEW else 0
        while self._source is not None and len(self._rows) < wanted:
            try:
                self._rows.append(next(self._source))
            except StopIteration:
                self._source = None
            except Exception as error:
                self._failure = error
                # The last to be seen by the other thread, which takes it for the end.
                self._source = None
            if time.monotonic() > until:
                break

    def __aiter__(self) -> RowFeed:
        return self

    async def __anext__(self) -> object:
        while True:
            # Looked for before the rows: what the other thread reads meanwhile comes before it.
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
        """Refer to the caller's rows no more; a generator that nobody else has closes itself."""
        self._source = None

    def go_on(self) -> None:
        """Let the loop look for rows, after some were read."""
        self.starved = False
        self._filled.set()


class _Bridge(Generic[R]):
    """A run on the loop, and what it made so far.

    Args:
        results: the run.
        feed: its rows.
    """

    def __init__(self, results: AsyncGenerator[R, None], feed: RowFeed) -> None:
        self.feed = feed
        feed.on_starved = self._tell
        self._ended = False
        self._results = results
        self._made: deque[R] = deque()
        self._news = asyncio.Event()
        self._room = asyncio.Event()
        self._failure: BaseException | None = None
        self._pump: asyncio.Task[None] | None = None
        self._pid = os.getpid()

    def refuse_child(self) -> None:
        """See that this is the process that began the run: a fork has neither its loop nor calls.

        Raises:
            ConfigurationError: it is another one.
        """
        if self._pump is not None and self._pid != os.getpid():
            raise ConfigurationError(
                "this run belongs to the process that began it, and this one is a fork of that; "
                "nothing was sent by this one: begin a new run in it"
            )

    def take(self) -> list[R] | None:
        """Return what is made, or None at the end; wait for some unless rows are wanted."""
        self.refuse_child()
        return run(self._step)

    async def _step(self) -> list[R] | None:
        if self._pump is None:
            # A run that a process only got ready is begun by whichever comes first to it.
            self._pid = os.getpid()
            self._pump = asyncio.create_task(self._work())
        self.feed.go_on()
        while not self._made and not self._ended and not self.feed.starved:
            self._news.clear()
            await self._news.wait()
        if not self._made and self._ended:
            return None
        made = list(self._made)
        self._made.clear()
        self._room.set()
        return made

    def raise_failure(self) -> None:
        """Raise what ended the run before its time."""
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """End the run, and wait until it is over."""
        pump = self._pump
        if pump is None or pump.done() or self._pid != os.getpid():
            return
        pump.get_loop().call_soon_threadsafe(pump.cancel)
        # It cannot be waited for by the loop itself, nor at the end of the program.
        with contextlib.suppress(ConfigurationError):
            run(_over, pump)

    async def _work(self) -> None:
        try:
            async with contextlib.aclosing(self._results):
                async for result in self._results:
                    self._made.append(result)
                    self._tell()
                    await self._taken()
        except BaseException as error:
            self._failure = error
        self._ended = True
        self._tell()

    async def _taken(self) -> None:
        while len(self._made) >= _RESULTS:
            self._room.clear()
            await self._room.wait()

    def _tell(self) -> None:
        self._news.set()


async def _over(task: asyncio.Task[None]) -> None:
    await asyncio.wait([task])
