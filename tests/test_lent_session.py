"""A session that the caller lends: its setup keeps working and does not change any call."""

from __future__ import annotations

import asyncio
import errno
import json
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from monocloud_async import MonoCloudClient, RetryPolicy, TransportError

from .calls import CALLS
from .proxy import Proxy
from .test_secrets import assert_clean
from .tls import TlsWire, trusting
from .wire import PAGE, Wire, answer, close, served

KEY = "canary-6d1f3c"
ONCE = RetryPolicy(max_attempts=1)
Sent = Callable[[Any, Any], Awaitable[aiohttp.ClientResponse]]
has_middlewares = pytest.mark.skipif(
    not hasattr(aiohttp, "ClientMiddlewareType"), reason="needs aiohttp 3.12"
)


@pytest.mark.parametrize("call", ["get", "set_primary", "remove", "add"])
async def test_default_headers_of_the_session_do_not_override_ours(call: str, wire: Wire) -> None:
    headers = {
        "content-type": "application/x-www-form-urlencoded",
        "Content-Encoding": "gzip",
        "CONTENT-LENGTH": "7",
        "Transfer-Encoding": "chunked",
        "Expect": "100-continue",
        "accept-encoding": "br",
        "x-api-key": "another",
        "Accept": "text/html",
        "X-Mine": "1",
    }
    async with aiohttp.ClientSession(headers=headers) as session:
        async with MonoCloudClient(wire.url, KEY, session=session) as client:
            await CALLS[call](client)
    (request,) = wire.requests
    sent = request.headers
    assert (sent["X-API-KEY"], sent["Accept-Encoding"], sent["X-Mine"]) == (
        KEY,
        "gzip, deflate",
        "1",
    )
    assert "application/json" in sent["Accept"]
    assert sent.get("Content-Type") == ("application/json" if call == "add" else None)
    assert not {"Content-Encoding", "Transfer-Encoding", "Expect"} & set(sent)
    assert sent.get("Content-Length", "0") == str(len(request.body))


async def test_changed_default_headers_apply_to_the_next_call(wire: Wire) -> None:
    async with aiohttp.ClientSession(headers={"Authorization": "old"}) as session:
        async with MonoCloudClient(wire.url, KEY, session=session) as client:
            await client.users.get("u")
            session.headers["Authorization"] = "new"
            await client.users.get("u")
    assert [request.headers["Authorization"] for request in wire.requests] == ["old", "new"]


async def test_encoder_timeout_and_checks_of_the_session_are_not_used() -> None:
    def encoder(_: Any) -> str:
        raise AssertionError

    timeout = aiohttp.ClientTimeout(total=0.01)

    async def slow(writer: Any) -> None:
        await asyncio.sleep(0.1)
        await answer(200, PAGE)(writer)

    async with Wire(slow) as wire:
        async with aiohttp.ClientSession(
            json_serialize=encoder, timeout=timeout, raise_for_status=True, auto_decompress=False
        ) as session:
            async with MonoCloudClient(wire.url, KEY, session=session) as client:
                await client.phones.add("u", "+441514960453")
    assert json.loads(wire.requests[0].body)["phone_number"] == "+441514960453"


async def test_cookies_and_http_version_of_the_session_are_used(wire: Wire) -> None:
    jar = aiohttp.CookieJar(unsafe=True)
    jar.update_cookies({"a": "b"})
    async with aiohttp.ClientSession(cookie_jar=jar, version=aiohttp.HttpVersion10) as session:
        async with MonoCloudClient(wire.url, KEY, session=session) as client:
            await client.users.get("u")
    assert wire.requests[0].headers["Cookie"] == "a=b"
    assert wire.requests[0].line.endswith("HTTP/1.0")


@has_middlewares
async def test_middlewares_see_each_attempt_and_may_repeat_it() -> None:
    seen: list[str] = []

    async def twice(request: Any, send: Sent) -> aiohttp.ClientResponse:
        seen.append(request.headers["X-API-KEY"])
        (await send(request)).release()
        request.headers["X-Second"] = "1"
        return await send(request)

    async with Wire(answer(401), answer()) as wire:
        async with aiohttp.ClientSession(middlewares=(twice,)) as session:
            async with MonoCloudClient(wire.url, KEY, session=session, retry=ONCE) as client:
                await client.users.get("u")
    assert (seen, len(wire.requests)) == ([KEY], 2)
    assert wire.requests[1].headers["X-Second"] == "1"


