"""What the emulator does on demand, over a real socket: faults, rate limits and counts."""

from __future__ import annotations

import asyncio
import copy
import json
import pickle
import socket
import time
import zlib
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest

import monocloud_sync
import monocloud_sync.emulator
from monocloud_async import (
    ConfigurationError,
    MonoCloudClient,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
    User,
)
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator, Fault, RateLimit

from .clock import Clock
from .wire import seen

PRIMARY = f"/api/users/{USER_ID}/phones/{PHONE_ID}/primary"
ONCE = RetryPolicy(max_attempts=1)
KEY = "emulator-key"


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with Emulator() as server:
        yield server


@pytest.fixture
async def client(server: Emulator) -> AsyncIterator[MonoCloudClient]:
    """A client that makes one attempt."""
    async with MonoCloudClient(server.url, server.api_key, retry=ONCE) as client:
        yield client


def port_of(server: Emulator) -> int:
    return int(server.url.rpartition(":")[2])


@asynccontextmanager
async def connected(server: Emulator) -> AsyncIterator[tuple[asyncio.StreamReader, Any]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port_of(server))
    try:
        yield reader, writer
    finally:
        writer.close()


def request(method: str, path: str, body: bytes = b"", *, key: str = KEY, **headers: str) -> bytes:
    lines = {
        "Host": "127.0.0.1",
        "X-API-KEY": key,
        "Content-Length": str(len(body)),
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items() if value)
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body


class Answer:
    """An answer as received: its head, its body, and the seconds until each arrived."""

    def __init__(self, head: bytes, body: bytes, head_after: float, body_after: float) -> None:
        first, *lines = head.decode().split("\r\n")
        self.status = int(first.split(" ")[1])
        self.headers = dict(line.split(": ", 1) for line in lines if line)
        self.body = body
        self.head_after, self.body_after = head_after, body_after

    @property
    def json(self) -> Any:
        return json.loads(self.body)


async def ask(
    server: Emulator, method: str = "POST", path: str = PRIMARY, body: bytes = b"", **headers: str
) -> Answer:
    """Send a request and return the answer; a truncated answer raises IncompleteReadError."""
    async with connected(server) as (reader, writer):
        began = time.monotonic()
        writer.write(request(method, path, body, **headers))
        head = await reader.readuntil(b"\r\n\r\n")
        head_after = time.monotonic() - began
        length = int(Answer(head, b"", 0, 0).headers.get("Content-Length", 0))
        content = await reader.readexactly(length)
        return Answer(head, content, head_after, time.monotonic() - began)


async def control(server: Emulator, method: str, path: str = "", document: Any = None) -> Any:
    body = b"" if document is None else json.dumps(document).encode()
    answer = await ask(server, method, f"/_emulator{path}", body, key="")
    assert answer.status == 200
    return answer.json


async def statuses(server: Emulator, count: int, path: str = PRIMARY) -> list[int]:
    return [(await ask(server, path=path)).status for _ in range(count)]


# Effects


async def test_a_status_is_returned_with_its_headers_and_problem(
    server: Emulator, client: MonoCloudClient
) -> None:
    server.faults.add(
        Fault(
            status=503,
            headers={"Retry-After": "7", "TRACEPARENT": "mine"},
            problem={"title": "Down", "more": [1]},
        )
    )
    answer = await ask(server)
    assert answer.status == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert (answer.headers["Retry-After"], answer.headers["TRACEPARENT"]) == ("7", "mine")
    assert "traceparent" not in answer.headers
    assert (answer.json["title"], answer.json["more"]) == ("Down", [1])
    assert (answer.json["status"], answer.json["instance"]) == (503, PRIMARY)
    with pytest.raises(ServerError, match="503 Down") as failed:
        await client.phones.set_primary(USER_ID, PHONE_ID)
    assert failed.value.retry_after == 7
    assert server.executions == 0
    assert [request.status for request in server.requests] == [503, 503]


@pytest.mark.parametrize("status", [201, 202, 301, 307, 408, 418, 429, 500, 501, 505, 599])
async def test_any_status_can_be_returned(server: Emulator, status: int) -> None:
    server.faults.add(Fault(status=status, headers={"Location": "http://127.0.0.1:9/"}))
    answer = await ask(server)
    assert answer.status == status
    assert answer.headers["Location"] == "http://127.0.0.1:9/"
    assert server.executions == (status < 300)
    if status < 300:
        assert answer.json == server.export()[0]
    else:
        assert answer.json["status"] == status
        assert answer.json["title"]


@pytest.mark.parametrize("status", [204, 304])
async def test_some_statuses_have_no_body(server: Emulator, status: int) -> None:
    server.faults.add(Fault(status=status))
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY) * 2)
        for _ in range(2):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(f"HTTP/1.1 {status} ".encode())


