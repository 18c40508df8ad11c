"""Pages of a list, and the iterator that fetches one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, Generic, TypeVar

import attrs

from .errors import InvalidArgumentError, PagingError
from .response import Response

T = TypeVar("T")


@attrs.frozen(kw_only=True)
class Page(Generic[T]):
    """One page of a list.

    Attributes:
        items: the records on it.
        page_size: how many records a page has at most.
        current_page: its number, 1 for the first.
        total_count: how many records the list had when the API read this page.
        has_previous: whether a page comes before it.
        has_next: whether a page comes after it.
        response: the answer that it came in.
    """

    items: tuple[T, ...]
    page_size: int
    current_page: int
    total_count: int
    has_previous: bool
    has_next: bool
    response: Response | None = attrs.field(default=None, eq=False, repr=False)


class Pages(Generic[T]):
    """A list of the API: ``async for record in pages`` reads all of it, page by page.

    Nothing is sent before the first step. While one page is read, the next one is fetched. Each
    iteration begins anew. The API numbers its pages, so where others add or remove records
    meanwhile, records can move across the border of two pages: one may then come twice, or not at
    all. A ``total_count`` that changes from page to page shows that.

    Args:
        fetch: fetches the page with a number.
        first: the number of the page to begin with.
    """

    def __init__(
        self, fetch: Callable[[int], Coroutine[Any, Any, Page[T]]], first: int = 1
    ) -> None:
        self._fetch = fetch
        self._first = first

    async def __aiter__(self) -> AsyncGenerator[T, None]:
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                for item in page.items:
                    yield item

    async def pages(self) -> AsyncGenerator[Page[T], None]:
        """Yield whole pages.

        Raises:
            PagingError: the API contradicts itself, so that the list would never end.
        """
        page = await self._fetch(self._first)
        before: Page[T] | None = None
        number = self._first
        while True:
            _check(page, number, before)
            if not page.has_next:
                yield page
                return
            number += 1
            ahead = asyncio.ensure_future(self._fetch(number))
            try:
                yield page
                before, page = page, await ahead
            finally:
                await _drop(ahead)

    async def first(self) -> T | None:
        """Return the first record, or None where the list is empty; only its page is fetched."""
        page = await self._fetch(self._first)
        return page.items[0] if page.items else None

    async def collect(self, limit: int | None = None) -> list[T]:
        """Return the records as a list.

        Args:
            limit: how many at most; None for all.
        """
        if limit is not None and (type(limit) is not int or limit < 0):
            raise InvalidArgumentError(
                f"limit must be a whole number, 0 or more, or None, not {limit!r}; nothing was sent"
            )
        found: list[T] = []
        if limit == 0:
            return found
        async with aclosing(self.pages()) as pages:
            async for page in pages:
                found += page.items
                if limit is not None and len(found) >= limit:
                    break
        return found[:limit]


def _check(page: Page[Any], number: int, before: Page[Any] | None) -> None:
    """Refuse what would make a list endless: each step has to get somewhere new."""
    if page.current_page != number:
        wrong = f"page {page.current_page} came instead of page {number}"
    elif page.has_next and not page.items:
        wrong = f"page {number} is empty, and more are said to follow"
    elif (
        before is not None
        and page.items
        and (page.items, page.total_count) == (before.items, before.total_count)
    ):
        wrong = f"page {number} has the same records as the page before"
    else:
        return
    raise PagingError(f"the list was left: {wrong}", page=number)


async def _drop(task: asyncio.Future[Any]) -> None:
    """End a fetch that nobody waits for any more."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        # Else asyncio would report that nobody asked for it.
        task.exception()
