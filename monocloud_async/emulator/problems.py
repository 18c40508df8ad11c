"""Error responses: problem documents in the API's format."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from http.client import responses
from typing import Any

_TYPE = "https://httpstatuses.io"


class ProblemError(Exception):
    """An error response.

    Attributes:
        status: the HTTP status.
        detail: what is wrong with this request.
        kind: the fragment of the problem's type, for 422.
        title: its short name; None for the status's default.
        errors: the individual errors, in the format of the kind.
        headers: additional headers.
    """

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        kind: str = "",
        title: str | None = None,
        errors: object = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status, detail)
        self.status = status
        self.detail = detail
        self.kind = kind
        self.title: str = title or responses.get(status, "Unknown")
        self.errors = errors
        self.headers: Mapping[str, str] = headers or {}

    def document(self, instance: str, trace_id: str) -> dict[str, Any]:
        """Return the problem+json.

        Args:
            instance: the requested path.
            trace_id: this exchange's trace id.
        """
        document: dict[str, Any] = {
            "type": f"{_TYPE}/{self.status}{self.kind}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            "instance": instance,
            "traceId": trace_id,
        }
        if self.errors is not None:
            document["errors"] = self.errors
        return document


def new_trace_id() -> str:
    """Return a trace id in the format of W3C's traceparent."""
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-01"


def bad_request(detail: str) -> ProblemError:
    """Return the error for a malformed request."""
    return ProblemError(400, detail)


def unauthorized() -> ProblemError:
    """Return the error for a missing or wrong API key."""
    return ProblemError(401, "The API key is missing or wrong.")


def not_found(detail: str) -> ProblemError:
    """Return the error for something that does not exist."""
    return ProblemError(404, detail)


def wrong_method(method: str, allowed: Iterable[str]) -> ProblemError:
    """Return the error for a method that the path does not support."""
    allow = ", ".join(sorted(allowed))
    detail = f"{method} is not allowed here, only {allow}."
    return ProblemError(405, detail, headers={"Allow": allow})


def invalid_fields(errors: Mapping[str, Sequence[str]]) -> ProblemError:
    """Return the error for fields that are missing or of the wrong type."""
    return ProblemError(
        422,
        "Members of the body are missing or of the wrong type.",
        kind="#validation-error",
        title="Validation error",
        errors=errors,
    )


def identity_refused(*findings: tuple[str, str]) -> ProblemError:
    """Return the error for a violation of the identity rules, given codes and descriptions."""
    return ProblemError(
        422,
        "The request violates the identity rules.",
        kind="#identity-validation-error",
        title="Identity validation error",
        errors=[{"code": code, "description": text} for code, text in findings],
    )


def too_many_requests(headers: Mapping[str, str]) -> ProblemError:
    """Return the error for a call over the rate limit."""
    return ProblemError(429, "The rate limit is exceeded.", headers=headers)


def faulted(status: int) -> ProblemError:
    """Return the error of an injected fault."""
    return ProblemError(status, "This is an injected fault.")


def broken() -> ProblemError:
    """Return the error for a bug in the emulator."""
    return ProblemError(500, "The emulator failed; see its log.")
