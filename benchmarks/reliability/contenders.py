"""The four clients: both of the SDK's, and two that are typical of code without an SDK.

All make up to three attempts, with similar delays and the same timeout.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Any

import attrs
import httpx
import requests
from requests.adapters import HTTPAdapter
from tenacity import retry, retry_if_exception, stop_after_attempt, wait_random_exponential
from urllib3.util import Retry

import monocloud_async
import monocloud_sync

KEY = "canary-of-the-key"
ASYNC, SYNC, HTTPX, REQUESTS = (
    "monocloud_async",
    "monocloud_sync",
    "httpx + tenacity",
    "requests + Retry",
)
OURS = (ASYNC, SYNC)
_ATTEMPTS = 3
_TRANSIENT = (429, 500, 502, 503, 504)

Call = Callable[[str, str], Awaitable[object]]


@attrs.frozen(eq=False)
class Calls:
    """A client's calls: ``set_primary(user_id, phone_id)`` and ``add(user_id, number)``."""

    set_primary: Call
    add: Call


@attrs.frozen
class Limits:
    """A client's settings: seconds per attempt, and the maximum number of connections."""

    timeout: float = 2.0
    connections: int = 16


Contender = Callable[[str, Limits], AbstractAsyncContextManager[Calls]]


@asynccontextmanager
async def _monocloud_async(origin: str, limits: Limits) -> AsyncIterator[Calls]:
    async with monocloud_async.MonoCloudClient(
        origin, KEY, timeout=limits.timeout, max_connections=limits.connections
    ) as client:
        yield Calls(client.phones.set_primary, client.phones.add)


@asynccontextmanager
async def _monocloud_sync(origin: str, limits: Limits) -> AsyncIterator[Calls]:
    with monocloud_sync.MonoCloudClient(
        origin, KEY, timeout=limits.timeout, max_connections=limits.connections
    ) as client:
        async with _threads() as threaded:
            yield Calls(threaded(client.phones.set_primary), threaded(client.phones.add))


def _is_transient(error: BaseException) -> bool:
    if isinstance(error, httpx.HTTPStatusError):
        return error.response.status_code in _TRANSIENT
    return isinstance(error, httpx.TransportError)


@asynccontextmanager
async def _httpx_with_tenacity(origin: str, limits: Limits) -> AsyncIterator[Calls]:
    async with httpx.AsyncClient(
        base_url=origin,
        headers={"X-API-KEY": KEY},
        timeout=limits.timeout,
        limits=httpx.Limits(max_connections=limits.connections),
    ) as client:

        @retry(
            retry=retry_if_exception(_is_transient),
            stop=stop_after_attempt(_ATTEMPTS),
            wait=wait_random_exponential(multiplier=0.5, max=20),
            reraise=True,
        )
        async def post(path: str, body: Any = None) -> object:
            response = await client.post(path, json=body)
            response.raise_for_status()
            return response.json()

        yield _written_by_hand(post)


@asynccontextmanager
async def _requests_with_retry(origin: str, limits: Limits) -> AsyncIterator[Calls]:
    # Without allowed_methods=None, it never retries a POST, such as set_primary.
    retries = Retry(
        total=_ATTEMPTS - 1,
        backoff_factor=0.5,
        status_forcelist=_TRANSIENT,
        allowed_methods=None,
    )
    with requests.Session() as session:
        session.headers["X-API-KEY"] = KEY
        adapter = HTTPAdapter(max_retries=retries, pool_maxsize=limits.connections)
        session.mount("http://", adapter)

        def post(path: str, body: Any = None) -> object:
            response = session.post(origin + path, json=body, timeout=limits.timeout)
            response.raise_for_status()
            return response.json()

        async with _threads() as threaded:
            yield _written_by_hand(threaded(post))


def _written_by_hand(post: Callable[..., Awaitable[object]]) -> Calls:
    async def set_primary(user_id: str, phone_id: str) -> object:
        return await post(f"/api/users/{user_id}/phones/{phone_id}/primary")

    async def add(user_id: str, number: str) -> object:
        return await post(f"/api/users/{user_id}/phones", {"phone_number": number})

    return Calls(set_primary, add)


@asynccontextmanager
async def _threads() -> AsyncIterator[Callable[[Callable[..., object]], Callable[..., Any]]]:
    """Yield a function that makes a blocking function awaitable, by running it in a thread."""
    with ThreadPoolExecutor(64) as pool:

        def threaded(function: Callable[..., object]) -> Callable[..., Any]:
            async def call(*args: object) -> object:
                work = partial(function, *args)
                return await asyncio.get_running_loop().run_in_executor(pool, work)

            return call

        yield threaded


CONTENDERS: Mapping[str, Contender] = {
    ASYNC: _monocloud_async,
    SYNC: _monocloud_sync,
    HTTPX: _httpx_with_tenacity,
    REQUESTS: _requests_with_retry,
}


def says_applied(error: BaseException) -> bool:
    """Return whether an error says that the change was or may have been applied."""
    if isinstance(error, monocloud_async.ResponseDecodeError):
        return True
    return bool(getattr(error, "may_have_been_applied", False))
