"""Pages of a list, for code without async."""

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
    """A list of the API: ``for record in pages`` reads all of it, page by page.

    Nothing is sent before the first step. While one page is read, the next one is fetched. Each
    iteration begins anew. The API numbers its pages, so where others add or remove records
    meanwhile, records can move across the border of two pages: one may then come twice, or not at
    all. A ``total_count`` that changes from page to page shows that.
    """

    def __init__(self, pages: aio.Pages[T]) -> None:
        self._async = pages

    def __iter__(self) -> Iterator[T]:
        for page in self.pages():
            yield from page.items

    def pages(self) -> Generator[Page[T], None, None]:
        """Yield whole pages.

        Raises:
            PagingError: the API contradicts itself, so that the list would never end.
        """
        pages, owner = self._async.pages(), os.getpid()
        try:
            while (page := run(_next, pages)) is not None:
                yield page
                if os.getpid() != owner:
                    raise ConfigurationError(
                        "this list is read by the process that began it, and this one is a fork "
                        "of that; nothing was sent by this one: read it anew"
                    )
        finally:
            # At the end of the program, or in a fork, the loop that could end it is gone.
            if os.getpid() == owner:
                with contextlib.suppress(ConfigurationError):
                    run(pages.aclose)

    def first(self) -> T | None:
        """Return the first record, or None where the list is empty; only its page is fetched."""
        return run(self._async.first)

    def collect(self, limit: int | None = None) -> list[T]:
        """Return the records as a list.

        Args:
            limit: how many at most; None for all.
        """
        return run(self._async.collect, limit)


def paging(
    method: Callable[Concatenate[Any, P], aio.Pages[T]],
) -> Callable[Concatenate[Any, P], Pages[T]]:
    """Return the blocking twin of a method that lists: same name, parameters and docs."""

    @functools.wraps(method)
    def twin(self: Any, /, *args: P.args, **kwargs: P.kwargs) -> Pages[T]:
        return Pages(method(self._async, *args, **kwargs))

    return twin


async def _next(pages: AsyncGenerator[Page[T], None]) -> Page[T] | None:
    return await anext(pages, None)
