"""A response, before it is sent."""

from __future__ import annotations

import json
from collections.abc import Mapping

import attrs

from .problems import ProblemError


@attrs.frozen(eq=False)
class Reply:
    """A response to send."""

    status: int
    headers: Mapping[str, str]
    body: bytes


def problem_reply(
    problem: ProblemError, path: str, trace_id: str, members: Mapping[str, object]
) -> Reply:
    """Return a problem document as a response.

    Args:
        problem: the problem.
        path: the requested path.
        trace_id: this exchange's trace id.
        members: members to add to the document, or to override.
    """
    document = {**problem.document(path, trace_id), **members}
    headers = {
        "traceparent": trace_id,
        "Content-Type": "application/problem+json",
        **problem.headers,
    }
    return Reply(problem.status, headers, json.dumps(document).encode())
