"""Pages of a list for blocking code."""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

import monocloud_async as aio
from monocloud_async import ConfigurationError, Page

from ._blocking import run

P = ParamSpec("P")
T = TypeVar("T")


class Pages(Generic[T]):
    """A list of the API; ``for record in pages`` reads all of it, page by page.

    Nothing is sent before the first step. While you process one page, the next one is fetched.
    Each iteration starts over.

    The API numbers its pages. If others add or remove records while you iterate, records can
    shift across a page boundary, so a record may appear twice or be missed. A ``total_count``
    that changes between pages is a sign of that.

    Example:
        ```python
        for page in client.users.list(size=100).pages():
            print(page.current_page, len(page.items))
        ```
    """

    def __init__(self, pages: aio.Pages[T]) -> None:
        self._async = pages

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Generator[Page[T], None, None]:
        """Yield whole pages.

        Raises:
            PagingError: the API's pages contradict each other, so the list would never end.
        """
        pages, owner = self._async.pages(), os.getpid()
        try:
            while (page := run(_next, pages)) is not None:
                yield page
                if os.getpid() != owner:
                    raise ConfigurationError(
                        "this list belongs to the parent process, which started reading it before "
                        "the fork; nothing was sent by this process: start a new iteration here"
                    )
        finally:
            # At interpreter exit, or in a fork, the loop that could close it is gone.
            if os.getpid() == owner:
                with contextlib.suppress(ConfigurationError):
                    run(pages.aclose)

    def first(self) -> T | None:
        """Return the first record, or None if the list is empty; fetches only the first page."""
        return run(self._async.first)

    def collect(self, limit: int | None = None) -> list[T]:
        """Return the records as a list.

        Args:
            limit: the maximum number of records. None collects all.
        """
        return run(self._async.collect, limit)


def paging(
    method: Callable[Concatenate[Any, P], aio.Pages[T]],
) -> Callable[Concatenate[Any, P], Pages[T]]:
    """Return the blocking twin of a list method, with the same name, parameters and docs."""

    @functools.wraps(method)
    def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Pages[T]:
        return Pages(method(self._async, *args, **kwargs))

    return twin


async def _next(pages: AsyncGenerator[Page[T], None]) -> Page[T] | None:
    return await anext(pages, None)
