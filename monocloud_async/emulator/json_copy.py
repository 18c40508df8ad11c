"""Copies of JSON, made many times faster than deepcopy makes them."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import Any, cast

_ATOMS = frozenset((str, int, float, bool, type(None)))


def copied(value: Any) -> Any:
    """Return a copy of a JSON value that shares nothing that can change."""
    if isinstance(value, dict):
        return _members(cast("dict[str, Any]", value))
    if isinstance(value, list):
        return _items(cast("Sequence[Any]", value))
    return value if type(value) in _ATOMS else deepcopy(value)


# Most values are atoms: a call for each of these would take most of the time.
def _members(record: dict[str, Any]) -> dict[str, Any]:
    return {name: one if type(one) in _ATOMS else copied(one) for name, one in record.items()}


def _items(items: Sequence[Any]) -> list[Any]:
    return [one if type(one) in _ATOMS else copied(one) for one in items]
