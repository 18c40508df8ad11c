"""Every error of the SDK.

MonoCloudError
├── ConfigurationError                also ValueError: nothing was sent
├── InvalidArgumentError              also ValueError: nothing was sent
├── InvalidRecordError                also ValueError: from_dict was given something else
├── PhoneNotFoundError                also LookupError: no phone of the user has the number
├── PagingError                       a list that would never end was left
├── TransportError                    no usable answer came
│   └── RequestTimeoutError           also TimeoutError: a time limit passed
├── ResponseDecodeError               a 2xx that cannot be read: the change was applied
└── APIError                          the API said no
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

All of them pickle and copy, and none of them ever holds the API key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http.client import responses
from typing import Any

from ._messages import history, one_line
from ._problem import IdentityFinding, identity_findings, key_findings, text_of
from .response import Headers, trace_id_of


class MonoCloudError(Exception):
    """Anything that the SDK raises on purpose."""

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (type(self), self.args, self.__dict__.copy())


def _restore(kind: type[MonoCloudError], args: Any, state: dict[str, Any]) -> MonoCloudError:
    error = kind.__new__(kind)
    error.args = args
    error.__dict__.update(state)
    return error


class ConfigurationError(MonoCloudError, ValueError):
    """The client is set up or used in a way that cannot work; nothing was sent."""


class InvalidArgumentError(MonoCloudError, ValueError):
    """An argument of a call cannot be right; nothing was sent."""


class InvalidRecordError(MonoCloudError, ValueError):
    """The value is not a record of the API; ``path`` says where, such as ``$.emails[0].id``."""

    def __init__(self, message: str, *, path: str = "$") -> None:
        super().__init__(message)
        self.path = path


class PhoneNotFoundError(MonoCloudError, LookupError):
    """The number is not that of one phone of the user, whose ``endings`` end like ``…0453``."""

    def __init__(self, message: str, *, endings: Sequence[str]) -> None:
        super().__init__(message)
        self.endings: tuple[str, ...] = tuple(endings)


class PagingError(MonoCloudError):
    """The API contradicts itself over the pages of a list; ``page`` is the number of the page."""

    def __init__(self, message: str, *, page: int) -> None:
        super().__init__(message)
        self.page = page


class TransportError(MonoCloudError):
    """No usable answer came: the connection failed, broke, or brought something other than HTTP.

    Attributes:
        operation: what was called, such as ``phones.set_primary``.
        attempts: how many times it was tried.
        may_have_been_applied: whether a try reached the server, so that the change may be made.
        permanent: whether it would be the same the next time, as where no certificate is trusted.
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
        """The older name of ``permanent``."""
        return self.permanent

    def __str__(self) -> str:
        said = history(self.attempts, self.may_have_been_applied)
        return f"{self.operation}: {self.args[0]}{said}"


class RequestTimeoutError(TransportError, TimeoutError):
    """A time limit passed; the message says which, the attempt's timeout or the deadline."""


class ResponseDecodeError(MonoCloudError):
    """The API said yes, so the change was applied, but what it said cannot be read.

    Attributes:
        operation, attempts: as for TransportError.
        status: the HTTP status, a 2xx.
        headers: the answer's headers.
        body: the first bytes of the answer.
        path: the JSON path of what cannot be read; None where the body is not JSON.
        trace_id: the server's name for this exchange, if it gave one.
        may_have_been_applied: True, but for an operation that only reads.
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
    """The API answered with anything but success.

    Attributes:
        status: the HTTP status.
        problem: the problem+json body, whole; empty where there was none to read.
        headers: the answer's headers, names in any case.
        operation, attempts: as for TransportError.
        retry_after: seconds that the server asked to wait; None where it did not say.
        may_have_been_applied: whether this try or an earlier one may have made the change.
        hint: what to do about it, where the arguments of the call show a likely mistake.
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
        """The problem's short name, if it has one."""
        return text_of(self.problem.get("title"))

    @property
    def detail(self) -> str | None:
        """What the problem says of this very call, if anything."""
        return text_of(self.problem.get("detail"))

    @property
    def trace_id(self) -> str | None:
        """The server's name for this exchange, to give to its support."""
        said = text_of(self.problem.get("trace_id")) or text_of(self.problem.get("traceId"))
        return one_line(said or "") or trace_id_of(self.headers)

    @property
    def error_code(self) -> str | None:
        """The API's code for what went wrong, where it sends one."""
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
    """400: the API does not accept the request."""


class UnauthorizedError(APIError):
    """401: the API key is missing, wrong or withdrawn."""


class PaymentRequiredError(APIError):
    """402: the tenant's plan does not have this."""


class ForbiddenError(APIError):
    """403: the API key may not do this."""


class NotFoundError(APIError):
    """404: the user, or what belongs to the user, does not exist."""


class ConflictError(APIError):
    """409: the change collides with another."""


class UnprocessableError(APIError):
    """422: the request is well-formed and cannot be carried out."""


class IdentityValidationError(UnprocessableError):
    """422: the tenant's identity rules refuse it; ``errors`` says why, as codes."""

    @property
    def errors(self) -> Sequence[IdentityFinding]:
        """The code and description of each finding."""
        return identity_findings(self.problem)

    def _findings(self) -> str:
        return ", ".join(code or description for code, description in self.errors)


class KeyValidationError(UnprocessableError):
    """422: fields of the request are refused; ``errors`` says which and why."""

    @property
    def errors(self) -> Mapping[str, Sequence[str]]:
        """The messages for each field."""
        return key_findings(self.problem)

    def _findings(self) -> str:
        return ", ".join(f"{field}: {' '.join(said)}" for field, said in self.errors.items())


class RateLimitedError(APIError):
    """429: too many calls; ``retry_after`` says when to come again, if the server did."""


class ServerError(APIError):
    """5xx: the API or something before it failed."""
