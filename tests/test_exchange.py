"""One HTTP exchange: how its body is sent, and how a missing response is reported."""

from __future__ import annotations

import asyncio
import errno
import json
import math
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
from yarl import URL

from monocloud_async import MonoCloudClient
from monocloud_async._http import NoResponse, RawResponse, Request, exchange
from monocloud_async._secret import Secret

from . import showings
from .tls import TlsWire, refusing_clients_without_certificate, trusting
from .wire import Wire, answer, close, reset, silence

KEY = "canary-6d1f3c"
PASSWORD = "canary-9e2b71"


@asynccontextmanager
async def exchanging(url: str, **options: Any) -> AsyncIterator[Any]:
    """Yield a function that makes one exchange with a server."""
    async with MonoCloudClient(url, KEY, **options) as client:
        transport = client._caller

        async def once(
            method: str = "POST", body: object = None, limit: float = 5.0
        ) -> RawResponse | NoResponse:
            pool = transport.sessions.opened() or await transport.sessions.open()
            request = Request(method, URL(url) / "api", transport.headers, body, transport.proxy)
            return await exchange(pool, request, limit)

        yield once


# Bodies


@pytest.mark.parametrize("body", [{}, [], {"a": [1, None, "ü"]}, "x", 0, False, [[]]])
async def test_any_json_value_is_sent_as_json(body: object, wire: Wire) -> None:
    async with exchanging(wire.url) as once:
        assert (await once(body=body)).status == 200
    (request,) = wire.requests
    assert request.headers["Content-Type"] == "application/json"
    assert json.loads(request.body) == body


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "PATCH", "DELETE"])
async def test_a_request_without_a_body_has_no_content_type(method: str, wire: Wire) -> None:
    async with exchanging(wire.url) as once:
        await once(method)
    assert "Content-Type" not in wire.requests[0].headers
    assert wire.requests[0].body == b""


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
async def test_values_outside_json_are_not_sent(number: float, wire: Wire) -> None:
    async with exchanging(wire.url) as once:
        with pytest.raises(ValueError, match="nothing was sent") as caught:
            await once(body={"password": PASSWORD, "number": number})
        with pytest.raises(ValueError, match="nothing was sent"):
            await once(body={"when": object()})
    assert caught.value.__cause__ is None
    assert wire.connections == 0


@pytest.mark.parametrize("kind", ["own", "lent"])
@pytest.mark.parametrize("moment", ["start", "chunk_sent", "headers_sent", "end", "cancel"])
async def test_no_frame_shows_the_content_of_a_body(kind: str, moment: str) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    traces = aiohttp.TraceConfig()
    if kind == "lent" and moment != "cancel":
        getattr(traces, f"on_request_{moment}").append(fail)
    async with Wire(silence if moment == "cancel" else answer()) as wire:
        async with aiohttp.ClientSession(trace_configs=[traces]) as session:
            options = {"session": session} if kind == "lent" else {}
            async with exchanging(wire.url, **options) as once:
                call = asyncio.ensure_future(once(body={"password": Secret(PASSWORD)}))
                if moment == "cancel":
                    await wire.arrived.wait()
                    call.cancel()
                try:
                    await call
                except BaseException as raised:
                    error: BaseException | None = raised
                else:
                    error = None
    if error is None:
        assert (kind, moment) != ("own", "cancel")
        assert kind == "own" or moment == "chunk_sent"
        return
    shown = list(showings.of_error(error))
    assert not [text for text in shown if PASSWORD in text or KEY in text]
    assert any("aiohttp" in text for text in shown)


# Causes


def cleaned(cause: BaseException | None) -> None:
    """Assert that a cause holds only what the system reported."""
    assert cause is not None
    assert cause.__traceback__ is cause.__cause__ is cause.__context__ is None
    reached = list(showings.reachable(cause))
    assert not [one for one in reached if type(one).__module__.startswith(("aiohttp", "yarl"))]
    assert not [one for one in reached if isinstance(one, str) and KEY in one]


async def test_a_refused_connection_has_its_errno(unused_port: int) -> None:
    async with exchanging(f"http://127.0.0.1:{unused_port}") as once:
        result = await once()
    assert isinstance(result.cause, ConnectionRefusedError)
    assert result.cause.errno == errno.ECONNREFUSED
    assert result.cause.strerror
    assert not result.reached_server
    cleaned(result.cause)


async def test_an_unknown_host_has_its_errno() -> None:
    async with exchanging("https://does-not-exist.invalid") as once:
        result = await once()
    assert isinstance(result.cause, OSError)
    assert isinstance(result.cause, socket.gaierror) or result.cause.errno
    cleaned(result.cause)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_reset_connection_has_its_errno_and_is_not_sent_again(method: str) -> None:
    async with Wire(reset) as wire, exchanging(wire.url) as once:
        result = await once(method)
    assert isinstance(result.cause, ConnectionResetError)
    assert "reset" in result.reason
    assert (result.reached_server, result.permanent, len(wire.requests)) == (True, False, 1)
    cleaned(result.cause)


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
async def test_a_connection_that_simply_closes_has_no_cause(method: str) -> None:
    async with Wire(close) as wire, exchanging(wire.url) as once:
        result = await once(method)
    assert result.cause is None
    assert "closed the connection without a response" in result.reason
    assert len(wire.requests) == 1


async def test_an_untrusted_certificate_has_its_own_error_type() -> None:
    async with TlsWire(answer()) as wire, exchanging(wire.url) as once:
        result = await once()
    assert isinstance(result.cause, ssl.SSLCertVerificationError)
    assert result.cause.reason == "CERTIFICATE_VERIFY_FAILED"
    assert result.cause.verify_message
    assert (result.permanent, result.reached_server) == (True, False)
    cleaned(result.cause)


# Python 3.10 leaves a TLS transport half open after an alert.
@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
async def test_a_missing_client_certificate_is_named_by_the_reason() -> None:
    with refusing_clients_without_certificate("localhost") as server:
        async with exchanging(server.url, ssl_context=trusting()) as once:
            result = await once()
    assert isinstance(result.cause, ssl.SSLError)
    assert "CERTIFICATE" in (result.cause.reason or "")
    assert result.permanent
    cleaned(result.cause)


async def test_a_time_limit_has_no_cause() -> None:
    async with Wire(silence) as wire, exchanging(wire.url) as once:
        result = await once(limit=0.05)
        assert (await once(limit=0.0)).timed_out
    assert (result.timed_out, result.cause, len(wire.requests)) == (True, None, 1)
