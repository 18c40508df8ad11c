"""The API key never shows, wherever values are printed, stored or passed on."""

from __future__ import annotations

import asyncio
import contextlib
import copy
import json
import logging
import os
import pickle
import pprint
import signal
import subprocess
import sys
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

import monocloud_async
import monocloud_sync
import monocloud_sync.emulator
from monocloud_async import (
    ConfigurationError,
    MonoCloudClient,
    MonoCloudError,
    ResponseDecodeError,
    RetryPolicy,
    TransportError,
)
from monocloud_async._secret import Secret
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator

from . import commands, showings
from .conftest import FAST
from .proxy import Proxy
from .tls import TlsWire, trusting
from .wire import Wire, answer, close, problem, raw, reset, served, silence, then_close

# As long as real keys: tools truncate long values, and the remaining part must not show.
KEY = "canary-6d1f3c-" + "0123456789abcdef" * 6
CANARY = "6d1f3c"
PASSWORD = "canary-9e2b71"
BAD_PROXIES = f"socks5://user:{PASSWORD}@proxy:1", f"http://user:{PASSWORD}@proxy:99999"
BAD_EMULATORS: list[dict[str, Any]] = [
    {"api_key": f"{KEY} "},
    {"api_key": KEY, "port": -1},
    {"api_key": KEY, "users": 7},
]
HOST = "acme.us.monocloud.com"
IDS = ("the-user", "the-phone")
Call = Callable[[MonoCloudClient], Awaitable[object]]


def hits(shown: Iterator[str]) -> list[str]:
    return [text for text in shown if CANARY in text or PASSWORD in text]


async def caught(call: Awaitable[object]) -> BaseException:
    """Return the error of a call, as a program that reports errors sees it."""
    try:
        await call
    except BaseException as error:
        return error
    raise AssertionError("the call did not fail")


# Failed calls

