"""The results of a run: totals, and the outcome of each row as a Dask DataFrame."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import attrs

from ..errors import MonoCloudError
from .kind import LIST
from .storage import Storage

_PLACE: Mapping[str, str] = {"input": "string", "line": "Int64"}


@attrs.frozen(kw_only=True)
class ClusterResult:
    """How a run on a cluster ended.

    Attributes:
        rows: the number of rows of the input.
        counts: the number of rows by status: ``ok``, ``failed``, ``unknown`` or ``skipped``; of an
            import ``created``, ``existed``, ``failed`` or ``skipped``.
        journal: the URL of the journal.
        columns: the arguments that the outcomes show.
    """

    rows: int
    counts: Mapping[str, int]
    journal: str
    columns: Sequence[str] = ()
    _types: Mapping[str, str] = attrs.field(alias="types", factory=dict[str, str], repr=False)
    _storage_options: Mapping[str, Any] = attrs.field(
        alias="storage_options", factory=dict[str, Any], repr=False
    )
    _names: Sequence[str] = attrs.field(alias="names", default=(), repr=False)

    @property
    def outcomes(self) -> Any:
        """The outcome of each row, as a Dask DataFrame that is read from the journal as needed.

        It has the columns ``input`` (the file or partition), ``line``, the arguments that are not
        secret, ``status``, ``http_status``, ``error``, ``trace_id``, ``attempts`` and, if they were
        kept, ``result`` (JSON). For an import, it has ``input``, ``line`` and the columns that
        ``monocloud users import --results`` writes.
        """
        import dask.dataframe as dd

        names = self._names or [""]
        return dd.from_map(  # type: ignore[attr-defined, no-untyped-call, unused-ignore]
            _Reader(self.journal, dict(self._storage_options), dict(self._types)),
            names,
            meta=_frame([], self._types),
        )

    def lines(self) -> Iterator[bytes]:
        """Yield the outcome of each row as JSON, in no order.

        Raises:
            JournalError: the outcomes cannot be read.
        """
        storage = Storage(self.journal, self._storage_options)
        for content in storage.read_all([f"results/{name}.jsonl" for name in self._names]):
            yield from content.splitlines()


class StoppedError(MonoCloudError):
    """A run on a cluster was stopped before its end.

    Attributes:
        result: what was done until then; rows that were not sent count as skipped.
    """

    def __init__(self, message: str, result: ClusterResult | None = None) -> None:
        super().__init__(message)
        self.result = result


@attrs.frozen
class _Reader:
    journal: str
    options: Mapping[str, Any] = attrs.field(repr=False)
    columns: Mapping[str, str]

    def __call__(self, name: str) -> Any:
        if not name:
            return _frame([], self.columns)
        content = Storage(self.journal, self.options).read(f"results/{name}.jsonl")
        return _frame([json.loads(line) for line in content.splitlines()], self.columns)


def _frame(rows: Sequence[Mapping[str, Any]], columns: Mapping[str, str]) -> Any:
    """Return rows as a pandas DataFrame."""
    # It has no types, unless its stubs are installed.
    pd: Any = import_module("pandas")

    found = {
        name: pd.array(
            [_cell(row.get(name), kind) for row in rows], dtype="string" if kind == LIST else kind
        )
        for name, kind in {**_PLACE, **columns}.items()
    }
    return pd.DataFrame(found)


def _cell(value: object, kind: str) -> object:
    if kind == LIST and isinstance(value, list):
        return "; ".join(map(str, cast("list[object]", value)))
    if value is None or kind != "string" or isinstance(value, str):
        return value
    return json.dumps(value)
