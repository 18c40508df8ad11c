"""The mapping from error responses to exceptions; a pure function of status, headers and body."""

from __future__ import annotations

from collections.abc import Mapping

from ._problem import parse_problem
from .errors import (
    APIError,
    BadRequestError,
    ConflictError,
    ForbiddenError,
    IdentityValidationError,
    KeyValidationError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitedError,
    ServerError,
    UnauthorizedError,
    UnprocessableError,
)
from .response import Headers

_BY_STATUS: Mapping[int, type[APIError]] = {
    400: BadRequestError,
    401: UnauthorizedError,
    402: PaymentRequiredError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableError,
    429: RateLimitedError,
}
_VALIDATION_TYPES: Mapping[str, type[UnprocessableError]] = {
    "https://httpstatuses.io/422#identity-validation-error": IdentityValidationError,
    "https://httpstatuses.io/422#validation-error": KeyValidationError,
}


def api_error(
    status: int, headers: Headers, body: bytes, *, operation: str, retry_after: float | None = None
) -> APIError:
    """Return the error for a response; the HTTP status alone decides its class.

    Args:
        status: the HTTP status, not a 2xx.
        headers: the response headers.
        body: the response body; ignored unless it is a problem document.
        operation: the name of the operation.
        retry_after: seconds that the server asks to wait.
    """
    problem = parse_problem(body)
    kind = _BY_STATUS.get(status, ServerError if status >= 500 else APIError)
    if status == 422:
        kind = _VALIDATION_TYPES.get(str(problem.get("type")), kind)
    return kind(status, problem, headers, operation=operation, retry_after=retry_after)