STEPS = {
    "closed": close,
    "reset": reset,
    "cut short": then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")),
    "not HTTP": then_close(raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
    "long header": then_close(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n")),
    "bad header": then_close(raw(b"HTTP/1.1 200 OK\r\nX y\r\n\r\n")),
    "bad gzip": answer(200, b"junk", Content_Encoding="gzip"),
    "not JSON": answer(200, b"{"),
    "not a record": answer(200, b'{"user_id": 7}'),
    "empty": answer(200, b""),
    "redirect": answer(302, b"", Location="http://127.0.0.1:1/"),
    "silence": silence,
    "unauthorized": problem(401),
    "not found": problem(404),
    "unprocessable": problem(
        422,
        type="https://httpstatuses.io/422#identity-validation-error",
        errors=[{"code": "x", "description": "y"}],
    ),
    "rate limited": answer(429, b"", Retry_After="900"),
    "unavailable": problem(503),
}


def assert_clean(error: BaseException) -> None:
    """Check that an error refers only to its cause, an operating system error without frames."""
    cause = error.__cause__
    assert list(showings.chain(error)) == ([error] if cause is None else [error, cause])
    if cause is not None:
        assert isinstance(cause, OSError)
        assert cause.__traceback__ is None
        assert not type(cause).__module__.startswith("aiohttp")


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("attempts", [1, 2])
async def test_the_error_of_a_call_does_not_show_the_key(
    name: str, attempts: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    policy = RetryPolicy(max_attempts=attempts, base_delay=0.0)
    async with Wire(STEPS[name]) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=policy, timeout=0.2) as client:
            error = await caught(client.phones.set_primary(*IDS))
            logging.getLogger("anyone").error("it failed", exc_info=error)
            assert hits(showings.of_value(client)) == []
    assert isinstance(error, MonoCloudError)
    assert wire.requests[0].headers["X-API-KEY"] == KEY
    assert_clean(error)
    assert hits(showings.of_error(error)) == []
    assert CANARY not in caplog.text


@pytest.mark.parametrize("name", ["closed", "not JSON", "not found", "silence"])
def test_the_error_of_a_blocking_call_does_not_show_the_key(name: str) -> None:
    with served(STEPS[name]) as wire:
        with monocloud_sync.MonoCloudClient(wire.url, KEY, retry=FAST, timeout=0.2) as client:
            with pytest.raises(MonoCloudError) as caught:
                client.phones.set_primary(*IDS)
            assert hits(showings.of_value(client)) == []
    assert wire.requests[0].headers["X-API-KEY"] == KEY
    assert hits(showings.of_error(caught.value)) == []


async def test_the_error_of_a_failed_connection_does_not_show_the_key(unused_port: int) -> None:
    proxied = f"http://user:{PASSWORD}@127.0.0.1:{unused_port}"
    async with TlsWire(answer()) as wire, Proxy(status=407) as proxy, Wire(silence) as deaf:
        clients = [
            MonoCloudClient(f"http://127.0.0.1:{unused_port}", KEY, retry=FAST),
            MonoCloudClient(wire.url, KEY, retry=FAST),
            MonoCloudClient(wire.url, KEY, retry=FAST, proxy=proxied),
            MonoCloudClient(wire.url, KEY, proxy=proxy.url.replace("//", f"//user:{PASSWORD}@")),
            MonoCloudClient(f"https://127.0.0.1:{deaf.port}", KEY, timeout=0.1, retry=FAST),
            MonoCloudClient("does-not-exist.invalid", KEY, retry=FAST),
        ]
        for client in clients:
            async with client:
                error = await caught(client.phones.set_primary(*IDS))
                assert isinstance(error, TransportError)
                assert_clean(error)
                assert hits(showings.of_error(error)) == []
                assert hits(showings.of_value(client)) == []
    assert proxy.requests[0].headers["Proxy-Authorization"].startswith("Basic ")


async def test_an_error_raised_during_another_does_not_show_the_key() -> None:
    async with Wire(close) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        try:
            {}["of the caller's"]
        except KeyError as own:
            error, earlier = await caught(client.phones.set_primary(*IDS)), own
    # On Python 3.10, the context may be an old error of aiohttp's, so it is left out.
    context = {earlier} if sys.version_info >= (3, 11) else set[BaseException]()
    assert set(showings.chain(error)) == {error} | context
    assert hits(showings.of_error(error)) == []


@pytest.mark.parametrize("bad", ["", "..", None, 7, "a\nb"])
async def test_a_refused_argument_does_not_show_the_key(bad: Any) -> None:
    client = MonoCloudClient(HOST, KEY)
    error = await caught(client.phones.set_primary("u", bad))
    assert isinstance(error, monocloud_async.InvalidArgumentError)
    assert hits(showings.of_error(error)) == []


async def test_the_error_of_a_closed_client_does_not_show_the_key() -> None:
    client = MonoCloudClient(HOST, KEY)
    await client.aclose()
    error = await caught(client.users.get("u"))
    assert hits(showings.of_error(error)) == []


# Errors of other code: interrupts and bugs, which pass through the frames of aiohttp


async def test_a_cancelled_call_does_not_show_the_key() -> None:
    async with Wire(silence) as wire, MonoCloudClient(wire.url, KEY) as client:
        task = asyncio.create_task(client.phones.set_primary(*IDS))
        await wire.arrived.wait()
        task.cancel()
        error = await caught(task)
    assert isinstance(error, asyncio.CancelledError)
    assert any("aiohttp" in text for text in showings.of_error(error))
    assert hits(showings.of_error(error)) == []


@pytest.mark.parametrize("signal_name", ["start", "connection_create_start", "headers_sent", "end"])
async def test_a_bug_in_a_trace_callback_does_not_show_the_key(signal_name: str) -> None:
    async def fail(*_: object) -> None:
        raise ZeroDivisionError

    traces = aiohttp.TraceConfig()
    name = signal_name if signal_name.startswith("connection") else f"request_{signal_name}"
    getattr(traces, f"on_{name}").append(fail)
    async with Wire(answer()) as wire:
        async with aiohttp.ClientSession(trace_configs=[traces]) as session:
            client = MonoCloudClient(wire.url, KEY, session=session)
            error = await caught(client.phones.set_primary(*IDS))
    assert isinstance(error, ZeroDivisionError)
    assert any("'X-API-KEY': '***'" in text for text in showings.of_error(error))
    assert hits(showings.of_error(error)) == []


def test_an_interrupted_call_does_not_show_the_key() -> None:
    with served(silence) as wire:
        client = MonoCloudClient(wire.url, KEY)

        async def call() -> None:
            async with client:
                await client.phones.set_primary(*IDS)

        def interrupt() -> None:
            assert wait(wire)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=interrupt).start()
        try:
            asyncio.run(call())
        except KeyboardInterrupt as raised:
            error = raised
    assert len(list(showings.chain(error))) > 1 or sys.version_info < (3, 11)
    assert hits(showings.of_error(error)) == []


def test_an_interrupted_blocking_call_does_not_show_the_key() -> None:
    with served(silence) as wire:

        def interrupt() -> None:
            assert wait(wire)
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)

        threading.Thread(target=interrupt).start()
        with monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
            with pytest.raises(KeyboardInterrupt) as caught:
                client.phones.set_primary(*IDS)
    assert hits(showings.of_error(caught.value)) == []


