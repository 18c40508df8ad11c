"""The contenders, which all make the same call with the same headers and parse the JSON.

Each is used as its documentation recommends, with one client for all calls and a timeout of ten
seconds. Each has 100 connections, so that no call waits for one; only requests has another default.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import (
    AbstractAsyncContextManager,
    AbstractContextManager,
    asynccontextmanager,
    contextmanager,
)

import aiohttp
import httpx
import requests
from requests.adapters import HTTPAdapter

import monocloud_async
import monocloud_sync

AsyncCall = Callable[[str], Awaitable[object]]
SyncCall = Callable[[str], object]
AsyncContender = Callable[[str], AbstractAsyncContextManager[AsyncCall]]
SyncContender = Callable[[str], AbstractContextManager[SyncCall]]

OURS = "monocloud"
_KEY = "benchmark-key"
_PHONE = "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"
_HEADERS = {"X-API-KEY": _KEY, "Accept": "application/json, application/problem+json"}
_SECONDS = 10
_CONNECTIONS = 100


def _url(origin: str, user_id: str) -> str:
    return f"{origin}/api/users/{user_id}/phones/{_PHONE}/primary"


@asynccontextmanager
async def _monocloud_async(origin: str) -> AsyncIterator[AsyncCall]:
    async with monocloud_async.MonoCloudClient(origin, _KEY) as client:
        yield lambda user_id: client.phones.set_primary(user_id, _PHONE)


@asynccontextmanager
async def _bare_aiohttp(origin: str) -> AsyncIterator[AsyncCall]:
    timeout = aiohttp.ClientTimeout(total=_SECONDS)
    async with aiohttp.ClientSession(headers=_HEADERS, timeout=timeout) as session:

        async def call(user_id: str) -> object:
            async with session.post(_url(origin, user_id)) as response:
                return json.loads(await response.read())

        yield call


@asynccontextmanager
async def _httpx_async(origin: str) -> AsyncIterator[AsyncCall]:
    async with httpx.AsyncClient(headers=_HEADERS, timeout=_SECONDS) as client:

        async def call(user_id: str) -> object:
            return (await client.post(_url(origin, user_id))).json()

        yield call


@contextmanager
def _monocloud_sync(origin: str) -> Iterator[SyncCall]:
    with monocloud_sync.MonoCloudClient(origin, _KEY) as client:
        yield lambda user_id: client.phones.set_primary(user_id, _PHONE)


@contextmanager
def _httpx_sync(origin: str) -> Iterator[SyncCall]:
    with httpx.Client(headers=_HEADERS, timeout=_SECONDS) as client:
        yield lambda user_id: client.post(_url(origin, user_id)).json()


@contextmanager
def _requests(origin: str) -> Iterator[SyncCall]:
    with requests.Session() as session:
        session.headers.update(_HEADERS)
        session.mount("http://", HTTPAdapter(pool_maxsize=_CONNECTIONS))
        yield lambda user_id: session.post(_url(origin, user_id), timeout=_SECONDS).json()


ASYNC: Mapping[str, AsyncContender] = {
    OURS: _monocloud_async,
    "aiohttp + json.loads": _bare_aiohttp,
    "httpx": _httpx_async,
}
SYNC: Mapping[str, SyncContender] = {
    OURS: _monocloud_sync,
    "httpx": _httpx_sync,
    "requests": _requests,
}