async def test_a_refused_change_can_be_carried_out_anyway(
    server: Emulator, client: MonoCloudClient
) -> None:
    server.faults.add(Fault(status=502, executed=True))
    with pytest.raises(ServerError) as failed:
        await client.phones.set_primary(USER_ID, PHONE_ID)
    assert failed.value.may_have_been_applied
    assert server.executions == 1
    primary = server.user(USER_ID).primary_phone
    assert primary
    assert primary.id == PHONE_ID


async def test_a_refused_request_is_not_carried_out(server: Emulator) -> None:
    server.faults.add(Fault(connection="reset", executed=True, times=1), Fault(delay=0.001))
    with pytest.raises(ConnectionResetError):
        await ask(server, path="/api/users/x/phones/y/primary")
    assert (await ask(server, key="wrong")).status == 401
    assert (await ask(server, path="/nowhere")).status == 404
    assert server.executions == 0
    assert [request.executed for request in server.requests] == [False] * 3
    assert [request.status for request in server.requests] == [None, 401, 404]


async def test_a_success_can_be_faked(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(delay=0.001, executed=False))
    before = server.user(USER_ID)
    assert await client.phones.set_primary(USER_ID, PHONE_ID) == before
    assert server.executions == 0


async def test_a_response_can_be_delayed(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(delay=0.1, times=1), Fault(delay=30))
    assert (await ask(server)).head_after >= 0.1
    impatient = client.with_options(timeout=0.05)
    with pytest.raises(RequestTimeoutError):
        await impatient.phones.set_primary(USER_ID, PHONE_ID)
    # The change is carried out and counted before the delay, whatever happens to the answer.
    assert server.executions == server.counts.requests == 2


async def test_a_body_can_be_delayed(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(body_delay=0.5, times=1), Fault(body_delay=30))
    answer = await ask(server)
    assert answer.head_after < 0.5 <= answer.body_after
    assert answer.json == server.export()[0]
    impatient = client.with_options(timeout=0.05)
    with pytest.raises(RequestTimeoutError):
        await impatient.phones.set_primary(USER_ID, PHONE_ID)


async def test_a_body_can_drip(server: Emulator) -> None:
    server.faults.add(Fault(drip=0.2))
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY))
        head = await reader.readuntil(b"\r\n\r\n")
        began, pieces, body = time.monotonic(), 0, b""
        while len(body) < int(Answer(head, b"", 0, 0).headers["Content-Length"]):
            body += await reader.read(65536)
            pieces += 1
    assert json.loads(body) == server.export()[0]
    assert time.monotonic() - began > 0.15
    assert pieces > 5


@pytest.mark.parametrize("late", [{"body_delay": 0.05}, {"drip": 0.2}, {"delay": 0.05}])
async def test_a_client_that_disconnects_is_not_an_error(
    server: Emulator, caplog: pytest.LogCaptureFixture, late: dict[str, Any]
) -> None:
    server.faults.add(Fault(**late, times=1))
    async with connected(server) as (_, writer):
        writer.write(request("POST", PRIMARY))
        await asyncio.sleep(0.02)
        writer.transport.abort()
    await asyncio.sleep(0.25)
    assert server.counts.requests == 1
    assert await statuses(server, 1) == [200]
    assert [record.name for record in caplog.records if record.name != "asyncio"] == []


async def test_a_body_can_be_truncated(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(body="truncated"))
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY))
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    length = int(Answer(head, b"", 0, 0).headers["Content-Length"])
    assert 0 < len(body) == length // 2
    with pytest.raises(TransportError, match="broke in the middle of the response"):
        await client.phones.set_primary(USER_ID, PHONE_ID)
    assert server.executions == 2


async def test_a_problem_can_be_truncated(server: Emulator) -> None:
    server.faults.add(Fault(status=500, body="truncated", drip=0.01))
    with pytest.raises(asyncio.IncompleteReadError) as broken:
        await ask(server)
    assert broken.value.partial.startswith(b'{"type"')
    assert server.executions == 0


@pytest.mark.parametrize("executed", [None, True])
async def test_a_response_can_be_garbage(
    server: Emulator, client: MonoCloudClient, executed: bool | None
) -> None:
    server.faults.add(Fault(body="garbage", executed=executed))
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY))
        garbage = await reader.read()
    assert garbage
    assert b"HTTP/" not in garbage
    with pytest.raises(TransportError, match="not HTTP"):
        await client.phones.set_primary(USER_ID, PHONE_ID)
    assert [request.status for request in server.requests] == [None, None]
    assert server.executions == (2 if executed else 0)


async def test_a_response_can_be_a_web_page(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(body="html", times=2), Fault(body="html", status=503, times=1))
    answer = await ask(server)
    assert (answer.status, answer.headers["Content-Type"]) == (200, "text/html; charset=utf-8")
    assert answer.body.startswith(b"<!doctype html>")
    with pytest.raises(ResponseDecodeError, match="not JSON"):
        await client.phones.set_primary(USER_ID, PHONE_ID)
    with pytest.raises(ServerError):
        await client.phones.set_primary(USER_ID, PHONE_ID)
    assert server.executions == 2


