"""Copies JSON many times faster than deepcopy does."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, cast

_ATOMS = frozenset((str, int, float, bool, type(None)))


def copied(value: Any) -> Any:
    """Return a copy of a JSON value that shares no mutable part with it."""
    if isinstance(value, dict):
        return _members(cast("dict[str, Any]", value))
    if isinstance(value, list):
        return _items(cast("Sequence[Any]", value))
    return value if type(value) in _ATOMS else deepcopy(value)


# Most values are atoms, and a function call for each of them would take most of the time.
def _members(record: dict[str, Any]) -> dict[str, Any]:
    return {name: v if type(v) in _ATOMS else copied(v) for name, v in record.items()}


def _items(items: Sequence[Any]) -> list[Any]:
    return [item if type(item) in _ATOMS else copied(item) for item in items]
