"""Windows: pages chosen so that each one overlaps the previous one.

When a user is deleted, the rows after it move up by one position. If each page started right after
the previous one, such rows would slip between two pages unseen. The API computes offsets from the
page size, so pages of another size start at other positions. There is always a size whose page
overlaps the previous page slightly, and reaches nearly as far as a full page.
"""

from __future__ import annotations

import attrs

# The number of rows that two pages share. One would do, but might itself have been deleted.
_OVERLAP = 3
# With smaller pages, there may be no window that both overlaps and makes progress.
SMALLEST = 20


@attrs.frozen
class Window:
    """A page to request.

    Attributes:
        page: its number, counting from 1.
        size: the number of rows per page.
    """

    page: int
    size: int

    @property
    def start(self) -> int:
        """The position of its first row, counting from 0."""
        return (self.page - 1) * self.size

    @property
    def end(self) -> int:
        """The position after its last row, if the page is full."""
        return self.page * self.size


def window_from(position: int, largest: int) -> Window:
    """Return the page that continues from a position and overlaps the rows before it.

    Args:
        position: the first position to read.
        largest: the maximum page size; with fewer than ``SMALLEST`` rows, there may be no overlap.
    """
    if largest < SMALLEST:
        return Window(position // largest + 1, largest)
    if position <= _OVERLAP:
        return Window(1, largest)
    sizes = range(largest, largest // 2, -1)
    windows = (Window((position - _OVERLAP) // size + 1, size) for size in sizes)
    return max(windows, key=lambda window: window.end)