async def test_a_response_can_be_a_flood(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(body="flood"))
    answer = await ask(server)
    assert answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.body) < 2 * 2**20
    unpacked, data = 0, answer.body
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)
    while data:
        unpacked += len(unpacker.decompress(data, 2**20))
        data = unpacker.unconsumed_tail
    assert unpacker.eof
    assert unpacked == 256 * 2**20
    with pytest.raises(ResponseDecodeError, match="longer than 16 MiB"):
        await client.phones.set_primary(USER_ID, PHONE_ID)


@pytest.mark.parametrize("executed", [False, True])
async def test_a_connection_can_be_closed(server: Emulator, executed: bool) -> None:
    server.faults.add(Fault(connection="closed", executed=executed))
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY))
        assert await reader.read() == b""
    assert server.executions == executed
    assert server.counts.requests_by_status == {None: 1}


@pytest.mark.parametrize("executed", [False, True])
async def test_a_connection_can_be_reset(server: Emulator, executed: bool) -> None:
    server.faults.add(Fault(connection="reset", executed=executed, delay=0.01))
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY))
        with pytest.raises(ConnectionResetError):
            await reader.read()
    kept = server.requests[0]
    assert (kept.status, kept.executed) == (None, executed)
    assert kept.fault is not None
    assert kept.fault.connection == "reset"


async def test_an_outage_resets_and_refuses_connections(server: Emulator) -> None:
    port = port_of(server)
    server.faults.add(Fault(outage=0.2, after=1, times=1))
    async with connected(server) as (idle, _):
        assert await statuses(server, 1) == [200]
        with pytest.raises(ConnectionResetError):
            await ask(server)
        with pytest.raises(ConnectionResetError):
            await idle.read()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", port)
    await listening(port)
    assert port_of(server) == port
    assert await statuses(server, 1) == [200]
    assert server.executions == 2


