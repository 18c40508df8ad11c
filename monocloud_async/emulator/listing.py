"""Lists: which rows of them are asked for, in which order, on which page."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs

from .problems import bad_request
from .search import Fields, Test, parse

Json = dict[str, Any]
# Gives the values that a row has of something.
Member = Callable[[Json], Sequence[str]]
# The API's largest page is not documented; this is the largest that its examples ask for.
LARGEST_PAGE = 100
_SORT = re.compile(r"(\w+):(1|-1)")
_COUNT = re.compile(r"[0-9]{1,9}", re.ASCII)


@attrs.frozen(eq=False)
class Question:
    """What a request asks of a list.

    Attributes:
        page: the number of the page, 1 for the first.
        size: how many rows a page has.
        tests: what each row has to pass.
        order: the member to sort by, and whether the largest come first; None for as they are.
        shown: gives what the list shows of a row.
    """

    page: int
    size: int
    tests: Sequence[Test]
    order: tuple[str, bool] | None
    shown: Callable[[Json], Json]

    def answer(self, rows: Sequence[Json]) -> tuple[list[Json], Json]:
        """Return the rows of the page, and what the API says of its place in the list."""
        chosen = list(rows)
        if self.tests:
            # What the list does not show of a row cannot be searched for.
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
    """How the rows of a list can be chosen.

    Attributes:
        sort: the members to sort by.
        search: the fields of its ``filter``; None where it has no such parameter.
        by: parameters of the query that have to equal something of a row.
        shown: gives what the list shows of a row, where that is not the whole row.
    """

    sort: Sequence[str] = ()
    search: Fields | None = None
    by: Mapping[str, Member] = attrs.field(factory=dict[str, Member])
    shown: Callable[[Json], Json] = lambda row: row

    def question(self, query: Mapping[str, str]) -> Question:
        """Return what a request asks.

        Args:
            query: the parameters of the query; those that the list does not have are passed over.

        Raises:
            ProblemError: 400, one cannot be understood.
        """
        tests = [_equals(of, query[name]) for name, of in self.by.items() if query.get(name)]
        if self.search and (text := query.get("filter", "").strip()):
            tests.append(parse(text, self.search))
        return Question(
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
    """Return what gives a member of a row, to be compared with a parameter of the query."""
    return lambda row: [row[name]] if row.get(name) else []


def _equals(of: Member, wanted: str) -> Test:
    return lambda row: wanted in of(row)


def _rank(value: Any) -> tuple[bool, Any]:
    """Return what a value is sorted by: a missing one comes before all others."""
    return value is not None, value


def _count(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not _COUNT.fullmatch(text) or not int(text):
        raise bad_request(f"{name} must be a whole number, 1 or more, not {text!r}.")
    return int(text)
