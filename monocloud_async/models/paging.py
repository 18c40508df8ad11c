"""The position of a page in its list."""

import attrs

from ._record import Record


@attrs.frozen(kw_only=True)
class PagingHeader(Record):
    """The header ``x-pagination``; its attributes are those of ``Page``."""

    page_size: int
    current_page: int
    total_count: int
    has_previous: bool
    has_next: bool