async def listening(port: int) -> None:
    for _ in range(500):
        try:
            _, writer = await asyncio.open_connection("127.0.0.1", port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
        else:
            writer.close()
            return
    pytest.fail("the emulator did not start listening again")


async def test_a_paused_emulator_refuses_connections(
    server: Emulator, client: MonoCloudClient
) -> None:
    url = server.url
    async with connected(server) as (idle, _):
        await server.pause()
        await server.pause()
        with pytest.raises(ConnectionResetError):
            await idle.read()
    with pytest.raises(TransportError, match="no connection") as failed:
        await client.phones.set_primary(USER_ID, PHONE_ID)
    assert not failed.value.may_have_been_applied
    assert server.url == url
    await server.resume()
    await server.resume()
    await client.phones.set_primary(USER_ID, PHONE_ID)
    assert server.counts.requests == 1


async def test_a_paused_emulator_can_be_closed() -> None:
    tasks = asyncio.all_tasks()
    async with Emulator() as paused:
        await paused.pause()
    async with Emulator([]) as out:
        out.faults.add(Fault(outage=30))
        with pytest.raises(ConnectionResetError):
            await ask(out)
    await paused.resume()
    async with paused:
        assert await statuses(paused, 1) == [200]
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == tasks


# Selection of requests


async def test_a_fault_can_select_an_operation_and_a_user(server: Emulator) -> None:
    other = server.export()[1]["user_id"]
    server.faults.add(
        Fault(status=500, operation="users.get", user_id=USER_ID),
        Fault(status=501, operation="users.get"),
        Fault(status=502, user_id=USER_ID),
    )
    assert (await ask(server, "GET", f"/api/users/{USER_ID}")).status == 500
    assert (await ask(server, "GET", f"/api/users/{other}")).status == 501
    assert (await ask(server)).status == 502
    assert (await ask(server, "DELETE", f"/api/users/{other}/phones/x")).status == 404
    assert (await ask(server, "GET", "/nowhere")).status == 404


async def test_a_fault_can_hit_only_the_first_requests(server: Emulator) -> None:
    server.faults.add(Fault(status=503, times=2), Fault(status=500, times=1))
    assert await statuses(server, 5) == [503, 503, 500, 200, 200]


async def test_a_fault_can_spare_the_first_requests(server: Emulator) -> None:
    server.faults.add(Fault(status=503, after=2))
    assert await statuses(server, 5) == [200, 200, 503, 503, 503]


async def test_a_fault_can_hit_every_third_request(server: Emulator) -> None:
    server.faults.add(Fault(status=503, every=3, after=1, times=2))
    found = await statuses(server, 12)
    assert [n for n, status in enumerate(found, 1) if status == 503] == [4, 7]


async def test_only_matching_requests_are_counted(server: Emulator) -> None:
    server.faults.add(Fault(status=503, operation="phones.set_primary", every=2))
    found = []
    for _ in range(4):
        await ask(server, "GET", f"/api/users/{USER_ID}")
        found += await statuses(server, 1)
    assert found == [200, 503, 200, 503]


async def test_chance_is_reproducible() -> None:
    def drawn(*faults: Fault) -> list[Fault | None]:
        server = Emulator(faults=faults)
        return [server.faults.strike("users.get", "u") for _ in range(1000)]

    some = Fault(status=503, probability=0.05)
    again = Fault(status=502, probability=0.05)
    other = Fault(status=503, probability=0.05, seed=1)
    assert 30 < sum(fault is some for fault in drawn(some)) < 70
    assert drawn(some) == drawn(some)
    assert [f is None for f in drawn(some)] != [f is None for f in drawn(other)]
    # Two faults with one seed strike independently of each other.
    assert 30 < sum(fault == again for fault in drawn(some, again)) < 70
    assert set(drawn(Fault(status=503, probability=0))) == {None}
    assert None not in drawn(Fault(status=503, probability=1))


async def test_hits_of_each_fault_are_counted(server: Emulator) -> None:
    first, second = Fault(status=503, times=2), Fault(status=500)
    server.faults.add(first, second)
    assert await statuses(server, 5) == [503, 503, 500, 500, 500]
    assert (server.faults.struck(first), server.faults.struck(second)) == (2, 3)
    assert server.faults.struck() == 5
    assert [request.fault for request in server.requests] == [first] * 2 + [second] * 3


async def test_faults_are_added_and_removed(server: Emulator) -> None:
    first, second = Fault(status=503), Fault(status=500)
    server.faults.add(first, second)
    assert (list(server.faults), len(server.faults)) == ([first, second], 2)
    assert "503" in repr(server.faults)
    server.faults.remove(first)
    server.faults.remove(first)
    assert await statuses(server, 1) == [500]
    with pytest.raises(ConfigurationError, match=r"Fault\(status=503\)"):
        server.faults.add(first, {"status": 500})  # type: ignore[arg-type]
    assert list(server.faults) == [second]
    server.faults.clear()
    assert await statuses(server, 1) == [200]


# The fault itself


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "needs an effect"),
        ({"operation": "users.get", "times": 1}, "needs an effect"),
        ({"status": 199}, "status must be a whole number, from 200 to 599, not 199"),
        ({"status": 600}, "status"),
        ({"status": "503"}, "status .* not '503'"),
        ({"status": True}, "status"),
        ({"delay": -1}, "delay must be a number of seconds, 0 or more"),
        ({"delay": float("nan")}, "delay"),
        ({"drip": "1"}, "drip"),
        ({"body_delay": None}, "body_delay"),
        ({"outage": float("inf")}, "outage"),
        ({"body": "half"}, "body must be one of truncated, garbage, html, flood"),
        ({"connection": "refused"}, "connection must be one of closed, reset"),
        ({"delay": 1, "operation": "set_primary"}, "operation must be one of .*phones.set_primary"),
        ({"delay": 1, "user_id": 7}, "user_id must be a string"),
        ({"delay": 1, "times": 0}, "times must be a whole number, 1 or more"),
        ({"delay": 1, "after": -1}, "after"),
        ({"delay": 1, "every": 0}, "every"),
        ({"delay": 1, "every": None}, "every"),
        ({"delay": 1, "probability": 1.1}, "probability must be a number from 0 to 1"),
        ({"delay": 1, "probability": 5}, "probability"),
        ({"delay": 1, "seed": "x"}, "seed"),
        ({"delay": 1, "executed": 1}, "executed must be true or false"),
        ({"headers": {"A": "b\r\nc"}}, "header 'A' must be a string of printable ASCII"),
        ({"headers": {"A": 1}}, "header 'A'"),
        ({"headers": {"A b": "c"}}, "named 'A b'"),
        ({"headers": {"content-length": "9"}}, "cannot set the header content-length"),
        ({"headers": ["A"]}, "headers must be a mapping"),
        ({"headers": {1: "A"}}, "headers must be a mapping"),
        ({"problem": {"a": object()}, "status": 500}, "problem must be JSON"),
        ({"problem": {"a": float("nan")}, "status": 500}, "problem must be JSON"),
        ({"problem": "No", "status": 500}, "problem must be a mapping"),
        ({"problem": {"title": "No"}, "delay": 1}, "needs a status, 300 or more"),
        ({"problem": {"title": "No"}, "status": 200}, "needs a status, 300 or more"),
        ({"connection": "reset", "status": 503}, "both connection and status: no response"),
        ({"connection": "reset", "outage": 1}, "both connection and outage"),
        ({"connection": "closed", "body": "html"}, "both connection and body"),
        ({"outage": 1, "headers": {"A": "b"}}, "both outage and headers"),
        (
            {"body": "garbage", "status": 200},
            "both body garbage and status: the response is not HTTP",
        ),
        ({"body": "html", "status": 500, "problem": {"a": 1}}, "both body html and problem"),
        ({"status": 204, "body": "flood"}, "both status 204 and body"),
        ({"status": 304, "drip": 1}, "both status 304 and drip"),
        ({"stauts": 503}, " has no 'stauts', only status, headers"),
        ([], "must be a JSON object, not"),
    ],
)
def test_an_invalid_fault_is_refused(members: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"a fault.*{message}"):
        Fault.from_dict(members)


