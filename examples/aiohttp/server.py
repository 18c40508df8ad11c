"""An aiohttp.web app with one MonoCloud client, which opens and closes with the app."""

import logging
import math
from collections.abc import AsyncIterator, Awaitable, Callable

from aiohttp import web

from monocloud_async import (
    InvalidArgumentError,
    MonoCloudClient,
    MonoCloudError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    RetryPolicy,
)

log = logging.getLogger(__name__)
MONOCLOUD = web.AppKey("monocloud", MonoCloudClient)
# A visitor waits for the response, so give up sooner than a batch would.
INTERACTIVE = RetryPolicy(deadline=15.0, max_retry_after=2.0)
routes = web.RouteTableDef()


@routes.post("/users/{user_id}/primary-phone/{phone_id}")
async def set_primary_phone(request: web.Request) -> web.Response:
    """Make one of the user's phones primary."""
    ids = request.match_info
    user = await request.app[MONOCLOUD].phones.set_primary(ids["user_id"], ids["phone_id"])
    return web.json_response({"primary": user.primary_phone and user.primary_phone.phone})


@web.middleware
async def error_responses(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn each kind of error into a response with a suitable status."""
    # CancelledError passes through: the visitor has left, and the call ends with the handler.
    try:
        return await handler(request)
    except (NotFoundError, InvalidArgumentError):
        return web.json_response({"error": "No such user or phone"}, status=404)
    except RateLimitedError as error:
        wait = {"Retry-After": str(math.ceil(error.retry_after or 1))}
        return web.json_response({"error": "Busy"}, status=503, headers=wait)
    except MonoCloudError as error:
        log.error("%s", error)  # one line with the trace id, never the API key
        status = 504 if isinstance(error, RequestTimeoutError) else 502
        unknown = getattr(error, "may_have_been_applied", False)
        body = {"error": "Upstream failed", "may_have_been_applied": unknown}
        return web.json_response(body, status=status)


async def monocloud(app: web.Application) -> AsyncIterator[None]:
    """Open the client when the app starts, and close it when the app stops."""
    async with MonoCloudClient(timeout=5.0, retry=INTERACTIVE) as app[MONOCLOUD]:
        yield


def create_app() -> web.Application:
    """Return the app. It creates the client when it starts."""
    app = web.Application(middlewares=[error_responses])
    app.add_routes(routes)
    app.cleanup_ctx.append(monocloud)
    return app


if __name__ == "__main__":
    # Without handler_cancellation, a handler continues after its visitor has left.
    web.run_app(create_app(), port=8000, handler_cancellation=True)