def wait(wire: Wire) -> bool:
    """Wait until the server, on another thread, has a request; return whether it has one."""
    for _ in range(500):
        if wire.requests:
            return True
        threading.Event().wait(0.01)
    return False


# Refused settings


@pytest.mark.parametrize("kind", [MonoCloudClient, monocloud_sync.MonoCloudClient])
@pytest.mark.parametrize(
    "settings",
    [
        {"domain": "https://acme.com/path"},
        {"domain": None},
        {"timeout": 0},
        {"retry": 3},
        {"max_connections": 0},
        {"ssl_context": 1},
        {"api_key": KEY + "\n"},
        {"api_key": " " + KEY},
        {"api_key": KEY.encode()},
        {"api_key": [KEY]},
        {"proxy": f"socks5://user:{PASSWORD}@proxy.example:1080"},
        {"proxy": f"http://user:{PASSWORD}@proxy.example:99999"},
        {"proxy": f"http://user:{PASSWORD}@proxy.example:1", "domain": "http://localhost:1"},
        {"proxy": f"user:{PASSWORD}@proxy.example:1"},
        {"proxy": f"http://user:{PASSWORD}@proxy.example:3128", "timeout": 0},
    ],
)
def test_a_refused_setting_does_not_show_the_key(kind: Any, settings: dict[str, Any]) -> None:
    holder = [{"domain": HOST, "api_key": KEY, **settings}]
    del settings
    try:
        kind(**holder[0])
    except ConfigurationError as raised:
        error = raised
    # The first frame is the test's own, and its variables belong to the caller.
    assert error.__traceback__
    error.__traceback__ = error.__traceback__.tb_next
    assert hits(showings.of_error(error)) == []


