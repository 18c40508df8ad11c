"""The operation of a job: its method, its arguments and the rules for its rows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import Any, cast

from .._call import Caller
from ..bulk.method import method_of
from ..cli.batch.call_columns import CallColumns
from ..cli.batch.call_job import rules_of
from ..cli.batch.columns import Cells, Mistake, Records
from ..cli.batch.content import Content
from ..cli.batch.fixed import fixed_arguments
from ..cli.batch.formats import read
from ..cli.batch.probe import Probe, WouldSend
from ..cli.batch.rules import Rules
from ..cli.batch.signature import Kind, Parameter, parameters
from ..cli.operations import RESOURCES
from ..cli.runnable import Runnable, find
from ..client import MonoCloudClient
from ..errors import InvalidArgumentError
from .job import Job
from .kind import Ready
from .row_columns import RowColumns
from .tables import check_names, record

TYPES: Mapping[str, str] = {
    "status": "string",
    "http_status": "Int64",
    "error": "string",
    "trace_id": "string",
    "attempts": "Int64",
    "result": "string",
}


class JobOperation:
    """The operation of a job, as a kind of job.

    Args:
        job: the job.

    Attributes:
        runnable: the operation.
        parameters: its parameters.
        arguments: its columns.
        columns: the columns of the job's rows.
        rules: which rows may be resent.
        secrets: the names of the arguments that are secrets.
        settings: what changes the meaning of a row.

    Raises:
        ConfigurationError: there is no such operation, or an option is invalid.
    """

    def __init__(self, job: Job) -> None:
        self.runnable: Runnable = find(job.operation)
        self.parameters: list[Parameter] = list(parameters(self.runnable.method))
        fixed = fixed_arguments(job.fixed, self.parameters, job.null)
        self.arguments: CallColumns = CallColumns(self.parameters, fixed, job.null, job.ignored)
        self.columns: RowColumns = RowColumns(
            self.arguments, job.domains, job.null, by_domain=job.by_domain
        )
        self.secrets: frozenset[str] = frozenset(
            p.name for p in self.parameters if p.kind is Kind.SECRET
        )
        self.settings: object = [list(job.fixed), job.null]
        self._several = len(job.domains) > 1
        self.rules: Rules = rules_of(self.runnable, retry_unknown=job.retry_unknown)

    @property
    def passed_over(self) -> Sequence[str]:
        """The columns that are not arguments."""
        return list(self.arguments.unused)

    @property
    def shown(self) -> Sequence[str]:
        """The members of rows that the outcomes show."""
        names = [p.name for p in self.parameters if p.name not in self.secrets]
        return ["domain", *names] if self._several else names

    @property
    def types(self) -> Mapping[str, str]:
        """The columns of the outcomes after input and line, and their types."""
        return {**dict.fromkeys(self.shown, "string"), **TYPES}

    def text(self, content: Content) -> Records:
        """Read the rows of a text file."""
        return read(content, self.columns)

    def used(self, names: Sequence[str]) -> list[str]:
        """Check the names of a table's columns, and return those to read."""
        check_names(names, self.columns)
        return [name for name in names if self.columns.reads(name)]

    def record(self, number: int, row: object) -> Cells | Mistake:
        """Return a row of a table."""
        return record(number, row, self.columns)

    def ready(self, cells: Cells) -> Ready | Mistake:
        """Check a row."""
        tenant, given = cells.given
        if what := self.mistake(given):
            return Mistake(cells.line, what)
        public = {name: value for name, value in given.items() if name not in self.secrets}
        return Ready(tenant, self.key(given), public, given)

    def summary(self, given: Mapping[str, Any]) -> str:
        """Return the first request that a row would send, as one line."""
        return self.request(given).summary

    def method(self, client: MonoCloudClient) -> Callable[..., Any]:
        """Return the client's method."""
        resource, _, name = self.runnable.name.partition(".")
        return cast("Callable[..., Any]", getattr(getattr(client, resource), name))

    def key(self, given: Mapping[str, Any]) -> str | None:
        """Return what orders a row, usually a user's id; None for a row that can go at any time."""
        return given.get(self._first)

    def mistake(self, given: Mapping[str, Any]) -> str | None:
        """Return what is wrong with a row's arguments, if anything."""
        try:
            self.request(given)
        except InvalidArgumentError as error:
            return str(error).removesuffix("; nothing was sent")
        return None

    def request(self, given: Mapping[str, Any]) -> WouldSend:
        """Return the first request that a row would send.

        Raises:
            InvalidArgumentError: the arguments are invalid.
        """
        return self._probe.request(given)

    @cached_property
    def _unbound(self) -> Callable[..., Any]:
        """The method of a resource that has no client."""
        resource, _, name = self.runnable.name.partition(".")
        owner = RESOURCES[resource](cast("Caller", _NoCaller()))
        return cast("Callable[..., Any]", getattr(owner, name))

    @cached_property
    def _first(self) -> str:
        return method_of(self._unbound).first

    @cached_property
    def _probe(self) -> Probe:
        return Probe(self._unbound)


class _NoCaller:
    """Stands for the caller of a resource that is only probed."""

    call = None
