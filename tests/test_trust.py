"""Redirects, proxies and certificates: only the tenant gets the API key."""

from __future__ import annotations

import asyncio
import base64
import os
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
import trustme

import monocloud_sync
from monocloud_async import APIError, ConfigurationError, MonoCloudClient, TransportError, User

from .conftest import FAST
from .proxy import Proxy
from .tls import (
    AUTHORITY,
    TlsWire,
    refusing_clients_without_certificate,
    serving,
    serving_clients_with_certificates,
    showing_certificate,
    trusting,
)
from .wire import Wire, answer, close, problem, raw, reset, then_close

KEY = "canary-6d1f3c"
PASSWORD = "canary-9e2b"
HOST = "acme.us.monocloud.com"
REDIRECTS = [301, 302, 303, 307, 308]
has_tls_in_tls = sys.version_info >= (3, 11)


async def failure(client: MonoCloudClient) -> TransportError:
    """Make a call that must not be sent twice, and return its error."""
    async with client:
        with pytest.raises(TransportError) as caught:
            await client.phones.add("u", "+441514960453")
    assert caught.value.__context__ is None
    assert "\n" not in str(caught.value)
    return caught.value


# Redirects


@asynccontextmanager
async def _another_server() -> AsyncIterator[Wire]:
    """Yield another server, and check that nothing connects to it."""
    async with Wire(answer()) as wire:
        yield wire
        assert (wire.connections, wire.requests) == (0, [])


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("call", ["users.get", "phones.set_primary", "phones.remove"])
async def test_a_redirect_to_another_server_is_not_followed(status: int, call: str) -> None:
    resource, name = call.split(".")
    async with _another_server() as other:
        to = f"{other.url}/api/users/u"
        async with Wire(answer(status, b"", Location=to)) as wire:
            async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
                method = getattr(getattr(client, resource), name)
                with pytest.raises(APIError, match="redirects are not followed") as caught:
                    await method(*(["u"] if name == "get" else ["u", "p"]))
    assert (caught.value.status, caught.value.attempts, len(wire.requests)) == (status, 1, 1)
    assert caught.value.headers["location"] == to


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize(
    "to", ["/elsewhere", "elsewhere", "?x", "//{host}/api", "{url}/elsewhere", "", "javascript:x"]
)
async def test_a_redirect_within_the_tenant_is_not_followed(status: int, to: str) -> None:
    async with Wire(answer()) as wire:
        where = to.format(url=wire.url, host=wire.url.partition("//")[2])
        wire.script(answer(status, b"", Location=where))
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(APIError) as caught:
                await client.phones.set_primary("u", "p")
    assert (caught.value.status, len(wire.requests)) == (status, 1)


@pytest.mark.parametrize("status", REDIRECTS)
async def test_a_lent_session_follows_no_redirect(status: int) -> None:
    async with _another_server() as other:
        async with Wire(answer(status, b"", Location=other.url)) as wire:
            async with aiohttp.ClientSession(raise_for_status=True) as session:
                client = MonoCloudClient(wire.url, KEY, session=session)
                with pytest.raises(APIError, match="redirects are not followed"):
                    await client.phones.set_primary("u", "p")


async def test_a_refresh_header_is_ignored() -> None:
    async with _another_server() as other:
        async with Wire(answer(Refresh=f"0; url={other.url}", Link=f"<{other.url}>")) as wire:
            async with MonoCloudClient(wire.url, KEY) as client:
                await client.users.get("u")
    assert len(wire.requests) == 1


# .netrc


