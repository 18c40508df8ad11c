"""All errors of the SDK.

MonoCloudError
├── ConfigurationError                also ValueError: nothing was sent
├── InvalidArgumentError              also ValueError: nothing was sent
├── InvalidRecordError                also ValueError: from_dict got data that does not fit
├── PhoneNotFoundError                also LookupError: no phone of the user has the number
├── PagingError                       the API's pages contradict each other
├── TransportError                    no usable response arrived
│   └── RequestTimeoutError           also TimeoutError: the attempt or the call timed out
├── ResponseDecodeError               an unreadable 2xx response: the change was applied
└── APIError                          the API responded with an error
    ├── BadRequestError 400
    ├── UnauthorizedError 401
    ├── PaymentRequiredError 402
    ├── ForbiddenError 403
    ├── NotFoundError 404
    ├── ConflictError 409
    ├── UnprocessableError 422
    │   ├── IdentityValidationError   .errors: sequence of (code, description)
    │   └── KeyValidationError        .errors: field -> messages
    ├── RateLimitedError 429
    └── ServerError 5xx

All of them can be pickled and copied, and none ever holds the API key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any

from ._messages import history, one_line
from ._problem import IdentityFinding, identity_findings, key_findings, text_of
from .response import Headers, trace_id_of


class MonoCloudError(Exception):
    """Base class of all errors that the SDK raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(kind: type[MonoCloudError], args: Any, state: dict[str, Any]) -> MonoCloudError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(MonoCloudError, ValueError):
    """The client is configured or used incorrectly; nothing was sent."""


class InvalidArgumentError(MonoCloudError, ValueError):
    """An argument of a call is invalid; nothing was sent."""


class InvalidRecordError(MonoCloudError, ValueError):
    """A value does not match the API's schema.

    Attributes:
        path: the JSON path of the mismatch, such as ``$.emails[0].id``.
    """

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class PhoneNotFoundError(MonoCloudError, LookupError):
    """The user has no phone with the number, or several and none of them is primary.

    Attributes:
        endings: the last digits of the user's phones, such as ``…0453``.
    """

    def __init__(self, message: str, *, endings: Sequence[str]) -> None:
        super().__init__(message)
        self.endings: tuple[str, ...] = tuple(endings)


class PagingError(MonoCloudError):
    """The API's pages contradict each other, so the list would never end.

    Attributes:
        page: the number of the page at which the contradiction was found.
    """

    def __init__(self, message: str, *, page: int) -> None:
        super().__init__(message)
        self.page = page


class TransportError(MonoCloudError):
    """No usable response arrived: the connection failed, broke, or did not speak HTTP.

    Attributes:
        operation: the operation, such as ``phones.set_primary``.
        attempts: the number of attempts.
        may_have_been_applied: whether an attempt reached the server, so it may have been applied.
        permanent: whether a retry would fail the same way, as with an untrusted certificate.
    """

    def __init__(
        self, reason: str, *, operation: str, attempts: int = 1, may_have_been_applied: bool = False
    ) -> None:
        super().__init__(reason)
        self.permanent: bool = False
        self.operation = operation
        self.attempts = attempts
        self.may_have_been_applied = may_have_been_applied

    @property
    def lasting(self) -> bool:
        """Former name of ``permanent``."""
        return self.permanent

    def __str__(self) -> str:
        suffix = history(self.attempts, self.may_have_been_applied)
        return f"{self.operation}: {self.args[0]}{suffix}"


class RequestTimeoutError(TransportError, TimeoutError):
    """A time limit passed: the attempt's timeout or the call's deadline, as the message says."""


class ResponseDecodeError(MonoCloudError):
    """The API accepted the request, so the change was applied, but its response is unreadable.

    Attributes:
        operation: the operation, such as ``phones.set_primary``.
        attempts: the number of attempts.
        status: the HTTP status, a 2xx.
        headers: the response headers.
        body: the first bytes of the response body.
        path: the JSON path of the part that cannot be read. None if the body is not JSON.
        trace_id: the server's trace id of the request, if it sent one.
        may_have_been_applied: True, except for operations that only read.
    """

    def __init__(
        self,
        reason: str,
        *,
        operation: str,
        status: int,
        headers: Headers,
        body: bytes,
        path: str | None = None,
        attempts: int = 1,
        may_have_been_applied: bool = True,
    ) -> None:
        super().__init__(reason)
        self.may_have_been_applied = may_have_been_applied
        self.operation = operation
        self.status = status
        self.headers = headers
        self.body = body
        self.path = path
        self.trace_id: str | None = trace_id_of(headers)
        self.attempts = attempts

    def __str__(self) -> str:
        trace = f" (trace {self.trace_id})" if self.trace_id else ""
        return f"{self.operation}: {self.args[0]}{trace}"


