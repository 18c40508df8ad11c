"""Settings: their sources, and what a client refuses before it sends anything."""

from __future__ import annotations

import asyncio
import copy
import math
import pickle
import ssl
from typing import Any

import aiohttp
import pytest

import monocloud_sync
from monocloud_async import ConfigurationError, MonoCloudClient, MonoCloudError, RetryPolicy, User

from .wire import Wire, answer

KEY = "canary-6d1f3c"
HOST = "acme.us.monocloud.com"


def test_settings_default_to_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", HOST)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", KEY)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_TIMEOUT", "2500")
    client = MonoCloudClient()
    assert repr(client) == "MonoCloudClient('https://acme.us.monocloud.com')"
    assert client._caller.timeout == 2.5
    assert MonoCloudClient("other.com", timeout=1)._caller.timeout == 1.0
    assert "other.com" in repr(MonoCloudClient("other.com"))


def test_the_timeout_defaults_to_ten_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MonoCloudClient(HOST, KEY)._caller.timeout == 10.0
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_TIMEOUT", "")
    assert MonoCloudClient(HOST, KEY)._caller.timeout == 10.0


@pytest.mark.parametrize("given", ["5s", "0", "-1", "nan", "inf", "2.5", "1e4", " 5", "1_0", "٣"])
def test_an_invalid_environment_variable_is_named(
    given: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_TIMEOUT", given)
    with pytest.raises(ConfigurationError, match="MONOCLOUD_MANAGEMENT_TIMEOUT"):
        MonoCloudClient(HOST, KEY)
    assert MonoCloudClient(HOST, KEY, timeout=1)._caller.timeout == 1.0


@pytest.mark.parametrize("empty", [None, ""])
def test_a_missing_setting_names_its_variable(empty: str | None) -> None:
    with pytest.raises(ConfigurationError, match="MONOCLOUD_MANAGEMENT_DOMAIN"):
        MonoCloudClient(empty, KEY)
    with pytest.raises(ConfigurationError, match="MONOCLOUD_MANAGEMENT_API_KEY"):
        MonoCloudClient(HOST, empty)


def test_an_empty_argument_does_not_fall_back_to_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", HOST)
    with pytest.raises(ConfigurationError, match="domain is missing"):
        MonoCloudClient("", KEY)


@pytest.mark.parametrize(
    "key", [f"{KEY}\n", f"{KEY}\r\nX-Evil: 1", f" {KEY}", f"{KEY} x", f"{KEY}ü", f"{KEY}\x00", 7]
)
def test_a_key_that_cannot_be_sent_is_refused_without_showing_it(key: Any) -> None:
    with pytest.raises(ConfigurationError, match="printable ASCII") as caught:
        MonoCloudClient(HOST, key)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("setting", "value", "message"),
    [
        ("timeout", 0, "timeout must be a finite number of seconds, more than 0"),
        ("timeout", -1, "timeout must be"),
        ("timeout", math.nan, "timeout must be"),
        ("timeout", math.inf, "timeout must be a finite number"),
        pytest.param("timeout", 10**400, "timeout must be a finite number", id="huge"),
        ("timeout", True, "timeout must be"),
        ("timeout", "5", "timeout must be"),
        ("retry", 3, "retry must be a RetryPolicy"),
        ("retry", None, "retry must be a RetryPolicy"),
        ("max_connections", 0, "max_connections must be 1 or more"),
        ("max_connections", 1.0, "max_connections must be"),
        ("max_connections", True, "max_connections must be"),
        ("ssl_context", True, "ssl_context must be of type SSLContext, not bool"),
        ("session", object(), "session must be of type ClientSession"),
        ("proxy", " ", "proxy must be a URL"),
        ("proxy", "proxy:3128", "proxy must be a URL"),
        ("proxy", "socks5://proxy:1", "proxy must be a URL"),
        ("proxy", "SOCKS5h://proxy:1", "SOCKS proxy: for SOCKS, pass proxy='' and a session="),
        ("proxy", "http://u:secret@proxy:99999", "proxy must be a URL"),
        ("proxy", 7, "proxy must be a URL"),
    ],
)
def test_an_invalid_setting_is_refused(setting: str, value: object, message: str) -> None:
    settings: dict[str, Any] = {setting: value}
    with pytest.raises(ConfigurationError, match=message) as caught:
        MonoCloudClient(HOST, KEY, **settings)
    assert "secret" not in str(caught.value)
    assert isinstance(caught.value, ValueError)


async def test_an_ssl_context_cannot_be_combined_with_a_session() -> None:
    async with aiohttp.ClientSession() as session:
        with pytest.raises(ConfigurationError, match="your session's connector"):
            MonoCloudClient(HOST, KEY, session=session, ssl_context=ssl.create_default_context())


