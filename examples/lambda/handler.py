"""An AWS Lambda handler behind an HTTP API: POST /users/{user_id}/primary-phone/{phone_id}."""

import json
import logging
import math
from typing import Any

from monocloud_sync import (
    InvalidArgumentError,
    MonoCloudClient,
    MonoCloudError,
    NotFoundError,
    RateLimitedError,
    RetryPolicy,
)

log = logging.getLogger(__name__)

# The client is outside the handler, so that warm invocations reuse its connections. If a setting is
# missing from the environment, the function fails when it starts.
client = MonoCloudClient()

# Seconds to keep for the response, after the call has given up.
RESERVE = 0.5


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Make one of the user's phones primary, within the time that Lambda has left."""
    ids = event["pathParameters"]
    try:
        user = within(context).phones.set_primary(ids["user_id"], ids["phone_id"])
    except (NotFoundError, InvalidArgumentError):
        return response(404, {"error": "No such user or phone"})
    except RateLimitedError as error:
        wait = math.ceil(error.retry_after or 1)
        return response(503, {"error": "Busy"}, {"retry-after": str(wait)})
    except MonoCloudError as error:
        log.error("%s", error)  # one line with the trace id, never the API key
        unknown = getattr(error, "may_have_been_applied", False)
        return response(502, {"error": "Upstream failed", "may_have_been_applied": unknown})
    return response(200, {"primary": user.primary_phone and user.primary_phone.phone})


def within(context: Any) -> MonoCloudClient:
    """Return a view of the client that gives up before Lambda ends the invocation."""
    left = max(context.get_remaining_time_in_millis() / 1000 - RESERVE, 0.1)
    return client.with_options(
        timeout=min(5.0, left), retry=RetryPolicy(deadline=left, max_retry_after=2.0)
    )


def response(
    status: int, body: dict[str, Any], headers: dict[str, str] | None = None
) -> dict[str, Any]:
    """Return a response in the form that API Gateway expects."""
    all_headers = {"content-type": "application/json", **(headers or {})}
    return {"statusCode": status, "headers": all_headers, "body": json.dumps(body)}