@pytest.mark.parametrize(
    "members",
    [
        {"status": 503},
        {"status": 429, "headers": {"Retry-After": "1"}, "problem": {"title": None}},
        {"delay": 0.5, "body_delay": 1, "drip": 2, "body": "truncated", "executed": False},
        {"connection": "reset", "executed": True, "operation": "phones.add", "user_id": "u"},
        {"outage": 2.5, "after": 1, "every": 2, "probability": 0.5, "seed": 3, "times": 4},
    ],
)
def test_a_fault_is_a_value(members: dict[str, Any]) -> None:
    fault = Fault.from_dict(members)
    assert fault == Fault(**members) != Fault(delay=9)
    assert fault.to_dict() == members == json.loads(json.dumps(fault.to_dict()))
    assert Fault.from_dict(fault.to_dict()) == fault
    assert copy.deepcopy(fault) == pickle.loads(pickle.dumps(fault)) == fault
    assert hash(fault) == hash(Fault(**members))
    with pytest.raises(AttributeError):
        fault.times = 1  # type: ignore[misc]


def test_a_fault_copies_its_arguments() -> None:
    headers, problem = {"Retry-After": "1"}, {"errors": [1]}
    fault = Fault(status=503, headers=headers, problem=problem)
    headers.clear()
    problem["errors"].clear()
    assert (fault.headers, fault.problem) == ({"Retry-After": "1"}, {"errors": [1]})


# The rate limit


@asynccontextmanager
async def limited(limit: RateLimit) -> AsyncIterator[tuple[Emulator, Clock]]:
    clock = Clock()
    async with Emulator(rate_limit=limit, clock=clock) as server:
        yield server, clock


async def burst(server: Emulator, count: int) -> list[int]:
    """Return the statuses of requests sent at once on one connection."""
    async with connected(server) as (reader, writer):
        writer.write(request("POST", PRIMARY) * count)
        found = []
        for _ in range(count):
            head = await reader.readuntil(b"\r\n\r\n")
            answer = Answer(head, b"", 0, 0)
            await reader.readexactly(int(answer.headers["Content-Length"]))
            found.append(answer.status)
        return found


async def test_a_burst_is_served_and_no_more() -> None:
    async with limited(RateLimit(200, burst=20)) as (server, clock):
        assert await burst(server, 30) == [200] * 20 + [429] * 10
        clock.now += 0.004
        assert await burst(server, 2) == [429] * 2
        clock.now += 0.001
        assert await burst(server, 2) == [200, 429]
        clock.now += 0.05
        assert await burst(server, 20) == [200] * 10 + [429] * 10
        clock.now += 3600
        assert await burst(server, 30) == [200] * 20 + [429] * 10
        assert server.executions == 51
        assert server.counts.requests_by_status == {200: 51, 429: 33}


async def test_all_requests_at_exactly_the_rate_are_served() -> None:
    async with limited(RateLimit(200, burst=1)) as (server, clock):
        async with connected(server) as (reader, writer):
            for _ in range(1000):
                writer.write(request("POST", PRIMARY))
                head = await reader.readuntil(b"\r\n\r\n")
                assert head.startswith(b"HTTP/1.1 200 ")
                await reader.readexactly(int(Answer(head, b"", 0, 0).headers["Content-Length"]))
                clock.now += 1 / 200
    assert server.executions == 1000


async def test_no_more_than_the_limit_is_served_under_load() -> None:
    async with Emulator(rate_limit=RateLimit(200, burst=20)) as server:
        began = time.monotonic()
        found = await asyncio.gather(*(burst(server, 250) for _ in range(4)))
        allowed = 20 + 200 * (time.monotonic() - began)
    served = sum(statuses.count(200) for statuses in found)
    assert 20 <= served <= allowed
    assert served == server.executions
    assert server.counts.requests == 1000


async def test_a_rate_limit_returns_429_with_retry_after() -> None:
    async with limited(RateLimit(200, burst=1)) as (server, _):
        assert not [name for name in (await ask(server)).headers if "rate" in name.lower()]
        answer = await ask(server)
        assert answer.status == answer.json["status"] == 429
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Retry-After"] == "1"
        assert not [name for name in answer.headers if "rate" in name.lower()]
        async with MonoCloudClient(server.url, server.api_key, retry=ONCE) as client:
            with pytest.raises(RateLimitedError) as refused:
                await client.phones.set_primary(USER_ID, PHONE_ID)
    assert refused.value.retry_after == 1
    assert not refused.value.may_have_been_applied


