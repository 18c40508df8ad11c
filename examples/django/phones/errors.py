"""A middleware that turns the SDK's errors into HTTP responses."""

import logging
import math
from collections.abc import Callable

from django.http import HttpRequest, HttpResponse, JsonResponse

from monocloud_sync import (
    InvalidArgumentError,
    MonoCloudError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
)

log = logging.getLogger(__name__)


class ErrorResponses:
    """Turn each kind of SDK error into a response, and leave other exceptions to Django."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, _: HttpRequest, error: Exception) -> HttpResponse | None:
        """Return the response for an error that a view raised."""
        if isinstance(error, (NotFoundError, InvalidArgumentError)):
            return JsonResponse({"error": "No such user or phone"}, status=404)
        if isinstance(error, RateLimitedError):
            wait = {"Retry-After": str(math.ceil(error.retry_after or 1))}
            return JsonResponse({"error": "Busy"}, status=503, headers=wait)
        if isinstance(error, MonoCloudError):
            log.error("%s", error)  # one line with the trace id, never the API key
            status = 504 if isinstance(error, RequestTimeoutError) else 502
            unknown = getattr(error, "may_have_been_applied", False)
            body = {"error": "Upstream failed", "may_have_been_applied": unknown}
            return JsonResponse(body, status=status)
        return None
