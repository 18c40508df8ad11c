"""Listing: which pages to request, and which users on them are new. This module does no I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

from ..errors import PagingError
from ..pages import Page
from .exported import ExportReport
from .raw import Listed
from .row import Row
from .seen import Key, Seen, digest_of
from .windows import SMALLEST, Window, window_from

LARGEST_PAGE = 100
# The largest page that some versions of the API accept.
SMALLER_PAGE = 50
# Give up after this many consecutive steps back that found no new users.
_MOST_STEPS_BACK = 100
_MOST_REFUSALS = 20


class _Place(NamedTuple):
    listed: Listed
    key: Key
    position: int


class Listing:
    """The list of users, sorted by creation time, while others add and remove users.

    Args:
        seen: the users already known.
        report: receives the totals.
        position: the first position to read, counting from 0.
        number: the number of the next new user.
        ahead: how many pages to request before they are needed.

    Attributes:
        ended: whether the last page was read.
    """

    def __init__(
        self, seen: Seen, report: ExportReport, *, position: int, number: int, ahead: int
    ) -> None:
        self._seen = seen
        self._report = report
        self._ahead = ahead
        self._largest = LARGEST_PAGE
        self._requested: deque[Window] = deque()
        self._end = position
        self._number = number
        self._total: int | None = None
        self._last: Sequence[int] = ()
        self._back = 0
        self._steps_back = 0
        self.ended: bool = False

    def wanted(self) -> Window | None:
        """Return the next page to request now, if any."""
        if self.ended:
            return None
        more_known = self._total is not None and self._end < self._total
        if self._requested and not (more_known and len(self._requested) < self._ahead):
            return None
        window = window_from(self._end, self._largest)
        self._requested.append(window)
        self._end = window.end
        return window

    def refused(self, window: Window) -> bool:
        """Record that a page was rejected, and return whether there are others to try."""
        if self._total is None and window.size > SMALLER_PAGE:
            # The page may be larger than the API allows.
            self._go_to(window.start, SMALLER_PAGE)
            return True
        if not window.start or self._steps_back >= _MOST_REFUSALS:
            return False
        # The page may be beyond the end by now, because users were deleted.
        self._step_back(window)
        return True

    def received(self, window: Window, page: Page[Listed]) -> Sequence[Row] | None:
        """Return the new users on a page, or None if the page is useless.

        In the latter case, pages requested after it are useless too, and others are needed.
        """
        self._requested.popleft()
        if page.current_page != window.page and not window.start:
            raise _contradiction(window, f"was requested, but page {page.current_page} returned")
        self._note(page.total_count)
        rows = [
            _Place(user, _key(user), window.start + place) for place, user in enumerate(page.items)
        ]
        if page.has_next and 0 < page.page_size < window.size:
            self._largest = page.page_size
            if window.start:
                self._go_to(window.start, page.page_size)
                return None
        elif page.current_page != window.page or not self._joins(window, rows):
            # Some servers return the last page for any page beyond it.
            self._step_back(window)
            return None
        return self._accepted(window, page, rows)

    def _note(self, total: int) -> None:
        self._total = self._report.total_at_end = total
        if self._report.total_at_start is None:
            self._report.total_at_start = total

    def _joins(self, window: Window, rows: Sequence[_Place]) -> bool:
        """Return whether a page starts within, or directly after, the known users."""
        if not window.start or self._largest < SMALLEST:
            return True
        return bool(rows) and self._seen.joins(rows[0].key)

    def _step_back(self, window: Window) -> None:
        self._steps_back += 1
        if self._steps_back > _MOST_STEPS_BACK:
            raise _contradiction(window, "does not overlap the pages before it after many tries")
        if not self._back:
            self._report.gaps_closed += 1
        self._back = max(2 * self._back, self._largest)
        self._go_to(max(0, window.start - self._back), self._largest)

    def _go_to(self, position: int, largest: int) -> None:
        self._requested.clear()
        self._end = position
        self._largest = largest

    def _accepted(
        self, window: Window, page: Page[Listed], rows: Sequence[_Place]
    ) -> Sequence[Row]:
        digests = [row.key.digest for row in rows]
        _check(window, page, repeated=digests == self._last and not self._back)
        self._back = 0
        self._last = digests
        times = [row.key.created for row in rows if row.key.created is not None]
        if times != sorted(times):
            self._seen.is_unsorted()
        fresh = [self._new(row) for row in rows if not self._seen.has(row.key)]
        if fresh:
            self._steps_back = 0
        if not self._requested:
            # Continue after the actual rows, so that a short page leaves no gap.
            self._end = window.start + len(rows)
            self.ended = not page.has_next
            if self.ended:
                self._report.unlisted = max(0, page.total_count - self._number)
        return fresh

    def _new(self, place: _Place) -> Row:
        self._seen.add(place.key)
        self._number += 1
        return Row(
            place.listed.user_id, place.key, place.position, self._number - 1, place.listed.user
        )


def _check(window: Window, page: Page[Listed], *, repeated: bool) -> None:
    if page.has_next and not page.items:
        raise _contradiction(window, "is empty, but the API says that more pages follow")
    if page.has_next and repeated:
        raise _contradiction(window, "has the same users as the previous page")


def _contradiction(window: Window, finding: str) -> PagingError:
    return PagingError(f"the list was abandoned: page {window.page} {finding}", page=window.page)


def _key(listed: Listed) -> Key:
    return Key(digest_of(listed.user_id), listed.created)
