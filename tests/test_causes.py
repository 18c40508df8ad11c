"""The cause of a TransportError: its type and error number, and nothing from the SDK."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import gc
import socket
import ssl
import traceback
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any
from unittest import mock

import pytest

import monocloud_sync
from monocloud_async import MonoCloudClient, NotFoundError, TransportError
from monocloud_async._call import Call

from .conftest import FAST
from .proxy import Proxy
from .test_exchange import cleaned
from .tls import TlsWire, serving, trusting
from .wire import Step, Wire, Writer, answer, close, problem, raw, reset, silence

KEY = "canary-6d1f3c"
PASSWORD = "canary-9e2b71"
HALF = b'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"user_id'

Place = dict[str, Any]
"""The arguments of a client, except the key."""


async def half_and_reset(writer: Writer) -> None:
    await raw(HALF)(writer)
    # The client must read what was sent before it sees the reset.
    await asyncio.sleep(0.05)
    await reset(writer)


async def half_and_close(writer: Writer) -> None:
    await raw(HALF)(writer)
    writer.close()


def plain(step: Step) -> Callable[[], AbstractAsyncContextManager[Place]]:
    @asynccontextmanager
    async def place() -> AsyncIterator[Place]:
        async with Wire(step) as wire:
            yield {"domain": wire.url}

    return place


def tls(
    *names: str, trusted: bool = True, expired: bool = False
) -> Callable[[], AbstractAsyncContextManager[Place]]:
    @asynccontextmanager
    async def place() -> AsyncIterator[Place]:
        async with TlsWire(answer(), context=serving(*names, expired=expired)) as wire:
            yield {"domain": wire.url, **({"ssl_context": trusting()} if trusted else {})}

    return place


def _unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def refused() -> AsyncIterator[Place]:
    yield {"domain": f"http://127.0.0.1:{_unused_port()}"}


@asynccontextmanager
async def unknown_host() -> AsyncIterator[Place]:
    # Independent of the network's own answers and delays.
    unknown = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with mock.patch.object(socket, "getaddrinfo", side_effect=unknown):
        yield {"domain": "does-not-exist.invalid"}


@asynccontextmanager
async def not_tls() -> AsyncIterator[Place]:
    async def junk(reader: asyncio.StreamReader, writer: Writer) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read()
        writer.close()

    server = await asyncio.start_server(junk, "127.0.0.1", 0)
    async with server:
        yield {"domain": f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"}


@asynccontextmanager
async def proxy_down() -> AsyncIterator[Place]:
    proxy = f"http://user:{PASSWORD}@127.0.0.1:{_unused_port()}"
    yield {"domain": "acme.us.monocloud.com", "proxy": proxy}


@asynccontextmanager
async def proxy_refuses() -> AsyncIterator[Place]:
    async with Proxy(status=403) as proxy:
        url = proxy.url.replace("//", f"//user:{PASSWORD}@")
        yield {"domain": "acme.us.monocloud.com", "proxy": url}


UNTRUSTED = {"reason": "CERTIFICATE_VERIFY_FAILED"}
KINDS: dict[str, tuple[Any, type[BaseException] | None, dict[str, Any]]] = {
    "refused": (refused, ConnectionRefusedError, {"errno": errno.ECONNREFUSED}),
    "unknown host": (unknown_host, socket.gaierror, {"errno": socket.EAI_NONAME}),
    "reset": (plain(reset), ConnectionResetError, {"errno": errno.ECONNRESET}),
    "reset in the body": (plain(half_and_reset), ConnectionResetError, {"errno": errno.ECONNRESET}),
    "closed": (plain(close), None, {}),
    "closed in the body": (plain(half_and_close), None, {}),
    "silent": (plain(silence), None, {}),
    "untrusted": (tls("localhost", trusted=False), ssl.SSLCertVerificationError, UNTRUSTED),
    "wrong name": (tls("elsewhere.example"), ssl.SSLCertVerificationError, {"verify_code": 62}),
    "expired": (tls("localhost", expired=True), ssl.SSLCertVerificationError, {"verify_code": 10}),
    "not TLS": (not_tls, ssl.SSLError, {"library": "SSL"}),
    "proxy down": (proxy_down, ConnectionRefusedError, {"errno": errno.ECONNREFUSED}),
    "proxy refuses": (proxy_refuses, None, {}),
}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cause_has_its_type_and_number_and_nothing_from_the_sdk(kind: str) -> None:
    where, wanted, numbers = KINDS[kind]
    async with where() as place:
        limit = 0.1 if kind == "silent" else 5
        options = {"api_key": KEY, "retry": FAST, "timeout": limit, **place}
        errors = await failure(options), await asyncio.to_thread(blocking_failure, options)
    for error in errors:
        cause = error.__cause__
        assert type(cause) is (type(None) if wanted is None else wanted)
        assert {name: getattr(cause, name) for name in numbers} == numbers
        if cause is not None:
            assert isinstance(cause, OSError)
            assert cause.errno
            assert cause.strerror
            cleaned(cause)
        shown = "".join(traceback.format_exception(error))
        assert KEY not in shown
        assert PASSWORD not in shown


async def failure(options: Place) -> TransportError:
    async with MonoCloudClient(**options) as client:
        with pytest.raises(TransportError) as caught:
            await client.phones.set_primary("u", "p")
    return caught.value


def blocking_failure(options: Place) -> TransportError:
    with monocloud_sync.MonoCloudClient(**options) as client:
        with pytest.raises(TransportError) as caught:
            client.phones.set_primary("u", "p")
    return caught.value


async def test_a_refused_call_is_freed_with_its_body_once_its_error_is() -> None:
    def calls() -> int:
        return sum(type(one) is Call for one in gc.get_objects())

    async with Wire(problem(404)) as wire, MonoCloudClient(wire.url, "key") as client:
        gc.collect()
        before = calls()
        gc.disable()
        try:
            for _ in range(3):
                with contextlib.suppress(NotFoundError):
                    await client.passwords.set("u", PASSWORD)
            assert calls() == before
        finally:
            gc.enable()
