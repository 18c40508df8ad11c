"""Pages of a list, and the iterator that fetches them."""

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
        items: the records on the page.
        page_size: the maximum number of records per page.
        current_page: the page's number, counting from 1.
        total_count: the number of records in the list when the API read this page.
        has_previous: whether there is a previous page.
        has_next: whether there is a next page.
        response: the HTTP response that carried the page.
    """

    items: tuple[T, ...]
    page_size: int
    current_page: int
    total_count: int
    has_previous: bool
    has_next: bool
    response: Response | None = attrs.field(default=None, eq=False, repr=False)


class Pages(Generic[T]):
    """A list of the API; ``async for record in pages`` reads all of it, page by page.

    Nothing is sent before the first step. While you process one page, the next one is fetched.
    Each iteration starts over.

    The API numbers its pages. If others add or remove records while you iterate, records can
    shift across a page boundary, so a record may appear twice or be missed. A ``total_count``
    that changes between pages is a sign of that.

    Args:
        fetch: fetches the page with a given number.
        first: the number of the first page to fetch.

    Example:
        ```python
        async for page in client.users.list(size=100).pages():
            print(page.current_page, len(page.items))
        ```
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
            PagingError: the API's pages contradict each other, so the list would never end.
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
        """Return the first record, or None if the list is empty; fetches only the first page."""
        page = await self._fetch(self._first)
        return page.items[0] if page.items else None

    async def collect(self, limit: int | None = None) -> list[T]:
        """Return the records as a list.

        Args:
            limit: the maximum number of records. None collects all.
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
    """Raise if the list would be endless: each page has to make progress."""
    if page.current_page != number:
        problem = f"the API returned page {page.current_page} instead of page {number}"
    elif page.has_next and not page.items:
        problem = f"page {number} is empty, but the API says that more pages follow"
    elif (
        before is not None
        and page.items
        and (page.items, page.total_count) == (before.items, before.total_count)
    ):
        problem = f"page {number} has the same records as the previous page"
    else:
        return
    raise PagingError(f"the list was abandoned: {problem}", page=number)


async def _drop(task: asyncio.Future[Any]) -> None:
    """Cancel a prefetch that is no longer needed."""
    task.cancel()
    await asyncio.wait([task])
    if not task.cancelled():
        # Retrieve it, or asyncio logs that it never was.
        task.exception()
