"""The columns of a job's rows: the operation's arguments and, with several tenants, the domain."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .._address import origin
from ..cli.batch.call_columns import CallColumns
from ..cli.batch.columns import FromCells, FromMembers, Pairs, plain
from ..cli.batch.csv_rows import cell_value
from ..errors import ConfigurationError

DOMAIN = "domain"


class TenantNumbers:
    """The numbers of a job's tenants, by their domains in rows.

    Args:
        domains: the tenants' domains.
        by_domain: whether each row names its tenant; with several tenants, it must.

    Attributes:
        several: whether each row names its tenant.
    """

    def __init__(self, domains: Sequence[str], *, by_domain: bool = False) -> None:
        self._numbers: Mapping[str, int] = {
            origin(domain, allow_http=True): number for number, domain in enumerate(domains)
        }
        self.several: bool = by_domain or len(domains) > 1

    def number(self, domain: object) -> int:
        """Return the number of the tenant with a domain.

        Raises:
            ValueError: the domain is not that of a tenant.
        """
        try:
            return self._numbers[origin(domain, allow_http=True)]
        except (ConfigurationError, KeyError):
            raise ValueError(f"the {DOMAIN} is not one of the job's tenants") from None


class RowColumns:
    """The columns of a job's rows.

    Unless rows name their tenant, a column ``domain`` is a column like any other.

    Args:
        columns: the columns of the operation.
        domains: the tenants' domains.
        null: the text that clears a value; None if there is none.
        by_domain: whether each row names its tenant; with several tenants, it must.
    """

    def __init__(
        self,
        columns: CallColumns,
        domains: Sequence[str],
        null: str | None,
        *,
        by_domain: bool = False,
    ) -> None:
        self._columns = columns
        tenants = TenantNumbers(domains, by_domain=by_domain)
        self._number = tenants.number
        self._several = tenants.several
        self.null = null

    @property
    def wanted(self) -> str:
        """The required columns, for messages."""
        wanted = self._columns.wanted
        if not self._several:
            return wanted
        several = "," in wanted or " and " in wanted
        return f"{DOMAIN}, {wanted}" if several else f"{DOMAIN} and {wanted}"

    @property
    def marker(self) -> str:
        """A text that occurs in every header."""
        return self._columns.marker

    def reads(self, name: str) -> bool:
        """Return whether a column of this name is used."""
        return self._is_domain(name) or self._columns.reads(name)

    def score(self, names: Iterable[str]) -> int:
        """Return how many of the names are used; 0 if a required one is missing."""
        given = list(names)
        if self._several and not any(map(self._is_domain, given)):
            return 0
        return self._columns.score(given)

    def of_cells(self, names: Sequence[str]) -> tuple[int, FromCells]:
        """Return the minimum number of cells in a row, and the function that converts them."""
        places = [place for place, name in enumerate(names) if self._is_domain(name)]
        # A blank name is ignored.
        least, made = self._columns.of_cells(["" if self._is_domain(n) else n for n in names])
        if not places:
            return least, lambda cells: (0, made(cells))
        if len(places) > 1:
            raise ValueError(f"the header has the column {DOMAIN} more than once")
        at = places[0]

        def with_domain(cells: Sequence[str]) -> tuple[int, Mapping[str, Any]]:
            return self._number(cell_value(cells[at])), made(cells)

        return max(least, at + 1), with_domain

    def of_members(self, first: Pairs) -> FromMembers:
        """Return the function that converts a row's members."""
        made = self._columns.of_members(first)

        def with_domain(pairs: Pairs) -> tuple[int, Mapping[str, Any]]:
            own = Pairs(pair for pair in pairs if not self._is_domain(pair[0]))
            domains = [value for name, value in pairs if self._is_domain(name)]
            if self._several and not domains:
                raise ValueError(f"missing member {DOMAIN}")
            if len(domains) > 1:
                raise ValueError(f"duplicate member {DOMAIN}")
            return (self._number(domains[0]) if domains else 0), made(own)

        return with_domain

    def _is_domain(self, name: str) -> bool:
        return self._several and plain(name) == DOMAIN
