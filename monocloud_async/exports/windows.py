"""Windows: the pages to ask for, so that each of them begins within the one before.

Rows of a list have positions, and those after a row that is removed move up by one. Where one page
began right after another, such rows would fall between the two unseen. The API counts pages of any
size from the beginning, so a page of another size begins at another place: there is always one
that reaches back a little, and goes nearly as far as a whole page.
"""

from __future__ import annotations

import attrs

# How many rows two pages have in common: one would do, and may itself have been removed.
_OVERLAP = 3
# Of fewer rows than that, there may be no page that reaches back and goes on.
SMALLEST = 20


@attrs.frozen
class Window:
    """A page to ask for.

    Attributes:
        page: its number, 1 for the first.
        size: how many rows it has.
    """

    page: int
    size: int

    @property
    def start(self) -> int:
        """The position of its first row, 0 for the list's first."""
        return (self.page - 1) * self.size

    @property
    def end(self) -> int:
        """The position after its last row, if it is full."""
        return self.page * self.size


def window_from(position: int, largest: int) -> Window:
    """Return the page that goes on from a position, and reaches back a little.

    Args:
        position: the first row that is wanted.
        largest: how many rows a page may have; with fewer than ``SMALLEST`` it may not reach back.
    """
    if largest < SMALLEST:
        return Window(position // largest + 1, largest)
    if position <= _OVERLAP:
        return Window(1, largest)
    sizes = range(largest, largest // 2, -1)
    windows = (Window((position - _OVERLAP) // size + 1, size) for size in sizes)
    return max(windows, key=lambda window: window.end)
