"""Lists: filter, sort and page their rows."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from .problems import bad_request
from .search import Fields, Test, parse

Json = dict[str, Any]
# Returns a row's values to compare.
Member = Callable[[Json], Sequence[str]]
# The API's maximum page size is undocumented; this is the largest in its examples.
LARGEST_PAGE = 100
_SORT = re.compile(r"(\w+):(1|-1)")
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


@attrs.frozen(eq=False)
class ListQuery:
    """A request for a page of a list.

    Attributes:
        page: the number of the page, 1 for the first.
        size: the number of rows per page.
        tests: the tests that a row must pass.
        order: the member to sort by, and whether to sort descending; None for no sorting.
        shown: returns the part of a row that the list shows.
    """

    page: int
    size: int
    tests: Sequence[Test]
    order: tuple[str, bool] | None
    shown: Callable[[Json], Json]

    def page_of(self, rows: Sequence[Json]) -> tuple[list[Json], Json]:
        """Return the rows of the page, and the API's paging information."""
        chosen = list(rows)
        if self.tests:
            # Only what the list shows of a row can be searched.
            chosen = [row for row in rows if self._passes(self.shown(row))]
        if self.order:
            name, descending = self.order
            chosen.sort(key=lambda row: _rank(row.get(name)), reverse=descending)
        first = (self.page - 1) * self.size
        paging = {
            "page_size": self.size,
            "current_page": self.page,
            "total_count": len(chosen),
            "has_previous": self.page > 1,
            "has_next": first + self.size < len(chosen),
        }
        return [self.shown(row) for row in chosen[first : first + self.size]], paging

    def _passes(self, row: Json) -> bool:
        return all(test(row) for test in self.tests)


@attrs.frozen(eq=False)
class Listing:
    """The query parameters of a list.

    Attributes:
        sort: the members that it can sort by.
        search: the fields of its ``filter``; None if it does not have that parameter.
        by: parameters that must equal a value in the row.
        shown: returns the part of a row that the list shows, by default the whole row.
    """

    sort: Sequence[str] = ()
    search: Fields | None = None
    by: Mapping[str, Member] = attrs.field(factory=dict[str, Member])
    shown: Callable[[Json], Json] = lambda row: row

    def parse(self, query: Mapping[str, str]) -> ListQuery:
        """Parse the query parameters.

        Args:
            query: the query parameters; unknown ones are ignored.

        Raises:
            ProblemError: 400 if one is invalid.
        """
        tests = [_equals(of, query[name]) for name, of in self.by.items() if query.get(name)]
        if self.search and (text := query.get("filter", "").strip()):
            tests.append(parse(text, self.search))
        return ListQuery(
            _count(query, "page", 1),
            min(_count(query, "size", 10), LARGEST_PAGE),
            tests,
            self._order(query.get("sort")) if self.sort else None,
            self.shown,
        )

    def _order(self, sort: str | None) -> tuple[str, bool] | None:
        if not sort:
            return None
        found = _SORT.fullmatch(sort)
        if not found or found[1] not in self.sort:
            raise bad_request(
                f"sort must be a field and 1 or -1, such as {self.sort[0]}:-1, not {sort!r}; "
                f"the fields are {', '.join(self.sort)}."
            )
        return found[1], found[2] == "-1"


def member(name: str) -> Member:
    """Return a getter for a row's member, to compare with a query parameter."""
    return lambda row: [row[name]] if row.get(name) else []


def _equals(of: Member, wanted: str) -> Test:
    return lambda row: wanted in of(row)


def _rank(value: Any) -> tuple[bool, Any]:
    """Return the sort key of a value; missing values come first."""
    return value is not None, value


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not _COUNT.fullmatch(text) or not int(text):
        raise bad_request(f"{name} must be a whole number, 1 or more, not {text!r}.")
    return int(text)