@pytest.mark.parametrize(
    ("limit", "after"),
    [
        (RateLimit(0.1, burst=1), "10"),
        (RateLimit(0.1, burst=1, retry_after=3), "3"),
        (RateLimit(1, retry_after=0), "0"),
        (RateLimit.parse("2/min burst 1"), "30"),
    ],
)
async def test_retry_after_is_the_time_to_the_next_token(limit: RateLimit, after: str) -> None:
    async with limited(limit) as (server, clock):
        assert (await ask(server)).status == 200
        assert (await ask(server)).headers["Retry-After"] == after
        if limit.retry_after is None:
            clock.now += int(after) - 1
            assert (await ask(server)).headers["Retry-After"] == "1"
            clock.now += 1
            assert (await ask(server)).status == 200


@pytest.mark.parametrize("name", ["RateLimit", "X-RateLimit"])
async def test_a_rate_limit_can_send_headers(name: Any) -> None:
    async with limited(RateLimit(10, burst=2, headers=name)) as (server, _):
        message = []
        for path in (PRIMARY, "/nowhere", PRIMARY):
            headers = (await ask(server, path=path)).headers
            message.append([headers[f"{name}-{part}"] for part in ("Limit", "Remaining", "Reset")])
        assert message == [["2", "1", "1"], ["2", "0", "1"], ["2", "0", "1"]]


async def test_a_rate_limit_applies_before_the_faults(server: Emulator) -> None:
    server.rate_limit = RateLimit(0.001, burst=1)
    server.faults.add(Fault(status=503))
    assert await statuses(server, 2) == [503, 429]
    assert server.faults.struck() == 1
    assert server.rate_limit == RateLimit(0.001, burst=1)
    server.rate_limit = None
    assert await statuses(server, 1) == [503]
    with pytest.raises(ConfigurationError, match=r"RateLimit\(200, burst=20\)"):
        server.rate_limit = 200  # type: ignore[assignment]


@pytest.mark.parametrize(
    ("words", "limit"),
    [
        ("200/s burst 20", RateLimit(200, burst=20)),
        (" 1.5 / s ", RateLimit(1.5, burst=1)),
        ("200/s", RateLimit(200, burst=200)),
        ("90/min", RateLimit(1.5, burst=1)),
        ("3600/h burst 7", RateLimit(1, burst=7)),
        ({"per_second": 5, "retry_after": 2}, RateLimit(5, burst=5, retry_after=2)),
        ({"per_second": 5, "burst": 1, "headers": "RateLimit"}, None),
    ],
)
def test_a_rate_limit_is_a_value(words: Any, limit: RateLimit | None) -> None:
    made = RateLimit.from_dict(words)
    assert limit is None or made == limit
    assert RateLimit.from_dict(json.loads(json.dumps(made.to_dict()))) == made
    assert pickle.loads(pickle.dumps(made)) == made
    assert hash(made) == hash(copy.copy(made))


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("200", "must be like '200/s burst 20'"),
        ("200/d", "must be like"),
        ("0/s", "per_second must be a number greater than 0"),
        ("1/s burst 0", "burst must be a whole number, 1 or more"),
        ({"burst": 1}, "per_second .* not None"),
        ({"per_second": "1"}, "per_second"),
        ({"per_second": 1, "burst": 1.5}, "burst"),
        ({"per_second": 1, "retry_after": -1}, "retry_after must be a whole number, 0 or more"),
        ({"per_second": 1, "headers": True}, "headers must be one of RateLimit, X-RateLimit"),
        ({"per_second": 1, "rate": 1}, "no 'rate', only per_second, burst"),
        (7, "must be a JSON object, or like"),
    ],
)
def test_an_invalid_rate_limit_is_refused(words: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"a rate limit.*{message}"):
        RateLimit.from_dict(words)


# Counts


async def test_requests_and_executions_are_counted(
    server: Emulator, client: MonoCloudClient
) -> None:
    server.faults.add(
        Fault(connection="reset", executed=True, operation="phones.add"),
        Fault(status=503, operation="phones.remove"),
    )
    await client.phones.set_primary(USER_ID, PHONE_ID)
    await client.users.get(USER_ID)
    with pytest.raises(TransportError):
        await client.phones.add(USER_ID, "+447700900999")
    with pytest.raises(ServerError):
        await client.phones.remove(USER_ID, PHONE_ID)
    with pytest.raises(NotFoundError):
        await client.users.get("x")
    await ask(server, path="/nowhere")
    counts = server.counts
    assert (counts.requests, counts.executions) == (6, 2)
    assert counts.requests_by_operation == {
        "phones.set_primary": 1,
        "users.get": 2,
        "phones.add": 1,
        "phones.remove": 1,
    }
    assert counts.requests_by_operation["phones.set_verified"] == 0
    assert counts.executions_by_operation == {"phones.set_primary": 1, "phones.add": 1}
    assert counts.requests_by_status == {200: 2, None: 1, 503: 1, 404: 2}
    assert server.executions_of("phones.add") == 1
    assert [request.executed for request in server.requests] == [
        *(True, False, True, False, False, False)
    ]