class APIError(MonoCloudError):
    """The API responded with an error status.

    Attributes:
        status: the HTTP status.
        problem: the complete problem+json body; empty if the response has none.
        headers: the response headers; names are case-insensitive.
        operation: the operation, such as ``phones.set_primary``.
        attempts: the number of attempts.
        retry_after: seconds that the server asks to wait. None if it does not ask.
        may_have_been_applied: whether this or an earlier attempt may have been applied.
        hint: how to fix the call, if its arguments suggest a common mistake.
    """

    def __init__(
        self,
        status: int,
        problem: Mapping[str, Any],
        headers: Headers,
        *,
        operation: str,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(status)
        self.status = status
        self.problem = problem
        self.headers = headers
        self.operation = operation
        self.attempts = 1
        self.retry_after = retry_after
        self.may_have_been_applied = False
        self.hint: str = ""

    @property
    def title(self) -> str | None:
        """The problem's title, if it has one."""
        return text_of(self.problem.get("title"))

    @property
    def detail(self) -> str | None:
        """The problem's explanation of this particular failure, if it has one."""
        return text_of(self.problem.get("detail"))

    @property
    def trace_id(self) -> str | None:
        """The server's trace id of the request, to quote in a support ticket."""
        given = text_of(self.problem.get("trace_id")) or text_of(self.problem.get("traceId"))
        return one_line(given or "") or trace_id_of(self.headers)

    @property
    def error_code(self) -> str | None:
        """The API's error code, if it sent one."""
        return text_of(self.problem.get("error_code"))

    def __str__(self) -> str:
        title = self.title or responses.get(self.status, "")
        line = f"{self.operation}: {self.status} {title}".rstrip()
        details = [part for part in (self.detail, self._findings()) if part]
        if self.retry_after is not None:
            details.append(f"the server asks to wait {self.retry_after:g} s")
        if self.hint:
            details.append(self.hint)
        if 300 <= self.status < 400:
            details.append("redirects are not followed: check the domain")
        trace = f" (trace {self.trace_id})" if self.trace_id else ""
        tail = history(self.attempts, self.may_have_been_applied) + trace
        return one_line(": ".join([line, "; ".join(details)]) if details else line) + tail

    def _findings(self) -> str:
        return ""


class BadRequestError(APIError):
    """400: the request is malformed."""


class UnauthorizedError(APIError):
    """401: the API key is missing, wrong or revoked."""


class PaymentRequiredError(APIError):
    """402: the tenant's plan does not include this feature."""


class ForbiddenError(APIError):
    """403: the API key lacks the permission for this call."""


class NotFoundError(APIError):
    """404: the user, or the part of the user that the call names, does not exist."""


class ConflictError(APIError):
    """409: the change conflicts with the current state."""


class UnprocessableError(APIError):
    """422: the request is well-formed, but cannot be processed."""


class IdentityValidationError(UnprocessableError):
    """422: the tenant's identity rules reject the change; ``errors`` lists the codes."""

    @property
    def errors(self) -> Sequence[IdentityFinding]:
        """The code and description of each violated rule."""
        return identity_findings(self.problem)

    def _findings(self) -> str:
        return ", ".join(code or description for code, description in self.errors)


class KeyValidationError(UnprocessableError):
    """422: fields of the request are invalid; ``errors`` says which and why."""

    @property
    def errors(self) -> Mapping[str, Sequence[str]]:
        """The messages by field."""
        return key_findings(self.problem)

    def _findings(self) -> str:
        return ", ".join(f"{field}: {' '.join(texts)}" for field, texts in self.errors.items())


class RateLimitedError(APIError):
    """429: too many requests; ``retry_after`` says how long to wait, if the server does."""


class ServerError(APIError):
    """5xx: the API, or a proxy in front of it, failed."""
