"""Route requests to operations, by the paths in the declarations."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import unquote

import attrs

from .._operation import Operation
from ..operations import ALL
from .problems import ProblemError, not_found, wrong_method


@attrs.frozen
class Match:
    """The operation that a request matches.

    Attributes:
        operation: its declaration.
        ids: the ids in the path, in order, decoded once.
    """

    operation: Operation[Any]
    ids: tuple[str, ...]

    @property
    def user_id(self) -> str | None:
        """The user that it concerns, if any."""
        return dict(zip(self.operation.parameters, self.ids, strict=True)).get("user_id")


@attrs.define(eq=False)
class _Node:
    """A node in the tree of path segments."""

    literals: dict[str, _Node] = attrs.field(factory=dict[str, "_Node"])
    parameter: _Node | None = None
    operations: dict[str, Operation[Any]] = attrs.field(factory=dict[str, Operation[Any]])

    def after(self, segment: str) -> _Node:
        """Return the child node for a segment of a template."""
        if not segment.startswith("{"):
            return self.literals.setdefault(segment, _Node())
        if self.parameter is None:
            self.parameter = _Node()
        return self.parameter


def find(method: str, raw_path: str) -> Match | None:
    """Return the operation that matches a method and a path, or None."""
    for node, ids in _nodes(raw_path):
        if operation := node.operations.get(method):
            return Match(operation, tuple(unquote(segment) for segment in ids))
    return None


def no_match(method: str, raw_path: str) -> ProblemError:
    """Return the error for a request that matches no operation."""
    allowed = {allowed for node, _ in _nodes(raw_path) for allowed in node.operations}
    return wrong_method(method, allowed) if allowed else not_found("The path does not exist.")


def _nodes(raw_path: str) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    return _walk(_ROOT, raw_path.split("/"), ())


def _walk(
    node: _Node, segments: Sequence[str], ids: tuple[str, ...]
) -> Iterator[tuple[_Node, tuple[str, ...]]]:
    """Yield the end nodes of all matching templates, those with the most literals first."""
    if not segments:
        yield node, ids
        return
    # Segments stay encoded, so that an encoded slash is part of one.
    first, rest = segments[0], segments[1:]
    if literal := node.literals.get(first):
        yield from _walk(literal, rest, ids)
    if node.parameter and first:
        yield from _walk(node.parameter, rest, (*ids, first))


def _tree() -> _Node:
    root = _Node()
    for operation in ALL:
        node = root
        for segment in f"/api{operation.path}".split("/"):
            node = node.after(segment)
        node.operations[operation.method] = operation
    return root


_ROOT = _tree()