@pytest.mark.parametrize("size", [0, 1, 3])
async def test_the_log_keeps_the_last_requests(size: int) -> None:
    async with Emulator(journal=size) as server:
        for n in range(5):
            await ask(server, "GET", f"/api/users/{n}")
        assert [request.user_id for request in server.requests] == ["2", "3", "4"][3 - size :]
        server.requests.clear()
        assert server.counts.requests == 5


@pytest.mark.parametrize("size", [-1, 1.5, None, True])
def test_a_bad_journal_size_is_refused(size: Any) -> None:
    with pytest.raises(ConfigurationError, match="journal must be a whole number"):
        Emulator(journal=size)


async def test_a_reset_restores_the_initial_state() -> None:
    fault = Fault(status=503, probability=0.5, times=10)
    limit = RateLimit(0.001, burst=20)
    async with Emulator(faults=[fault], rate_limit=limit) as server:
        found = await statuses(server, 30)
        assert {200, 429, 503} == set(found)
        server.faults.add(Fault(status=500))
        server.faults.remove(fault)
        server.rate_limit = None
        server.reset()
        assert (list(server.faults), server.rate_limit) == ([fault], limit)
        assert (server.counts.requests, server.executions, server.requests) == (0, 0, [])
        assert server.faults.struck() == 0
        assert await statuses(server, 30) == found


# Over HTTP


async def test_faults_can_be_controlled_over_http(server: Emulator) -> None:
    one = {"status": 503, "times": 1, "operation": "phones.set_primary"}
    state = await control(server, "POST", "/faults", one)
    assert state["faults"] == [{"fault": one, "struck": 0}]
    await control(server, "POST", "/faults", [{"status": 500, "times": 1}, {"delay": 0.01}])
    assert await statuses(server, 3) == [503, 500, 200]
    state = await control(server, "GET")
    assert [fault["struck"] for fault in state["faults"]] == [1, 1, 1]
    assert state["counts"]["requests"] == 3
    assert state["counts"]["executions"] == 1
    assert state["counts"]["requests_by_status"] == {"503": 1, "500": 1, "200": 1}
    assert (await control(server, "DELETE", "/faults"))["faults"] == []


async def test_a_rate_limit_can_be_controlled_over_http(server: Emulator) -> None:
    state = await control(server, "PUT", "/rate-limit", "0.001/s burst 1")
    assert state["rate_limit"] == {"per_second": 0.001, "burst": 1}
    assert await statuses(server, 2) == [200, 429]
    await control(server, "PUT", "/rate-limit", {"per_second": 0.001, "burst": 2})
    assert await statuses(server, 3) == [200, 200, 429]
    assert (await control(server, "DELETE", "/rate-limit"))["rate_limit"] is None
    assert await statuses(server, 1) == [200]


async def test_a_reset_can_be_requested_over_http(server: Emulator) -> None:
    seed = await control(server, "GET", "/users")
    assert seed == server.export()
    await ask(server)
    assert await control(server, "GET", "/users") != seed
    state = await control(server, "POST", "/reset")
    assert state["counts"]["requests"] == 0
    assert await control(server, "GET", "/users") == seed


async def test_requests_can_be_read_over_http(server: Emulator) -> None:
    server.faults.add(Fault(connection="reset", times=1))
    with pytest.raises(ConnectionResetError):
        await ask(server)
    await ask(server, "POST", f"/api/users/{USER_ID}/phones", b'{"a": "\xff"}')
    broken, bad = await control(server, "GET", "/requests")
    assert broken["fault"] == {"connection": "reset", "times": 1}
    assert (broken["status"], broken["executed"]) == (None, False)
    assert broken["headers"]["X-API-KEY"] == "***"
    assert (bad["operation"], bad["user_id"], bad["status"]) == ("phones.add", USER_ID, 400)
    assert bad["body"] == '{"a": "\\xff"}'
    for path in ("", "/requests", "/users"):
        assert KEY not in json.dumps(await control(server, "GET", path))


