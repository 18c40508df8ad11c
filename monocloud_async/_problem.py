"""Problem documents (RFC 9457), parsed leniently: malformed parts never raise."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast


class IdentityFinding(NamedTuple):
    """A violation of the tenant's identity rules."""

    code: str
    description: str


def parse_problem(body: bytes) -> Mapping[str, Any]:
    """Return the members of a problem document; empty if the body is something else."""
    try:
        problem: object = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, Any]", problem) if isinstance(problem, dict) else {}


def text_of(value: object) -> str | None:
    """Return a member if it is a non-empty string, or None."""
    return value if isinstance(value, str) and value else None


def identity_findings(problem: Mapping[str, Any]) -> Sequence[IdentityFinding]:
    """Return the codes and descriptions of an identity problem."""
    return tuple(
        IdentityFinding(text_of(item.get("code")) or "", text_of(item.get("description")) or "")
        for item in _objects(problem.get("errors"))
    )


def key_findings(problem: Mapping[str, Any]) -> Mapping[str, Sequence[str]]:
    """Return the messages of a validation problem by field."""
    found = problem.get("errors")
    if not isinstance(found, dict):
        return {}
    return {
        field: tuple(text for text in _items(messages) if isinstance(text, str))
        for field, messages in cast("dict[str, object]", found).items()
    }


def _items(value: object) -> list[object]:
    return cast("list[object]", value) if isinstance(value, list) else []


def _objects(value: object) -> list[dict[str, Any]]:
    return [cast("dict[str, Any]", item) for item in _items(value) if isinstance(item, dict)]