@has_middlewares
async def test_a_middleware_may_send_its_own_request_first() -> None:
    async def token(request: Any, send: Sent) -> aiohttp.ClientResponse:
        if request.url.path == "/token":
            return await send(request)
        async with request.session.get(request.url.with_path("/token")) as fetched:
            request.headers["Authorization"] = await fetched.text()
        return await send(request)

    async with Wire(answer(200, b"t1"), answer()) as wire:
        async with aiohttp.ClientSession(middlewares=(token,)) as session:
            async with MonoCloudClient(wire.url, KEY, session=session) as client:
                await client.users.get("u")
    assert [request.target for request in wire.requests] == ["/token", "/api/users/u"]
    assert "X-API-KEY" not in wire.requests[0].headers
    assert wire.requests[1].headers["Authorization"] == "t1"


async def test_connections_that_the_caller_opened_are_checked_too() -> None:
    with served(answer()) as wire:
        async with aiohttp.ClientSession() as session:
            async with MonoCloudClient(wire.url, KEY, session=session, retry=ONCE) as client:
                async with session.get(wire.url) as response:
                    await response.read()
                wire.on_open_from_outside(close)
                user = await client.phones.add("u", "+441514960453")
    assert user.response
    assert (user.response.attempts, wire.connections, len(wire.requests)) == (1, 2, 2)


async def test_traces_added_to_every_session_run_once(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []

    async def started(*_: Any) -> None:
        seen.append("call")

    traces = aiohttp.TraceConfig()
    traces.on_request_start.append(started)
    original = aiohttp.ClientSession.__init__

    def instrumented(self: Any, *args: Any, **options: Any) -> None:
        options["trace_configs"] = [*(options.get("trace_configs") or ()), traces]
        original(self, *args, **options)

    monkeypatch.setattr(aiohttp.ClientSession, "__init__", instrumented)
    async with aiohttp.ClientSession() as session:
        async with MonoCloudClient(wire.url, KEY, session=session) as client:
            await client.users.get("u")
    assert seen == ["call"]


@pytest.mark.parametrize("given", [None, ""])
async def test_the_proxy_of_the_session_is_used_unless_the_client_disables_it(
    given: str | None,
) -> None:
    async with TlsWire(answer()) as wire, Proxy() as proxy:
        connector = aiohttp.TCPConnector(ssl=trusting())
        async with aiohttp.ClientSession(connector=connector, proxy=proxy.url) as session:
            async with MonoCloudClient(wire.url, KEY, session=session, proxy=given) as client:
                await client.users.get("u")
    assert (len(wire.requests), len(proxy.requests)) == (1, 1 if given is None else 0)


class ProxyConnectionError(Exception):
    """The error of aiohttp-socks connectors: neither an aiohttp error nor an OSError."""

    __module__ = "aiohttp_socks._errors"


class SocksConnector(aiohttp.TCPConnector):
    async def _wrap_create_connection(self, *_: Any, **__: Any) -> Any:
        try:
            raise ConnectionRefusedError(errno.ECONNREFUSED, "Connect call failed")
        except OSError as error:
            raise ProxyConnectionError("Couldn't connect to proxy 127.0.0.1:9") from error


async def test_a_failing_socks_proxy_is_a_failed_connection() -> None:
    async with aiohttp.ClientSession(connector=SocksConnector()) as session:
        policy = RetryPolicy(max_attempts=2, base_delay=0.0)
        client = MonoCloudClient("http://127.0.0.1:9", KEY, session=session, retry=policy)
        message = "no connection through the proxy: Couldn't connect to proxy"
        with pytest.raises(TransportError, match=message) as caught:
            await client.phones.add("u", "+441632960961")
    assert caught.value.attempts == 2
    assert not caught.value.may_have_been_applied
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)
    assert_clean(caught.value)


async def test_a_forgotten_client_leaves_the_lent_session_open(wire: Wire) -> None:
    async with aiohttp.ClientSession() as session:
        client = MonoCloudClient(wire.url, KEY, session=session)
        await client.users.get("u")
        del client
        assert not session.closed
        await session.get(wire.url)


async def test_an_empty_proxy_overrides_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with TlsWire(answer()) as wire, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with MonoCloudClient(wire.url, KEY, ssl_context=trusting(), proxy="") as client:
            await client.users.get("u")
        connector = aiohttp.TCPConnector(ssl=trusting())
        async with aiohttp.ClientSession(connector=connector, trust_env=True) as session:
            async with MonoCloudClient(wire.url, KEY, session=session, proxy="") as client:
                await client.users.get("u")
        monkeypatch.setenv("HTTPS_PROXY", "socks5://127.0.0.1:1")
        async with MonoCloudClient(wire.url, KEY, ssl_context=trusting(), proxy="") as client:
            await client.users.get("u")
    assert (len(wire.requests), proxy.requests) == (3, [])