def test_proxies_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    def proxy(domain: str = HOST, given: str | None = None) -> str | None:
        found = MonoCloudClient(domain, KEY, proxy=given)._caller.proxy
        return str(found.url) if found else None

    assert proxy() is None
    monkeypatch.setenv("HTTPS_PROXY", "http://one:3128")
    assert proxy() == "http://one:3128"
    monkeypatch.setenv("https_proxy", "two:3128")
    assert proxy() == "http://two:3128"
    monkeypatch.setenv("NO_PROXY", "example.com,.monocloud.com")
    assert proxy() is None
    assert proxy("acme.example.org") == "http://two:3128"
    assert proxy(HOST, "http://three:1") == "http://three:1"
    monkeypatch.setenv("NO_PROXY", "*")
    assert proxy("acme.example.org") is None
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.setenv("HTTP_PROXY", "http://one:3128")
    monkeypatch.setenv("ALL_PROXY", "http://one:3128")
    assert proxy("http://127.0.0.1:80") is None


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "ALL_PROXY"])
def test_an_invalid_proxy_variable_is_named(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable.lower(), "socks5://u:secret@two:1")
    with pytest.raises(ConfigurationError, match=f"^{variable} must be") as caught:
        MonoCloudClient(HOST, KEY)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "client", [MonoCloudClient(HOST, KEY), monocloud_sync.MonoCloudClient(HOST, KEY)]
)
def test_a_client_never_shows_its_key(client: Any) -> None:
    for duplicate in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="create one in the process"):
            duplicate(client)  # type: ignore[operator]
    transport = getattr(client, "_async", client)._caller
    shown = [repr(client), str(client), repr(vars(client)), repr(transport)]
    shown += [repr(getattr(transport, name)) for name in transport.__slots__ if name[0] != "_"]
    assert KEY not in "".join(shown)
    with pytest.raises(TypeError):
        pickle.dumps(transport.headers)


async def test_a_view_has_its_own_limits_on_the_same_connections() -> None:
    policy = RetryPolicy(max_attempts=1)
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY, timeout=9) as client:
        view = client.with_options(retry=policy)
        assert (view._caller.timeout, view._caller.policy) == (9, policy)
        assert client._caller.policy == RetryPolicy()
        assert view.with_options(timeout=3)._caller.policy == policy
        await client.users.get("u")
        async with view:
            await view.users.get("u")
        await client.users.get("u")
        assert wire.connections == 1
        with pytest.raises(ConfigurationError, match="timeout must be"):
            client.with_options(timeout=0)
    with pytest.raises(ConfigurationError, match="closed"):
        await view.users.get("u")


async def test_a_closed_client_sends_nothing(wire: Wire) -> None:
    client = MonoCloudClient(wire.url, KEY)
    await client.users.get("u")
    await client.aclose()
    await client.aclose()
    with pytest.raises(ConfigurationError, match=r"closed.*nothing was sent"):
        await client.users.get("u")
    assert len(wire.requests) == 1


@pytest.mark.parametrize("steps", [1, 2])
async def test_a_lent_session_closed_as_a_call_begins_is_an_error(steps: int, wire: Wire) -> None:
    async with aiohttp.ClientSession() as session:
        client = MonoCloudClient(wire.url, KEY, session=session)
        call = asyncio.ensure_future(client.users.get("u"))
        for _ in range(steps):
            await asyncio.sleep(0)
        await session.close()
        with pytest.raises(ConfigurationError, match="session passed to the client is closed"):
            await call
    assert wire.requests == []


async def test_a_lent_session_is_used_and_never_closed(wire: Wire) -> None:
    async with aiohttp.ClientSession(headers={"X-Mine": "1"}) as session:
        async with MonoCloudClient(wire.url, KEY, session=session) as client:
            assert isinstance(await client.users.get("u"), User)
        assert not session.closed
        assert wire.requests[0].headers["X-Mine"] == "1"
        assert wire.requests[0].headers["X-API-KEY"] == KEY
        other = MonoCloudClient(wire.url, KEY, session=session)
        await other.users.get("u")
    with pytest.raises(ConfigurationError, match="session passed to the client is closed"):
        await other.users.get("u")


@pytest.mark.parametrize("call", ["users.get", "phones.set_primary", "phones.remove"])
@pytest.mark.parametrize("bad", ["", " ", ".", "..", "a\r\nb", "\x00", None, 7])
async def test_a_bad_id_sends_nothing(call: str, bad: Any, wire: Wire) -> None:
    resource, name = call.split(".")
    async with MonoCloudClient(wire.url, KEY) as client:
        method = getattr(getattr(client, resource), name)
        for ids in [(bad,)] if resource == "users" else [("u", bad), (bad, "p")]:
            with pytest.raises(MonoCloudError, match=r"_id must be .*nothing was sent"):
                await method(*ids)
    assert wire.connections == 0


@pytest.mark.parametrize(
    ("number", "flags"),
    [
        ("", {}),
        (" ", {}),
        (None, {}),
        (441514960453, {}),
        ("+44\n", {}),
        ("+441514960453", {"is_verified": "false"}),
        ("+441514960453", {"skip_restriction_checks": None}),
    ],
)
async def test_a_bad_phone_sends_nothing(number: Any, flags: dict[str, Any], wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(MonoCloudError, match=r"must be .*nothing was sent"):
            await client.phones.add("u", number, **flags)
    assert wire.connections == 0


async def test_nothing_is_opened_before_the_first_call(wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY):
        pass
    assert wire.connections == 0