def test_a_refused_environment_variable_does_not_show_the_key(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_DOMAIN", HOST)
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", f"{KEY}\n")
    with pytest.raises(ConfigurationError) as caught:
        MonoCloudClient()
    assert hits(showings.of_error(caught.value)) == []
    monkeypatch.setenv("MONOCLOUD_MANAGEMENT_API_KEY", KEY)
    for number in range(2):
        monkeypatch.setenv("HTTPS_PROXY", BAD_PROXIES[number])
        with pytest.raises(ConfigurationError, match="HTTPS_PROXY") as caught:
            MonoCloudClient()
        assert hits(showings.of_error(caught.value)) == []


@pytest.mark.parametrize("kind", [Emulator, monocloud_sync.emulator.Emulator])
@pytest.mark.parametrize("number", range(3))
def test_a_refused_emulator_setting_does_not_show_the_key(kind: Any, number: int) -> None:
    with pytest.raises(ConfigurationError) as caught:
        kind(**BAD_EMULATORS[number])
    error = caught.value
    assert error.__traceback__
    error.__traceback__ = error.__traceback__.tb_next
    assert hits(showings.of_error(error)) == []


# Objects that can be reached


async def test_nothing_reachable_from_a_client_shows_the_key() -> None:
    async with TlsWire(problem(404), answer()) as wire, Proxy() as proxy:
        url = proxy.url.replace("//", f"//user:{PASSWORD}@")
        async with MonoCloudClient(wire.url, KEY, ssl_context=trusting(), proxy=url) as client:
            error = await caught(client.phones.set_primary(*IDS))
            user = await client.phones.set_primary(*IDS)
            view = client.with_options(timeout=3)
            found = list(showings.reachable(client, view, user, error))
    kinds = {type(one).__name__ for one in found}
    assert kinds >= {"Caller", "ClientSession", "Connector", "RequestHeaders", "Secret", "User"}
    for one in found:
        if isinstance(one, Secret):
            assert repr(one) == "'***'"
        else:
            assert hits(iter((repr(one), str(one), pprint.pformat(one)))) == [], type(one)


def test_the_headers_object_does_not_show_the_key() -> None:
    headers = MonoCloudClient(HOST, KEY)._caller.headers
    assert repr(headers) == "RequestHeaders(X-API-KEY, Accept, Accept-Encoding, User-Agent)"
    assert str(headers) == f"{headers}" == repr(headers)
    assert hits(showings.of_value(headers)) == []
    for not_a_mapping in (dict, list, iter, json.dumps, vars, len):
        with pytest.raises(TypeError):
            not_a_mapping(headers)  # type: ignore[operator]
    for travel in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled or copied"):
            travel(headers)  # type: ignore[operator]


def test_a_secret_is_a_string_that_hides_its_value() -> None:
    secret = Secret(KEY)
    assert secret == KEY
    assert hash(secret) == hash(KEY)
    assert {KEY: 1}[secret] == 1
    for shown in (repr(secret), repr([secret]), repr({"k": secret}), f"{secret!r}", ascii(secret)):
        assert "***" in shown
        assert CANARY not in shown
    assert CANARY not in repr(secret[:20]) + repr(secret[7])
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(TypeError, match="a secret cannot be pickled"):
            pickle.dumps(secret, protocol)


def test_a_copied_secret_is_the_same_secret() -> None:
    headers = {"X-API-KEY": Secret(KEY)}
    for twin in (copy.copy(headers), copy.deepcopy(headers), {**headers}):
        assert twin["X-API-KEY"] is headers["X-API-KEY"]


async def test_pickled_records_and_errors_do_not_contain_the_key() -> None:
    steps = answer(), problem(404), answer(200, b"{"), close
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        user = await client.phones.set_primary(*IDS)
        errors = [await caught(client.phones.set_primary(*IDS)) for _ in range(3)]
    for thing in (user, *errors):
        for twin in (pickle.loads(pickle.dumps(thing)), copy.copy(thing), copy.deepcopy(thing)):
            assert repr(twin) == repr(thing)
            assert hits(showings.of_value(twin)) == []
        assert CANARY.encode() not in pickle.dumps(thing)
        found = showings.reachable(thing)
        assert not [one for one in found if isinstance(one, str) and CANARY in one]


# A server that echoes what it was sent


def _echo(status: int, body: Callable[[str], bytes]) -> Any:
    async def step(writer: asyncio.StreamWriter) -> None:
        await answer(status, body(KEY), X_Echo=f"key={KEY}")(writer)

    return step


@pytest.mark.parametrize("status", [200, 302, 400, 404, 500])
async def test_an_echo_of_the_key_is_masked(status: int, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    step = _echo(status, lambda key: json.dumps({"title": "No", "detail": f"k {key}"}).encode())
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        error = await caught(client.phones.set_primary(*IDS))
    assert isinstance(error, MonoCloudError)
    assert "***" in (str(vars(error)) if status == 200 else str(error))
    assert hits(showings.of_error(error)) == []
    assert CANARY.encode() not in pickle.dumps(error)
    assert CANARY not in caplog.text


async def test_an_echo_that_is_cut_within_the_key_is_masked() -> None:
    step = _echo(200, lambda key: b"x" * 480 + key.encode())
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        error = await caught(client.phones.set_primary(*IDS))
    assert isinstance(error, ResponseDecodeError)
    assert error.body == b"x" * 480 + b"***"


async def test_an_echo_of_the_whole_request_does_not_show_the_key() -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(65536):
                writer.write(
                    b"HTTP/1.1 200 OK\r\n" + data.partition(b"\r\n")[2][:-2] + b"x y\r\n\r\n"
                )
                await writer.drain()
        writer.close()

    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        async with MonoCloudClient(f"http://127.0.0.1:{port}", KEY, retry=FAST) as client:
            error = await caught(client.phones.set_primary(*IDS))
    assert isinstance(error, MonoCloudError)
    assert hits(showings.of_error(error)) == []


async def test_a_very_short_key_does_not_mask_words_in_a_server_s_message() -> None:
    async with Wire(problem(401, detail="The API key is missing.")) as wire:
        async with MonoCloudClient(wire.url, "key") as client:
            with pytest.raises(monocloud_async.UnauthorizedError, match="API key is missing"):
                await client.users.get("u")


# Logs and warnings


async def test_no_logger_receives_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.NOTSET)
    for name in ("aiohttp.client", "aiohttp.internal", "asyncio", "monocloud"):
        caplog.set_level(logging.DEBUG, logger=name)
    loop = asyncio.get_running_loop()
    loop.set_debug(True)
    # asyncio now logs each callback as slow.
    loop.slow_callback_duration = 0.0
    steps = answer(), close, problem(503), silence, raw(b"junk\r\n\r\n")
    async with Wire(*steps) as wire:
        client = MonoCloudClient(wire.url, KEY, retry=FAST, timeout=0.2)
        async with client:
            for _ in range(3):
                with contextlib.suppress(MonoCloudError):
                    await client.phones.set_primary(*IDS)
            call = asyncio.create_task(client.phones.set_primary(*IDS))
            logging.getLogger("anyone").debug("%r %r %s", client, call, client._caller)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
    loop.set_debug(False)
    names = {record.name for record in caplog.records}
    assert {"monocloud", "asyncio", "anyone"} <= names
    assert len(caplog.records) > 20
    for record in caplog.records:
        assert hits(iter((record.getMessage(), repr(vars(record))))) == []


_UNTIDY = """
import asyncio, logging, os, sys, warnings
import aiohttp
from monocloud_async import MonoCloudClient, MonoCloudError
import monocloud_sync

logging.basicConfig(level=logging.NOTSET, stream=sys.stdout)
warnings.simplefilter("always")

async def main():
    asyncio.get_running_loop().slow_callback_duration = 0.0
    async with MonoCloudClient() as client:
        await client.users.get("u")
    forgotten = MonoCloudClient(proxy=os.environ["A_PROXY"])
    try:
        await forgotten.users.get("u")
    except MonoCloudError as error:
        logging.exception("it failed")
    session = aiohttp.ClientSession()
    lent = MonoCloudClient(session=session, proxy=os.environ["A_PROXY"])
    try:
        await lent.users.get("u")
    except MonoCloudError as error:
        logging.exception("it failed")
    direct = MonoCloudClient(session=session)
    await direct.users.get("u")
    client.users.get("never awaited")
    asyncio.create_task(direct.users.get("u"))
    task = asyncio.create_task(direct.phones.set_primary("u", ".."))
    await asyncio.wait([task])
    del task

asyncio.run(main())
client = monocloud_sync.MonoCloudClient()
print(client.users.get("u").user_id)
client._async._caller.nonsense
"""


async def test_an_untidy_program_in_development_mode_prints_no_key(unused_port: int) -> None:
    async with Wire(answer()) as wire, Wire(problem(407)) as proxy:
        settings = {
            "MONOCLOUD_MANAGEMENT_DOMAIN": wire.url,
            "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
            "A_PROXY": proxy.url.replace("//", f"//user:{PASSWORD}@"),
        }
        code, printed = await _run("-X", "dev", "-c", _UNTIDY, settings=settings)
    assert code == 1
    for expected in ("Unclosed client session", "was never awaited", "Executing <", "nonsense"):
        assert expected in printed
    assert len(wire.requests) >= 3
    assert proxy.requests[0].headers["Proxy-Authorization"]
    assert CANARY not in printed
    assert PASSWORD not in printed


async def _run(*arguments: str, settings: dict[str, str]) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    printed, _ = await asyncio.wait_for(process.communicate(), 30)
    return process.returncode, printed.decode()


# The command line


@pytest.mark.parametrize(
    ("step", "options"),
    [
        (answer(), []),
        (answer(), ["--json"]),
        (problem(401), []),
        (close, []),
        (answer(200, b"{"), ["--json"]),
        (_echo(403, str.encode), []),
    ],
)
async def test_a_command_prints_no_key(step: Any, options: list[str], tmp_path: Path) -> None:
    settings = {"PYTHONDEVMODE": "1", "PYTHONASYNCIODEBUG": "1"}
    key_file = tmp_path / "key"
    key_file.write_text(f"{KEY}\n")
    command = ("-m", "monocloud_async.cli", "users", "get", "--max-attempts", "1")
    async with Wire(step) as wire:
        where = ("--domain", wire.url, "--api-key-file", str(key_file))
        _, printed = await _run(*command, *where, *options, "u", settings=settings)
    assert wire.requests[0].headers["X-API-KEY"] == KEY
    assert printed
    assert CANARY not in printed


async def test_a_crashing_command_shows_no_locals(tmp_path: Path) -> None:
    broken = (
        "import sys, monocloud_async.resources.users as users\n"
        "def get(self, user_id): raise ZeroDivisionError\n"
        "users.UsersResource.get = get\n"
        "sys.argv = ['monocloud', 'users', 'get', 'u']\n"
        "from monocloud_async.cli import main; main()\n"
    )
    settings = {
        "MONOCLOUD_MANAGEMENT_DOMAIN": HOST,
        "MONOCLOUD_MANAGEMENT_API_KEY": KEY,
        "TYPER_STANDARD_TRACEBACK": "",
    }
    code, printed = await _run("-c", broken, settings=settings)
    assert (code, "ZeroDivisionError" in printed) == (1, True)
    assert CANARY not in printed


@pytest.mark.parametrize(
    "content", [KEY + "\n\n", f" {KEY}", KEY + "\ud7ff", KEY.encode() + b"\xff", ""]
)
def test_an_invalid_key_file_does_not_show_its_content(content: Any, tmp_path: Path) -> None:
    from monocloud_async.cli.settings import make_client

    file = tmp_path / "key"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    del content
    with pytest.raises(ConfigurationError) as caught:
        make_client(HOST, file, None, 1)
    assert hits(showings.of_error(caught.value)) == []


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="it reads /proc")
async def test_no_process_has_the_key_among_its_arguments() -> None:
    settings = {"MONOCLOUD_MANAGEMENT_API_KEY": KEY}
    async with Wire(silence) as wire:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "monocloud_async.cli"),
            *("users", "get", "--domain", wire.url, "u"),
            env={**os.environ, **settings},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        await asyncio.wait_for(wire.arrived.wait(), 30)
        arguments = _read(f"/proc/{process.pid}/cmdline")
        process.terminate()
        await process.wait()
    assert wire.url in arguments
    assert CANARY not in arguments