@pytest.mark.parametrize("variable", ["NETRC", "HOME"])
async def test_credentials_in_a_netrc_are_not_sent(
    variable: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / ".netrc"
    netrc.write_text("machine localhost login u password secret\ndefault login u password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv(variable, str(netrc if variable == "NETRC" else tmp_path))
    async with TlsWire(answer()) as wire, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        async with MonoCloudClient(wire.url, KEY, ssl_context=trusting()) as client:
            await client.users.get("u")
    for request in (*wire.requests, *proxy.requests):
        assert not [name for name in request.headers if "authorization" in name.lower()]


# Proxies


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
async def test_the_key_is_encrypted_through_a_proxy_of_the_environment(
    variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TlsWire(answer()) as wire, Proxy() as proxy:
        monkeypatch.setenv(variable, proxy.url)
        async with MonoCloudClient(wire.url, KEY, ssl_context=trusting()) as client:
            await client.phones.set_primary("the-user", "the-phone")
            await client.phones.set_primary("the-user", "the-phone")
    assert proxy.targets == [f"localhost:{wire.port}"]
    assert [request.headers["X-API-KEY"] for request in wire.requests] == [KEY, KEY]
    assert (wire.handshakes, wire.connections) == (1, 1)
    assert len(proxy.passed) > 1000
    for hidden in (KEY, "the-user", "the-phone", "X-API-KEY", "monocloud-python"):
        assert hidden.encode() not in proxy.passed


async def test_a_blocking_client_uses_the_proxy_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def call(url: str) -> User:
        with monocloud_sync.MonoCloudClient(url, KEY, ssl_context=trusting()) as client:
            return client.phones.set_primary("u", "p")

    async with TlsWire(answer()) as wire, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        await asyncio.to_thread(call, wire.url)
    assert proxy.targets == [f"localhost:{wire.port}"]
    assert wire.requests[0].headers["X-API-KEY"] == KEY
    assert KEY.encode() not in proxy.passed


async def test_the_tenant_is_addressed_by_name_and_must_prove_its_identity() -> None:
    async with TlsWire(answer(), context=serving(HOST)) as wire, Proxy(wire.port) as proxy:
        async with MonoCloudClient(HOST, KEY, ssl_context=trusting(), proxy=proxy.url) as client:
            await client.users.get("u")
    assert proxy.targets == [f"{HOST}:443"]
    assert wire.requests[0].headers["Host"] == HOST
    async with TlsWire(answer(), context=serving("evil.example")) as wire:
        async with Proxy(wire.port) as proxy:
            error = await failure(
                MonoCloudClient(HOST, KEY, ssl_context=trusting(), proxy=proxy.url)
            )
    assert f"the certificate of {HOST}:443 is not trusted" in str(error)
    assert (error.attempts, error.may_have_been_applied, wire.requests) == (1, False, [])
    assert KEY.encode() not in proxy.passed


@pytest.mark.parametrize(
    ("domain", "no_proxy", "direct"),
    [
        ("localhost", "localhost", True),
        ("localhost", "LOCALHOST", True),
        ("localhost", ".localhost", True),
        ("localhost", "localhost:{port}", True),
        ("localhost", "localhost:1", False),
        ("localhost", "example.com, localhost ,example.org", True),
        ("localhost", "*", True),
        ("localhost", "example.com,*", True),
        ("localhost", "calhost", False),
        ("localhost", "localhost.example.com", False),
        ("localhost", "", False),
        ("localhost", ",", False),
        ("localhost", "127.0.0.0/8", False),
        ("127.0.0.1", "127.0.0.1", True),
        ("127.0.0.1", "127.0.0.1:{port}", True),
        ("127.0.0.1", "127.0.0.0/8", True),
        ("127.0.0.1", "127.0.0.5/8", True),
        ("127.0.0.1", "10.0.0.0/8,192.168.0.0/16", False),
        ("127.0.0.1", "127.0.0.0/99,::/0", False),
    ],
)
async def test_no_proxy_is_honoured(
    domain: str, no_proxy: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with TlsWire(answer()) as wire, Proxy() as proxy:
        monkeypatch.setenv("HTTPS_PROXY", proxy.url)
        monkeypatch.setenv("NO_PROXY", no_proxy.format(port=wire.port))
        url = f"https://{domain}:{wire.port}"
        async with MonoCloudClient(url, KEY, ssl_context=trusting()) as client:
            await client.users.get("u")
    assert len(wire.requests) == 1
    assert proxy.targets == ([] if direct else [f"{domain}:{wire.port}"])


@pytest.mark.parametrize(
    ("domain", "no_proxy", "direct"),
    [
        (HOST, "monocloud.com", True),
        (HOST, ".monocloud.com", True),
        (HOST, "*.monocloud.com", True),
        (HOST, ".us.monocloud.com:443", True),
        (HOST, "us.monocloud.com:8443", False),
        (HOST, "cloud.com", False),
        (HOST, "monocloud.com.", False),
        (HOST, "10.0.0.0/8", False),
        (f"{HOST}:8443", HOST, True),
        (f"{HOST}:8443", f"{HOST}:443", False),
        ("https://[::1]:8443", "::1", True),
        ("https://[::1]:8443", "[::1]", True),
        ("https://[fd00::1]", "fd00::/8", True),
        ("https://[fd00::1]", "10.0.0.0/8", False),
    ],
)
def test_no_proxy_is_read_in_every_form(
    domain: str, no_proxy: str, direct: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", no_proxy)
    assert (MonoCloudClient(domain, KEY)._caller.proxy is None) is direct


def test_proxy_variables_have_an_order_of_precedence(monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy() -> str | None:
        found = MonoCloudClient(HOST, KEY)._caller.proxy
        return str(found.url) if found else None

    monkeypatch.setenv("HTTP_PROXY", "http://http.example:1")
    assert proxy() is None
    monkeypatch.setenv("ALL_PROXY", "all.example:1")
    assert proxy() == "http://all.example:1"
    monkeypatch.setenv("HTTPS_PROXY", "https://upper.example:1/")
    assert proxy() == "https://upper.example:1/"
    monkeypatch.setenv("https_proxy", "http://lower.example:1")
    assert proxy() == "http://lower.example:1"
    monkeypatch.setenv("https_proxy", "")
    assert proxy() == "http://all.example:1"
    monkeypatch.setenv("all_proxy", "")
    assert proxy() is None
    monkeypatch.setenv("ALL_PROXY", "socks5://all.example:1")
    monkeypatch.delenv("all_proxy")
    with pytest.raises(ConfigurationError, match="ALL_PROXY must be a URL"):
        proxy()


async def test_the_proxy_argument_overrides_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with TlsWire(answer()) as wire, Proxy() as proxy, _another_server() as other:
        monkeypatch.setenv("HTTPS_PROXY", other.url)
        monkeypatch.setenv("NO_PROXY", "*")
        async with MonoCloudClient(
            wire.url, KEY, ssl_context=trusting(), proxy=proxy.url
        ) as client:
            await client.users.get("u")
    assert (len(wire.requests), len(proxy.requests)) == (1, 1)


@pytest.mark.parametrize(
    ("userinfo", "pair"),
    [
        (f"user:{PASSWORD}", f"user:{PASSWORD}"),
        ("user%40corp:p%3Aa%2Fss", "user@corp:p:a/ss"),
        ("user:p%C3%A4ss", "user:päss"),
        ("user:", "user:"),
        ("user", "user:"),
        (":token", ":token"),
    ],
)
async def test_proxy_credentials_go_only_to_the_proxy(userinfo: str, pair: str) -> None:
    async with TlsWire(answer()) as wire, Proxy() as proxy:
        url = proxy.url.replace("//", f"//{userinfo}@")
        client = MonoCloudClient(wire.url, KEY, ssl_context=trusting(), proxy=url)
        async with client:
            await client.users.get("u")
            await client.users.get("u")
    expected = f"Basic {base64.b64encode(pair.encode()).decode()}"
    assert [request.headers["Proxy-Authorization"] for request in proxy.requests] == [expected]
    for request in wire.requests:
        assert not [name for name in request.headers if "authorization" in name.lower()]


@pytest.mark.parametrize(
    ("status", "attempts", "message"),
    [
        (407, 1, "the proxy requires a user and password"),
        (403, 1, "the proxy refused the connection (403)"),
        (302, 1, "the proxy refused the connection (302)"),
        (502, 3, "the proxy refused the connection (502)"),
        (503, 3, "the proxy refused the connection (503)"),
        (429, 3, "the proxy refused the connection (429)"),
    ],
)
async def test_a_proxy_s_refusal_is_reported(status: int, attempts: int, message: str) -> None:
    async with TlsWire(answer()) as wire, Proxy(status=status) as proxy:
        url = proxy.url.replace("//", f"//user:{PASSWORD}@")
        error = await failure(
            MonoCloudClient(wire.url, KEY, retry=FAST, ssl_context=trusting(), proxy=url)
        )
    assert message in str(error)
    assert (error.attempts, error.may_have_been_applied) == (attempts, False)
    assert (len(proxy.requests), wire.handshakes) == (attempts, 0)
    assert KEY.encode() not in proxy.passed
    assert PASSWORD not in repr(vars(error))


async def test_a_proxy_that_is_down_is_reported(unused_port: int) -> None:
    async with TlsWire(answer()) as wire:
        url = f"http://user:{PASSWORD}@127.0.0.1:{unused_port}"
        error = await failure(MonoCloudClient(wire.url, KEY, retry=FAST, proxy=url))
    assert f"no connection to the proxy 127.0.0.1:{unused_port}" in str(error)
    assert (error.attempts, error.may_have_been_applied, wire.handshakes) == (3, False, 0)
    assert PASSWORD not in str(error)


async def test_a_proxy_that_cannot_reach_the_tenant_is_retried(unused_port: int) -> None:
    async with TlsWire(answer()) as wire, Proxy(unused_port) as proxy:
        error = await failure(
            MonoCloudClient(wire.url, KEY, retry=FAST, ssl_context=trusting(), proxy=proxy.url)
        )
    assert (error.attempts, error.may_have_been_applied, wire.handshakes) == (3, False, 0)
    assert KEY.encode() not in proxy.passed


@pytest.mark.parametrize(
    "step", [close, reset, then_close(raw(b"SSH-2.0-OpenSSH_9.2\r\n")), problem(500)]
)
async def test_a_server_that_is_not_a_proxy_gets_no_key(step: Any) -> None:
    async with Wire(step) as wire:
        error = await failure(MonoCloudClient(HOST, KEY, retry=FAST, proxy=wire.url))
    assert not error.may_have_been_applied
    assert {request.line for request in wire.requests} == {f"CONNECT {HOST}:443 HTTP/1.1"}
    assert not [request for request in wire.requests if KEY in str(request.headers)]


@pytest.mark.skipif(not has_tls_in_tls, reason="asyncio supports TLS in TLS since Python 3.11")
async def test_a_proxy_behind_tls_is_verified_like_the_tenant() -> None:
    async with TlsWire(answer()) as wire, Proxy(tls=serving("localhost")) as proxy:
        async with MonoCloudClient(
            wire.url, KEY, ssl_context=trusting(), proxy=proxy.url
        ) as client:
            await client.users.get("u")
        assert proxy.targets == [f"localhost:{wire.port}"]
        error = await failure(MonoCloudClient(wire.url, KEY, proxy=proxy.url))
    assert f"the certificate of localhost:{proxy.port} is not trusted" in str(error)
    assert (error.attempts, len(proxy.requests), len(wire.requests)) == (1, 1, 1)


@pytest.mark.skipif(has_tls_in_tls, reason="asyncio supports TLS in TLS")
async def test_the_error_says_that_a_proxy_behind_tls_cannot_be_used() -> None:
    async with TlsWire(answer()) as wire, Proxy(tls=serving("localhost")) as proxy:
        url = proxy.url.replace("//", f"//user:{PASSWORD}@")
        with pytest.warns(RuntimeWarning, match="TLS in TLS"):
            error = await failure(
                MonoCloudClient(wire.url, KEY, ssl_context=trusting(), proxy=url, retry=FAST)
            )
    assert "Cannot initialize a TLS-in-TLS connection" in str(error)
    assert (error.may_have_been_applied, wire.requests) == (False, [])
    assert PASSWORD not in str(error)


async def test_without_tls_only_a_proxy_on_this_machine_is_allowed(
    monkeypatch: pytest.MonkeyPatch, wire: Wire
) -> None:
    for variable in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(variable, "http://proxy.example:3128")
    async with MonoCloudClient(wire.url, KEY) as client:
        await client.users.get("u")
    assert len(wire.requests) == 1
    with pytest.raises(ConfigurationError, match="would send the API key to it unencrypted"):
        MonoCloudClient(wire.url, KEY, proxy="http://proxy.example:3128")
    for path in ("localhost:1", "127.0.0.1.evil.com"):
        with pytest.raises(ConfigurationError, match="unencrypted"):
            MonoCloudClient("http://localhost:1", KEY, proxy=f"https://{path}@evil.com")
    async with Wire(answer()) as proxy:
        url = proxy.url.replace("//", "//user:pass@")
        async with MonoCloudClient("http://localhost:1", KEY, proxy=url) as client:
            await client.users.get("u")
    assert proxy.requests[0].target == "http://localhost:1/api/users/u"
    assert proxy.requests[0].headers["Proxy-Authorization"] == "Basic dXNlcjpwYXNz"


# Certificates


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_a_custom_certificate_authority_can_be_trusted(host: str) -> None:
    async with TlsWire(answer()) as wire:
        url = f"https://{host}:{wire.port}"
        async with MonoCloudClient(url, KEY, ssl_context=trusting()) as client:
            user = await client.phones.set_primary("u", "p")
        connector = aiohttp.TCPConnector(ssl=trusting())
        async with aiohttp.ClientSession(connector=connector) as session:
            await MonoCloudClient(url, KEY, session=session).users.get("u")
    assert user.response
    assert user.response.attempts == 1
    assert [request.headers["X-API-KEY"] for request in wire.requests] == [KEY, KEY]


@pytest.mark.parametrize(
    ("context", "trust", "why"),
    [
        (serving("localhost"), None, "unable to get local issuer certificate"),
        (serving("localhost"), trusting(trustme.CA()), "unable to get local issuer certificate"),
        (serving("other.example"), trusting(), "Hostname mismatch"),
        (serving("127.0.0.1"), trusting(), "Hostname mismatch"),
        (serving("localhost", expired=True), trusting(), "certificate has expired"),
    ],
)
@pytest.mark.parametrize("call", ["set_verified", "set_primary", "add"])
async def test_an_untrusted_certificate_is_reported_and_not_retried(
    context: ssl.SSLContext, trust: ssl.SSLContext | None, why: str, call: str
) -> None:
    async with TlsWire(answer(), context=context) as wire:
        client = MonoCloudClient(wire.url, KEY, retry=FAST, ssl_context=trust)
        async with client:
            with pytest.raises(TransportError) as caught:
                await getattr(client.phones, call)("u", "+441514960453")
            assert client._caller.quota.tokens == 500
    error = caught.value
    assert f"the certificate of localhost:{wire.port} is not trusted ({why}" in str(error)
    assert "nothing was sent: check the domain, or pass an ssl_context=" in str(error)
    assert "\n" not in str(error)
    assert (error.attempts, error.may_have_been_applied) == (1, False)
    assert (wire.handshakes, wire.requests) == (1, [])


async def test_a_client_can_call_a_server_that_becomes_trusted() -> None:
    trust = ssl.create_default_context()
    async with TlsWire(answer()) as wire:
        async with MonoCloudClient(wire.url, KEY, ssl_context=trust) as client:
            with pytest.raises(TransportError, match="not trusted"):
                await client.users.get("u")
            AUTHORITY.configure_trust(trust)
            await client.users.get("u")
    assert len(wire.requests) == 1


async def test_a_client_certificate_is_presented() -> None:
    context = serving_clients_with_certificates("localhost")
    async with TlsWire(answer(), context=context) as wire:
        async with MonoCloudClient(
            wire.url, KEY, retry=FAST, ssl_context=showing_certificate()
        ) as client:
            await client.phones.set_primary("u", "p")
    assert len(wire.requests) == 1


# Python 3.10 leaves a TLS transport that ends on an alert half open.
@pytest.mark.filterwarnings("ignore:unclosed transport:ResourceWarning")
@pytest.mark.parametrize("trust", [trusting(), showing_certificate(trustme.CA())])
async def test_without_a_client_certificate_the_server_reads_nothing(
    trust: ssl.SSLContext,
) -> None:
    with refusing_clients_without_certificate("localhost") as server:
        client = MonoCloudClient(server.url, KEY, retry=FAST, ssl_context=trust)
        error = await failure(client)
    assert "the server requires a client certificate: pass an ssl_context=" in str(error)
    assert (error.attempts, error.may_have_been_applied) == (1, False)
    assert (server.connections, server.read) == (1, b"")


async def test_without_a_client_certificate_tls_1_2_fails_before_anything_is_sent() -> None:
    context = serving_clients_with_certificates("localhost")
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    async with TlsWire(answer(), context=context) as wire:
        error = await failure(MonoCloudClient(wire.url, KEY, retry=FAST, ssl_context=trusting()))
    assert f"to localhost:{wire.port}: " in str(error)
    assert not str(error.args[0]).endswith(": ")
    assert (error.may_have_been_applied, wire.requests) == (False, [])


async def test_a_server_without_tls_never_sees_the_key() -> None:
    heard = b""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal heard
        heard += await reader.read(65536)
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        error = await failure(MonoCloudClient(f"https://127.0.0.1:{port}", KEY, retry=FAST))
    assert f"no TLS connection to 127.0.0.1:{port}" in str(error)
    assert (error.attempts, error.may_have_been_applied) == (3, False)
    assert KEY.encode() not in heard


_LATE = """
import asyncio, os, sys
from monocloud_async import MonoCloudClient, TransportError
import monocloud_sync

first, second = MonoCloudClient(), monocloud_sync.MonoCloudClient()
os.environ["SSL_CERT_FILE"] = sys.argv[1]
async def call():
    async with first:
        return await first.users.get("u")
print(asyncio.run(call()).response.status)
with second:
    print(second.users.get("u").response.status)
"""


async def test_ssl_cert_file_may_be_set_until_the_first_call(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    AUTHORITY.cert_pem.write_to_path(authority)
    async with TlsWire(answer()) as wire:
        settings = {
            "MONOCLOUD_MANAGEMENT_DOMAIN": wire.url,
            "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
        }
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _LATE, str(authority)),
            env={**os.environ, **settings},
            stdout=subprocess.PIPE,
        )
        printed, _ = await asyncio.wait_for(process.communicate(), 30)
    assert printed.split() == [b"200", b"200"]
    assert len(wire.requests) == 2
