"""`monocloud run`: call an operation once for each row."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterable, Callable, Mapping, Sequence
from itertools import islice
from typing import Any, cast

import attrs
import typer

from ..._operation import Repeat
from ...bulk import start as start_run
from ...bulk.method import method_of
from ...client import MonoCloudClient
from ...errors import ConfigurationError
from ..ending import visible
from ..runnable import Runnable
from .call_columns import CallColumns
from .call_rows import CallInput
from .confirming import SHOWN, confirm_destruction, end_dry_run, is_json, print_unused
from .content import Content
from .fixed import fixed_arguments
from .job import Job, Options
from .journal import FAILED, OK, SKIPPED, UNKNOWN, Entry, Subject
from .outcomes import answer_of, any_entry
from .probe import Probe
from .reports import Report, csv_report, json_report
from .rules import Older, Rules
from .sending import Sender
from .signature import Kind, parameters
from .source import AnyRow, Source


@attrs.frozen(eq=False)
class CallOptions:
    """The options that only `monocloud run` has.

    Attributes:
        fixed: arguments for all rows, as ``name=value``.
        null: the cell text that clears a value.
        ignored: columns to ignore silently.
        yes: whether to skip the confirmation.
        retry_unknown: whether to resend rows that may have been applied.
        show_secrets: whether results include secrets such as password reset links.
    """

    fixed: Sequence[str]
    null: str | None
    ignored: Sequence[str]
    yes: bool
    retry_unknown: bool
    show_secrets: bool


class CallJob(Job):
    """Calls a method for each row.

    Args:
        client: the client to call the API with.
        options: the options of every batch.
        runnable: the operation.
        call_options: the options of ``monocloud run``.

    Raises:
        ConfigurationError: an option is invalid.
    """

    def __init__(
        self,
        client: MonoCloudClient,
        options: Options,
        runnable: Runnable,
        call_options: CallOptions,
    ) -> None:
        super().__init__(client, options)
        self._runnable = runnable
        self._call_options = call_options
        resource, _, name = runnable.name.partition(".")
        self._method = getattr(getattr(client, resource), name)
        self._parameters = parameters(runnable.method)
        self._fixed = fixed_arguments(call_options.fixed, self._parameters, call_options.null)
        self._columns = CallColumns(
            self._parameters, self._fixed, call_options.null, call_options.ignored
        )
        self.rules: Rules = rules_of(runnable, retry_unknown=call_options.retry_unknown)
        self.private: bool = call_options.show_secrets
        if self.rules.once:
            self.statuses: Sequence[str] = (OK, FAILED, UNKNOWN, SKIPPED)
            self.failures: Sequence[str] = (FAILED, UNKNOWN)
        self._with_answers = is_json(options.results)
        check_options(runnable, options, call_options)

    def source(self, content: Content) -> Source[AnyRow]:
        first = method_of(self._method).first
        return CallInput(content, self._columns, self._method, first)

    def subject(self, source: Source[AnyRow]) -> Subject:
        digest, name = source.content.digest, self._runnable.name
        return Subject(digest, self.origin, name, source.count, self._settings())

    def _settings(self) -> str:
        """Return a digest of the settings that change what a row means."""
        if not self._fixed and self._call_options.null is None:
            return ""
        settings = json.dumps([self._fixed, self._call_options.null], sort_keys=True)
        return hashlib.sha256(settings.encode()).hexdigest()

    def confirm(self, source: Source[AnyRow]) -> None:
        name = self._runnable.name
        print_unused(name, self._columns.unused)
        if self.options.dry_run:
            self._show(source)
        elif not self._call_options.yes:
            confirm_destruction(self._runnable, source.count, self.origin)

    def _show(self, source: Source[AnyRow]) -> None:
        """Print the requests that would be sent, then exit."""
        probe = Probe(self._method)
        for row in islice(source.rows(), SHOWN):
            typer.echo(visible(f"line {row.line}: {probe.request(row.given).summary}"))
        end_dry_run(source.count, self.origin)

    def start(
        self,
        source: Source[AnyRow],  # noqa: ARG002  (the rows come from ``given``)
        given: AsyncIterable[Mapping[str, Any]],
        stopped: Callable[[], bool],
    ) -> Sender:
        options = self.options
        run = start_run(
            self._method,
            given,
            concurrency=options.concurrency,
            rate=options.rate,
            stopped=stopped,
        )
        return cast("Sender", run)

    def to_entry(self, outcome: Any, number: int, user: int) -> Entry:
        entry = any_entry(outcome, number, user, once=self.rules.once)
        if not self._with_answers:
            return entry
        return entry._replace(result=answer_of(outcome, secrets=self._call_options.show_secrets))

    def report(self, source: Source[AnyRow]) -> Report:  # noqa: ARG002  (the columns know)
        names = [p.name for p in self._columns.given if p.kind is not Kind.SECRET]
        return json_report(names) if self._with_answers else csv_report(names)


def rules_of(runnable: Runnable, *, retry_unknown: bool = False) -> Rules:
    """Return the rules for resending rows of an operation.

    Args:
        runnable: the operation.
        retry_unknown: whether to resend rows that may have been applied.
    """
    operation = runnable.operation
    older = Older.SENT
    if operation.method == "PATCH":
        older = Older.HELD
    elif operation.method == "PUT" or operation.name.endswith(".set_primary"):
        older = Older.SUPERSEDED
    gone = operation.repeat is Repeat.GONE
    return Rules(gone or operation.repeat is Repeat.ONCE, gone, older, retry_unknown)


def check_options(runnable: Runnable, options: Options, call_options: CallOptions) -> None:
    """Check options that depend on each other or on the operation.

    Raises:
        ConfigurationError: they do not go together.
    """
    if options.dry_run and options.results:
        raise ConfigurationError(
            "--dry-run sends nothing, so there are no results to write: remove --results"
        )
    if call_options.show_secrets and not is_json(options.results):
        raise ConfigurationError(
            "--show-secrets needs a --results file that ends in .jsonl; nothing was sent"
        )
    if call_options.retry_unknown and runnable.operation.repeat is not Repeat.ONCE:
        raise ConfigurationError(
            f"--retry-unknown does not apply to {runnable.name}, which is safe to retry; "
            "nothing was sent: remove it"
        )
