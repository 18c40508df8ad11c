"""The rows of an import of users, from files and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from .._characters import trimmed
from ..cli.batch.columns import BrokenInputError, Cells, Mistake, Pairs, Records, listed
from ..cli.batch.content import Content
from ..cli.imports.csv_rows import BETWEEN, Column, column, put, value_of
from ..cli.imports.row_file import RowFile
from ..errors import InvalidArgumentError
from ..imports.find import all_identifiers
from ..imports.reading import MEMBERS, UNSETTABLE, import_row
from .job import Job, UserImport
from .kind import LIST, Ready
from .row_columns import DOMAIN, TenantNumbers
from .tables import ABSENT, json_value

_SETTABLE = {(member,) for member in MEMBERS}
TYPES: Mapping[str, str] = {
    **dict.fromkeys(("source_id", "status", "user_id"), "string"),
    **dict.fromkeys(("steps", "differences", "notes"), LIST),
    "error": "string",
    "http_status": "Int64",
    "trace_id": "string",
    "attempts": "Int64",
}


class UserRows:
    """The import of users, as a kind of job.

    Args:
        job: the job.
    """

    secrets: frozenset[str] = frozenset({"password", "password_hash"})
    passed_over: Sequence[str] = ()

    def __init__(self, job: Job) -> None:
        given = job.user_import or UserImport()
        settings = given.settings
        self.groups: Mapping[str, str] = given.groups
        self.settings: object = [
            settings.existing,
            settings.send_reset,
            settings.flags,
            self.groups,
        ]
        self._tenants = TenantNumbers(job.domains, by_domain=job.by_domain)
        self._also = (DOMAIN,) if self._tenants.several else ()
        self._several = len(job.domains) > 1

    @property
    def shown(self) -> Sequence[str]:
        """The members of rows that the outcomes show."""
        return (DOMAIN,) if self._several else ()

    @property
    def types(self) -> Mapping[str, str]:
        """The columns of the outcomes after input and line, and their types."""
        return {**dict.fromkeys(self.shown, "string"), **TYPES}

    def text(self, content: Content) -> Records:
        """Read the rows of a text file as `monocloud users import` does."""
        for record in RowFile(content, self._also).records():
            yield record if isinstance(record, Mistake) else Cells(record.line, record.row)

    def used(self, names: Sequence[str]) -> list[str]:
        """Check the names of a table's columns, and return those to read."""
        if not any(_column(name, self._also).path[:1] in _SETTABLE for name in names):
            what = f"the table has no column that users have, only {listed(names)}"
            raise BrokenInputError(1, what)
        return list(names)

    def record(self, number: int, row: object) -> Cells | Mistake:
        """Return a row of a table; its texts are read as cells of CSV, other values as JSON."""
        if not isinstance(row, Mapping):
            return Mistake(number, f"the row must be a mapping, not of type {type(row).__name__}")
        found: dict[str, Any] = {}
        try:
            for name, value in cast("Mapping[object, Any]", row).items():
                self._put(found, str(name), json_value(value))
        except BrokenInputError as error:
            return error.mistake._replace(line=number)
        except ValueError as error:
            return Mistake(number, str(error))
        return Cells(number, found)

    def _put(self, row: dict[str, Any], name: str, value: Any) -> None:
        of = _column(name, self._also)
        if value is ABSENT or not of.path or (isinstance(value, str) and not trimmed(value)):
            return
        try:
            put(row, of.path, value_of(of, value) if isinstance(value, str) else _plain(value))
        except ValueError as error:
            raise ValueError(f"{'.'.join(of.path)}: {error}") from None

    def ready(self, cells: Cells) -> Ready | Mistake:
        """Check a row."""
        given = {name: v for name, v in cells.given.items() if v is not None and v != ""}
        try:
            tenant = self._tenants.number(self._domain(given)) if self._tenants.several else 0
            row = import_row(given, self.groups)
        except (InvalidArgumentError, ValueError) as error:
            return Mistake(cells.line, str(error))
        public = {name: value for name, value in given.items() if name not in self.secrets}
        identifiers = [(one.field, one.value) for one in all_identifiers(row)]
        return Ready(tenant, row.key, public, given, identifiers)

    @staticmethod
    def _domain(given: dict[str, Any]) -> object:
        if DOMAIN not in given:
            raise ValueError(f"missing member {DOMAIN}")
        return given.pop(DOMAIN)

    def summary(self, given: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return None: what a row sends depends on the users there are."""
        return None

    def key(self, given: Mapping[str, Any]) -> str | None:  # noqa: ARG002
        """Return None: the import itself orders the rows."""
        return None


@lru_cache(maxsize=1024)
def _column(name: str, also: Sequence[str]) -> Column:
    # Members of exported users that cannot be set still say what is lost, and a table has lists
    # and objects without being told so by the name.
    member = BETWEEN.sub("_", name.strip()).casefold()
    if member in MEMBERS or member in UNSETTABLE:
        return Column((member,), is_json=False)
    try:
        return column(name, 1, also)
    except BrokenInputError as error:
        raise BrokenInputError(1, error.mistake.message.removesuffix(" in the header")) from None


def _plain(value: Any) -> Any:
    """Return a JSON value with mappings in place of ``Pairs``."""
    if isinstance(value, Pairs):
        return {name: _plain(item) for name, item in value}
    if isinstance(value, list):
        return [_plain(item) for item in cast("list[Any]", value)]  # type: ignore[redundant-cast]
    return value
