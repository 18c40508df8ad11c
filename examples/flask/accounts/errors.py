"""Handlers that turn the SDK's errors into HTTP responses."""

from __future__ import annotations

import math

from flask import Flask, current_app
from flask.typing import ResponseReturnValue

from monocloud_sync import (
    InvalidArgumentError,
    MonoCloudError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
)


def init_app(app: Flask) -> None:
    """Register the handlers. Flask picks the most specific one."""
    app.register_error_handler(NotFoundError, _not_found)
    app.register_error_handler(InvalidArgumentError, _not_found)
    app.register_error_handler(RateLimitedError, _busy)
    app.register_error_handler(MonoCloudError, _failed)


def _not_found(_: MonoCloudError) -> ResponseReturnValue:
    return {"error": "No such user or phone"}, 404


def _busy(error: RateLimitedError) -> ResponseReturnValue:
    return {"error": "Busy"}, 503, {"Retry-After": str(math.ceil(error.retry_after or 1))}


def _failed(error: MonoCloudError) -> ResponseReturnValue:
    # One line with the trace id, never the API key.
    current_app.logger.error("%s", error)
    status = 504 if isinstance(error, RequestTimeoutError) else 502
    unknown = getattr(error, "may_have_been_applied", False)
    return {"error": "Upstream failed", "may_have_been_applied": unknown}, status