def _read(path: str) -> str:
    return Path(path).read_text()


@pytest.mark.parametrize("command", [("users", "get"), ("phones", "set-primary"), ("emulator",)])
def test_no_command_takes_a_key_as_an_argument(command: tuple[str, ...]) -> None:
    usage = commands.run(*command, "--help")
    assert "--api-key-file" in usage.stdout or command == ("emulator",)
    assert "--api-key " not in usage.stdout.replace("--api-key-file", "")
    refused = commands.run(*command, "--api-key", KEY)
    assert (refused.returncode, "No such option: --api-key" in refused.stderr) == (2, True)


# The emulator


async def test_the_emulator_keeps_no_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with Emulator(api_key=KEY) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            await client.phones.set_primary(USER_ID, PHONE_ID)
            await caught(client.users.get("nobody"))
        async with aiohttp.ClientSession() as session:
            for name in ("x-api-key", "X-API-KEY", "X-Api-Key"):
                for key in (KEY, KEY + "x"):
                    await session.get(f"{emulator.url}/api/users/u", headers={name: key})
            await session.get(emulator.url, headers=[("X-API-KEY", KEY), ("X-API-KEY", KEY)])
        assert len(emulator.requests) == 9
        for recorded in emulator.requests:
            assert hits(showings.of_value(recorded)) == []
            assert CANARY.encode() not in pickle.dumps(recorded)
        assert hits(iter((repr(emulator), repr(vars(emulator))))) == []
        assert hits(showings.of_value(emulator.requests)) == []
        assert emulator.api_key == KEY
        assert type(emulator.api_key) is str
    assert CANARY not in caplog.text
