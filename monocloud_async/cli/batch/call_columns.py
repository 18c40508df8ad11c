"""Map the columns of a file to a method's arguments."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

from ..._names import spoken
from .columns import FromCells, FromMembers, Pairs, plain
from .signature import ABSENT, Kind, Parameter

_NEAR = 0.8
# Member names may differ from row to row; at most this many are cached.
_MOST_NAMES = 1000
_PHONES = ("phone", "phonenumber")


class CallColumns:
    """The columns that a method takes.

    Args:
        parameters: the method's parameters.
        fixed: the arguments that are the same for all rows, by name.
        null: the cell text that clears a value; None if there is none.
        ignored: columns to ignore silently.

    Attributes:
        unused: the columns found in the file that are not arguments.
        given: the parameters that the rows set, in the method's order.
    """

    def __init__(
        self,
        parameters: Sequence[Parameter],
        fixed: Mapping[str, Any],
        null: str | None,
        ignored: Collection[str],
    ) -> None:
        self._fixed = fixed
        self._null = null
        self._all = parameters
        self._by_name = {plain(p.name): p for p in parameters}
        self._add_other_name()
        self._ignored = {plain(name) for name in ignored}
        self._known: dict[str, Parameter | None] = {}
        self._required = {p.name for p in parameters if p.required} - set(fixed)
        self.unused: dict[str, None] = {}
        self._found: set[str] = set()

    def _add_other_name(self) -> None:
        """Accept a phone number under both names that methods use for it."""
        for name, alias in (_PHONES, _PHONES[::-1]):
            if name in self._by_name and alias not in self._by_name:
                self._by_name[alias] = self._by_name[name]
                return

    @property
    def given(self) -> Sequence[Parameter]:
        """The parameters that the rows set, in the method's order."""
        return [p for p in self._all if p.name in self._found]

    @property
    def wanted(self) -> str:
        """The required columns, for messages."""
        required = [p.name for p in self._all if p.name in self._required]
        if required:
            return spoken(required)
        names = [p.name for p in self._all if p.name not in self._fixed]
        return f"{spoken(names)} (or any of them)"

    @property
    def marker(self) -> str:
        """A text that occurs in every header."""
        first = next((p.name for p in self._all if p.name in self._required), "")
        return first.partition("_")[0]

    def score(self, names: Iterable[str]) -> int:
        """Return how many of the names are parameters; 0 if a required one is missing."""
        found = {p.name for p in map(self._parameter, names) if p}
        return 0 if self._required - found else len(found)

    def of_cells(self, names: Sequence[str]) -> tuple[int, FromCells]:
        """Return the minimum number of cells in a row, and the function that converts them."""
        places: list[tuple[int, Parameter]] = []
        for index, name in enumerate(names):
            if parameter := self._parameter_for(name, "column", names):
                if any(parameter is other for _, other in places):
                    raise ValueError(f"the header has the column {parameter.name} more than once")
                places.append((index, parameter))
        # A row that was cut off must not become a user without a password.
        required = (n for n, p in places if p.required or p.kind is Kind.SECRET)
        least = 1 + max(required, default=0)
        # Any row may set what the header names.
        self._found.update(p.name for _, p in places)
        fixed, null = self._fixed, self._null

        def convert(cells: Sequence[str]) -> dict[str, object]:
            given = dict(fixed)
            for index, parameter in places:
                if index < len(cells):
                    value = parameter.of_cell(cells[index], null)
                    if value is not ABSENT:
                        given[parameter.name] = value
            return given

        return least, convert

    def of_members(self, first: Pairs) -> FromMembers:  # noqa: ARG002  (each row has its own)
        """Return the function that converts a row's members."""
        return self._arguments

    def _arguments(self, pairs: Pairs) -> dict[str, object]:
        given: dict[str, object] = {}
        for name, value in pairs:
            if (parameter := self._parameter_for(name, "member", (n for n, _ in pairs))) is None:
                continue
            if parameter.name in given:
                raise ValueError(f"duplicate member {parameter.name}")
            given[parameter.name] = parameter.of_member(value)
        if missing := [n for n in self._required if n not in given]:
            raise ValueError(f"missing member {min(missing)}")
        self._found.update(given)
        return {**self._fixed, **{n: v for n, v in given.items() if v is not ABSENT}}

    def reads(self, name: str) -> bool:
        """Return whether a column of this name is an argument."""
        return self._parameter(name) is not None

    def _parameter(self, name: str) -> Parameter | None:
        return self._by_name.get(plain(name))

    def _parameter_for(self, name: str, noun: str, beside: Iterable[str]) -> Parameter | None:
        """Return the parameter for a name; None for a name to ignore.

        Args:
            name: the name.
            noun: "column" or "member", for messages.
            beside: all names in the header or the row.
        """
        if name in self._known:
            return self._known[name]
        found = self._checked(name, noun, beside)
        if len(self._known) < _MOST_NAMES:
            self._known[name] = found
        return found

    def _checked(self, name: str, noun: str, beside: Iterable[str]) -> Parameter | None:
        found = self._parameter(name)
        if found and found.name in self._fixed:
            raise ValueError(f"the {noun} {found.name} is also set by --set: remove one of them")
        if found or not (bare := plain(name)) or bare in self._ignored:
            return found
        if meant := self._meant(bare, beside):
            raise ValueError(
                f"unknown argument {name}: did you mean {meant}? To ignore it, use "
                f"--ignore-column {name}"
            )
        if len(self.unused) < _MOST_NAMES:
            self.unused[name] = None
        return None

    def _meant(self, bare: str, beside: Iterable[str]) -> str | None:
        """Return the argument, not yet given, that a misspelt name most resembles."""
        given = {p.name for p in map(self._parameter, beside) if p} | self._fixed.keys()
        open_names = {n: p.name for n, p in self._by_name.items() if p.name not in given}
        near = difflib.get_close_matches(bare, open_names, n=1, cutoff=_NEAR)
        return open_names[near[0]] if near else None
