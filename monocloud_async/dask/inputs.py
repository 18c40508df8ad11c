"""The input of a run: files, or a Dask collection; each piece of it is staged by one task."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import Any, cast

import attrs
from distributed import Client, Future

from ..errors import ConfigurationError
from .job import Job
from .pieces import Piece, pieces
from .staging import StagedPiece, stage, stage_rows
from .task import task

# Dask's annotations are incomplete.
_is_collection: Any = import_module("dask.base").is_dask_collection
_delayed: Any = import_module("dask.delayed").delayed
_KINDS = "a pattern of files, a list of patterns, a Dask DataFrame or a Dask Bag of mappings"


@attrs.frozen(eq=False)
class Input:
    """The pieces of an input.

    Attributes:
        files: the files.
        parts: the partitions of a Dask collection.
        names: the names of its columns, if it has any.
    """

    files: Sequence[Piece] = ()
    parts: Sequence[Any] = ()
    names: Sequence[str] = ()

    @property
    def count(self) -> int:
        """The number of pieces."""
        return len(self.files) + len(self.parts)

    def stage(self, client: Client, job: Job) -> Sequence[Future[StagedPiece]]:
        """Begin to stage all pieces, and return a future for each, in their order."""
        name = f"{job.operation}-check"
        untyped = cast("Any", client)
        submitted: list[Future[StagedPiece]] = [
            untyped.submit(stage, job, number, piece, key=_key(name, number), pure=False)
            for number, piece in enumerate(self.files)
        ]
        graph: list[Any] = [
            _delayed(stage_part)(job, number, part, self.names, dask_key_name=_key(name, number))
            for number, part in enumerate(self.parts)
        ]
        computed: list[Future[StagedPiece]] = untyped.compute(graph)
        return [*submitted, *computed]


def _key(name: str, number: int) -> str:
    return f"{name}-{secrets.token_hex(8)}-{number}"


def input_of(rows: object, options: Mapping[str, Any]) -> Input:
    """Return the pieces of an input. Looking for files blocks.

    Args:
        rows: a pattern of files or several, a Dask DataFrame, or a Dask Bag.
        options: the options of the files' file system.

    Raises:
        ConfigurationError: it is something else, or no file matches.
    """
    if isinstance(rows, str):
        return Input(files=pieces(rows, options))
    kind = type(rows).__name__
    if _is_collection(rows):
        collection = cast("Any", rows)
        if hasattr(collection, "to_delayed"):
            names = tuple(map(str, getattr(collection, "columns", ())))
            return Input(parts=collection.to_delayed(), names=names)
    elif isinstance(rows, Iterable) and not isinstance(rows, (bytes, Mapping)):
        given = list(cast("Iterable[object]", rows))
        if given and all(isinstance(each, str) for each in given):
            return Input(files=pieces(cast("list[str]", given), options))
    raise ConfigurationError(f"rows must be {_KINDS}, not {kind}; nothing was sent")


@task
def stage_part(job: Job, number: int, part: Any, names: Sequence[str]) -> StagedPiece:
    """Stage a partition: a pandas DataFrame, or the items of a Bag."""
    is_frame = hasattr(part, "to_dict")
    rows = part.to_dict("records") if is_frame else _mappings(part)
    return stage_rows(job, number, f"partition {number}", rows, names if is_frame else ())


def _mappings(items: Iterable[object]) -> Iterable[Mapping[str, Any]]:
    for item in items:
        if not isinstance(item, Mapping):
            raise ConfigurationError(
                f"the items of a Bag must be mappings of arguments, not {type(item).__name__}; "
                "nothing was sent: convert them with Bag.map"
            )
        yield cast("Mapping[str, Any]", item)