async def test_control_requests_are_neither_counted_nor_affected_by_faults(
    server: Emulator,
) -> None:
    server.faults.add(Fault(connection="reset"))
    server.rate_limit = RateLimit(0.001, burst=1)
    for _ in range(3):
        await control(server, "GET")
    assert (server.counts.requests, server.requests, server.faults.struck()) == (0, [], 0)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "message"),
    [
        ("POST", "/faults", b"{", 400, "not JSON"),
        ("POST", "/faults", b"", 400, "not JSON"),
        ("POST", "/faults", b'{"delay": NaN}', 400, "not JSON"),
        ("POST", "/faults", b"[" * 100_000, 400, "not JSON"),
        ("POST", "/faults", b'[{"status": 500}, {"status": 7}]', 400, "from 200 to 599, not 7"),
        ("POST", "/faults", b'"503"', 400, "a fault must be a JSON object"),
        ("POST", "/faults", b"x" * (2**20 + 1), 413, "too large"),
        ("PUT", "/rate-limit", b'{"rate": 1}', 400, "no 'rate'"),
        ("PUT", "/faults", b"{}", 405, "only DELETE, POST"),
        ("GET", "/reset", b"", 405, "only POST"),
        ("GET", "/", b"", 404, "/_emulator/faults"),
        ("GET", "/nothing", b"", 404, "The path does not exist"),
    ],
)
async def test_invalid_control_requests_are_refused(
    server: Emulator, method: str, path: str, body: bytes, status: int, message: str
) -> None:
    answer = await ask(server, method, f"/_emulator{path}", body)
    assert (answer.status, answer.json["status"]) == (status, status)
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert message in answer.json["detail"]
    assert len(server.faults) == 0
    assert server.rate_limit is None


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com"},
        {"Origin": "null"},
        {"Host": "example.com"},
        {"Host": "127.0.0.1.example.com:80"},
        {"Host": ""},
    ],
)
async def test_web_pages_cannot_control_the_emulator(
    server: Emulator, headers: dict[str, str]
) -> None:
    body = b'{"status": 500}'
    for method, path in (("POST", "/faults"), ("POST", "/reset"), ("GET", "/requests")):
        async with connected(server) as (reader, writer):
            writer.write(request(method, f"/_emulator{path}", body, **headers))
            head = await reader.readuntil(b"\r\n\r\n")
        assert head.split(b" ")[1] in (b"403", b"400")
    assert len(server.faults) == 0


@pytest.mark.parametrize(
    "host", ["localhost:1", "LOCALHOST", "[::1]:80", "127.0.0.1", "127.0.0.2:80"]
)
async def test_host_names_of_this_machine_can_control_the_emulator(
    server: Emulator, host: str
) -> None:
    assert (await ask(server, "GET", "/_emulator", Host=host)).status == 200


async def test_every_loopback_address_is_this_machine() -> None:
    try:
        socket.create_server(("127.0.0.2", 0)).close()
    except OSError:
        pytest.skip("this machine has 127.0.0.1 alone")
    async with Emulator(host="127.0.0.2") as server:
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{server.url}/_emulator") as answer:
                assert answer.status == 200


async def test_a_path_that_only_starts_like_control_is_not_found(server: Emulator) -> None:
    assert (await ask(server, "GET", "/_emulators")).status == 404
    assert server.counts.requests == 1


# Without async


def test_the_blocking_twin_has_faults_too() -> None:
    fault = Fault(status=503, times=1)
    with monocloud_sync.emulator.Emulator(
        faults=[fault], rate_limit=RateLimit(1e6), journal=1
    ) as server:
        with monocloud_sync.MonoCloudClient(
            server.url, server.api_key, retry=RetryPolicy(base_delay=0.0)
        ) as client:
            assert client.phones.set_primary(USER_ID, PHONE_ID).response.attempts == 2  # type: ignore[union-attr]
            assert list(server.faults) == [fault]
            assert server.rate_limit == RateLimit(1e6)
            server.rate_limit = RateLimit(0.001, burst=1)
            client.users.get(USER_ID)
            once = client.with_options(retry=ONCE)
            with pytest.raises(RateLimitedError):
                once.users.get(USER_ID)
            server.pause()
            with pytest.raises(TransportError):
                once.users.get(USER_ID)
            server.resume()
            server.reset()
            assert isinstance(client.users.get(USER_ID), User)
    assert (len(server.requests), server.counts.requests) == (1, 2)


def test_many_threads_can_add_faults_and_count() -> None:
    with monocloud_sync.emulator.Emulator() as server:
        client = monocloud_sync.MonoCloudClient(
            server.url, server.api_key, retry=RetryPolicy(max_attempts=50, base_delay=0.0)
        )

        def call(n: int) -> None:
            fault = Fault(connection="reset", executed=bool(n % 2), times=1)
            server.faults.add(fault)
            client.phones.set_primary(USER_ID, PHONE_ID)
            assert server.counts.requests >= server.counts.executions

        with client, ThreadPoolExecutor(8) as pool:
            list(pool.map(call, range(24)))
        counts = server.counts
        assert server.faults.struck() == counts.requests_by_status[None] == 24
        assert counts.requests_by_status[200] == 24
        assert counts.executions == 24 + 12
        server.faults.clear()


async def test_closing_the_emulator_ends_delayed_responses() -> None:
    before = asyncio.all_tasks()
    async with Emulator(faults=[Fault(status=200, delay=30)]) as emulator:
        client = MonoCloudClient(emulator.url, emulator.api_key, timeout=30)
        call = asyncio.create_task(client.phones.set_primary(USER_ID, PHONE_ID))
        await asyncio.wait_for(seen(lambda: emulator.executions == 1), 10)
        call.cancel()
        await asyncio.wait([call])
        await client.aclose()
    assert asyncio.all_tasks() == before
