"""A FastAPI app with one MonoCloud client, which turns the SDK's errors into HTTP responses."""

import logging
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse

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

# A visitor waits for the response, so give up sooner than a batch would.
INTERACTIVE = RetryPolicy(deadline=15.0, max_retry_after=2.0)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[dict[str, MonoCloudClient]]:
    """Open the client when the app starts, and close it when the app stops."""
    async with MonoCloudClient(timeout=5.0, retry=INTERACTIVE) as client:
        yield {"monocloud": client}


app = FastAPI(title="Phones", lifespan=lifespan)


def get_monocloud(request: Request) -> MonoCloudClient:
    """Return the app's client. Tests override this."""
    return request.state.monocloud


MonoCloud = Annotated[MonoCloudClient, Depends(get_monocloud)]


@app.post("/users/{user_id}/primary-phone/{phone_id}")
async def set_primary_phone(
    user_id: str, phone_id: str, monocloud: MonoCloud
) -> dict[str, str | None]:
    """Make one of the user's phones primary."""
    user = await monocloud.phones.set_primary(user_id, phone_id)
    return {"primary": user.primary_phone and user.primary_phone.phone}


@app.exception_handler(NotFoundError)
@app.exception_handler(InvalidArgumentError)
async def not_found(_: Request, __: MonoCloudError) -> JSONResponse:
    """Respond to ids that do not exist, and to text that cannot be an id."""
    return JSONResponse({"error": "No such user, or the user has no such phone"}, 404)


@app.exception_handler(RateLimitedError)
async def busy(_: Request, error: RateLimitedError) -> JSONResponse:
    """Pass the tenant's rate limit on, so that the caller tries again later."""
    wait = math.ceil(error.retry_after or 1)
    return JSONResponse({"error": "Busy"}, 503, headers={"Retry-After": str(wait)})


@app.exception_handler(MonoCloudError)
async def failed(_: Request, error: MonoCloudError) -> JSONResponse:
    """Respond to all other errors, and say whether the change may have been made."""
    log.error("%s", error)  # one line with the trace id, never the API key
    status = 504 if isinstance(error, RequestTimeoutError) else 502
    unknown = getattr(error, "may_have_been_applied", False)
    return JSONResponse({"error": "Upstream failed", "may_have_been_applied": unknown}, status)
