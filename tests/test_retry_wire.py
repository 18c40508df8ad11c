"""Retries over a real socket: which requests arrive, and how long the client would wait."""

from __future__ import annotations

import asyncio
import ssl
from collections import Counter
from collections.abc import Awaitable
from datetime import datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

import aiohttp
import attrs
import pytest
import trustme

from monocloud_async import (
    APIError,
    MonoCloudClient,
    MonoCloudError,
    NotFoundError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
    User,
)
from monocloud_async.retry import RetryQuota

from .calls import CALLS, NUMBER
from .clock import Clock, timed
from .conftest import FAST
from .wire import (
    PAGE,
    Step,
    Wire,
    Writer,
    answer,
    close,
    half_close,
    problem,
    raw,
    reset,
    silence,
    then_close,
)

KEY = "canary-6d1f3c"
ONCE = RetryPolicy(max_attempts=1)


# By status

TRANSIENT = {408, 429, 500, 502, 503, 504}
STATUSES = [
    300,
    301,
    302,
    303,
    304,
    305,
    307,
    308,
    *range(400, 419),
    421,
    422,
    423,
    424,
    425,
    426,
    428,
    429,
    431,
    451,
    499,
    *range(500, 512),
    520,
    521,
    522,
    523,
    524,
    529,
    530,
    598,
    599,
]


@pytest.mark.parametrize("call", CALLS)
async def test_each_status_is_retried_only_if_that_is_safe(call: str) -> None:
    status = 0

    async def step(writer: Writer) -> None:
        await answer(status, b"")(writer)

    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        client = unbounded(client)
        for status in STATUSES:
            wire.requests.clear()
            with pytest.raises(APIError) as caught:
                await CALLS[call](client)
            sent_again = status == 429 or (call != "add" and status in TRANSIENT)
            in_doubt = call != "get" and (status == 408 or status >= 500)
            expected = (status, 3 if sent_again else 1, in_doubt)
            error = caught.value
            assert (error.status, error.attempts, error.may_have_been_applied) == expected
            assert len(wire.requests) == error.attempts
            assert ("may have been applied" in str(error)) is in_doubt


def unbounded(client: MonoCloudClient) -> MonoCloudClient:
    """Return the same client with a quota that does not run out."""
    client._use(attrs.evolve(client._caller, quota=RetryQuota(10**9)), owner=True)
    return client


# By the kind of failure

SUCCESS = answer(200, PAGE)


class Executions:
    """Counts how often the server carried out a request."""

    def __init__(self) -> None:
        self.count = 0

    def then(self, step: Step) -> Step:
        async def executed(writer: Writer) -> None:
            self.count += 1
            await step(writer)

        return executed


CUT_OFF = then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"))
CUT_OFF_CHUNKS = then_close(raw(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"))
STALLED = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
JUNK = then_close(raw(b"SSH-2.0-OpenSSH_9.2\r\n"))
LONG_HEADER = then_close(raw(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n"))
INTERIM = then_close(raw(b"HTTP/1.1 100 Continue\r\n\r\n"))

# Each failure, and whether it is retried for repeatable calls and for calls that add.
FAILURES: dict[str, tuple[Step, bool, bool]] = {
    "close": (close, True, False),
    "reset": (reset, True, False),
    "half-close": (half_close, True, False),
    "silence": (silence, True, False),
    "stalled body": (STALLED, True, False),
    "cut off": (CUT_OFF, True, False),
    "cut off in chunks": (CUT_OFF_CHUNKS, True, False),
    "not HTTP": (JUNK, True, False),
    "20 KB header": (LONG_HEADER, True, False),
    "interim answer only": (INTERIM, True, False),
    "408": (problem(408), True, False),
    "429": (problem(429), True, True),
    "500": (problem(500), True, False),
    "502": (answer(502, b"<html>"), True, False),
    "503": (problem(503), True, False),
    "503 cut off": (then_close(raw(b"HTTP/1.1 503 X\r\nContent-Length: 9\r\n\r\n")), True, False),
    "504": (problem(504), True, False),
    "501": (problem(501), False, False),
    "404": (problem(404), False, False),
    "404 cut off": (then_close(raw(b"HTTP/1.1 404 X\r\nContent-Length: 9\r\n\r\n")), False, False),
    "302": (answer(302, b"", Location="/x"), False, False),
    "101": (then_close(raw(b"HTTP/1.1 101 X\r\n\r\n")), False, False),
    "not JSON": (answer(200, b"<html>"), False, False),
    "not a record": (answer(200, b"{}"), False, False),
    "empty": (answer(200, b""), False, False),
    "204": (raw(b"HTTP/1.1 204 X\r\n\r\n"), False, False),
    "oversize": (answer(200, b" " * (17 << 20)), False, False),
    "bad gzip": (answer(200, b"junk", Content_Encoding="gzip"), False, False),
}
SLOW = {"silence": 0.3, "stalled body": 0.3}  # seconds for an attempt
NOT_APPLIED = {"404", "404 cut off", "302", "429"}


@pytest.mark.parametrize("executed", [False, True])
@pytest.mark.parametrize(
    ("failure", "call"),
    [
        (failure, call)
        for failure in FAILURES
        for call in CALLS
        # These are slow, and they are the same for all repeatable calls.
        if failure not in SLOW or call in ("set_primary", "add")
    ],
)
async def test_each_failure_is_retried_only_if_that_is_safe(
    failure: str, call: str, executed: bool
) -> None:
    step, by_repeatable, by_others = FAILURES[failure]
    executions = Executions()
    if executed and failure not in NOT_APPLIED:
        step = executions.then(step)
    sent_again = by_others if call == "add" else by_repeatable
    async with Wire(step, executions.then(SUCCESS)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST, timeout=SLOW.get(failure)) as client:
            result = await outcome(CALLS[call](client))
    assert len(wire.requests) == (2 if sent_again else 1)
    if sent_again:
        assert isinstance(result, User)
        assert result.response
        assert result.response.attempts == 2
    else:
        assert isinstance(result, MonoCloudError)
        says_so = "may have been applied" in str(result) or "was applied" in str(result)
        assert says_so is (failure not in NOT_APPLIED and call != "get")
    if call == "add":
        # Adding must never happen twice.
        assert executions.count <= 1
        assert executions.count == 0 or isinstance(result, User) or says_so


async def outcome(call: Awaitable[User]) -> User | MonoCloudError:
    try:
        return await call
    except MonoCloudError as error:
        return error


@pytest.mark.parametrize("failure", FAILURES)
async def test_adding_happens_at_most_once_whatever_fails(failure: str) -> None:
    executions = Executions()
    step, _, sent_again = FAILURES[failure]
    if failure not in NOT_APPLIED:
        step = executions.then(step)
    policy = RetryPolicy(max_attempts=10, base_delay=0.0)
    async with Wire(step) as wire:
        async with MonoCloudClient(
            wire.url, KEY, retry=policy, timeout=SLOW.get(failure)
        ) as client:
            result = await outcome(client.phones.add("u", NUMBER))
    assert isinstance(result, MonoCloudError)
    assert len(wire.requests) == (10 if sent_again else 1)
    assert executions.count == (0 if failure in NOT_APPLIED else 1)
    applied = isinstance(result, ResponseDecodeError) or result.may_have_been_applied  # type: ignore[attr-defined]
    assert applied is (executions.count == 1)


async def test_a_429_does_not_hide_that_an_earlier_attempt_may_have_been_applied() -> None:
    async with Wire(close, problem(429)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(RateLimitedError, match="may have been applied"):
                await client.phones.remove("u", "p")
    assert len(wire.requests) == 3


# When nothing was sent


async def test_a_failed_handshake_has_sent_nothing() -> None:
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(serving)
    async with Wire(answer(), tls=serving) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(TransportError) as caught:
                await client.phones.add("u", NUMBER)
    assert wire.requests == []
    assert not caught.value.may_have_been_applied


async def test_an_unknown_host_name_has_sent_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    async def nowhere(*_: Any, **__: Any) -> Any:
        raise OSError(-2, "Name or service not known")

    monkeypatch.setattr(aiohttp.ThreadedResolver, "resolve", nowhere)
    async with MonoCloudClient("tenant.example", KEY, retry=FAST) as client:
        with pytest.raises(TransportError, match="no connection to tenant") as caught:
            await client.phones.add("u", NUMBER)
    assert (caught.value.attempts, caught.value.may_have_been_applied) == (3, False)


async def test_a_deadline_that_ends_after_429s_leaves_nothing_in_doubt() -> None:
    clock = Clock()
    policy = RetryPolicy(max_attempts=100, base_delay=10.0, deadline=25.0)
    async with Wire(problem(429)) as wire:
        async with timed(MonoCloudClient(wire.url, KEY, retry=policy), clock) as client:
            with pytest.raises(RateLimitedError) as caught:
                await client.phones.add("u", NUMBER)
    assert not caught.value.may_have_been_applied
    assert clock.now < 25.0


# Retry-After

SERVER_TIME = datetime(2026, 1, 1, 12, tzinfo=timezone.utc)
IN_30 = format_datetime(SERVER_TIME + timedelta(seconds=30), usegmt=True)
IN_90 = format_datetime(SERVER_TIME + timedelta(seconds=90), usegmt=True)
PAST = format_datetime(SERVER_TIME - timedelta(days=1), usegmt=True)

# The values of one or more Retry-After headers and the seconds they ask for, or None if invalid.
ASKED: list[tuple[tuple[str, ...], float | None]] = [
    (("0",), 0.0),
    (("1",), 1.0),
    (("1.5",), 1.5),
    (("60",), 60.0),
    (("  7  ",), 7.0),
    (("007",), 7.0),
    (("60.5",), 60.5),
    (("61",), 61.0),
    (("86400",), 86400.0),
    (("-1",), None),
    (("-0",), None),
    (("+1",), None),
    (("nan",), None),
    (("inf",), None),
    (("-inf",), None),
    (("1e999",), None),
    (("1e1",), None),
    (("0x10",), None),
    (("1_0",), None),
    (("9999999999",), None),
    (("9" * 4000,), None),
    (("",), None),
    (("   ",), None),
    (("soon",), None),
    (("1 second",), None),
    (("\xb2",), None),
    ((IN_30,), 30.0),
    ((IN_90,), 90.0),
    ((PAST,), 0.0),
    (("Thu Jan  1 12:00:30 2026",), 30.0),
    (("Thursday, 01-Jan-26 12:00:30 GMT",), 30.0),
    (("Thu, 99 Jan 2026 12:00:30 GMT",), None),
    (("Thu, 01 Jan 99999 12:00:30 GMT",), None),
    (("2", "7"), 7.0),
    (("7", "2"), 7.0),
    (("2", "junk"), 2.0),
    (("5", IN_30), 30.0),
    ((IN_30, "5"), 30.0),
    (("5", "9999999999"), 5.0),
    (("5", "600"), 600.0),
]


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(("values", "seconds"), ASKED)
async def test_retry_after_is_obeyed_in_every_form(
    values: tuple[str, ...], seconds: float | None, status: int
) -> None:
    lines = "".join(f"Retry-After: {value}\r\n" for value in values)
    date = format_datetime(SERVER_TIME, usegmt=True)
    head = f"HTTP/1.1 {status} X\r\nDate: {date}\r\n{lines}Content-Length: 0\r\n\r\n"
    clock = Clock()
    async with Wire(raw(head.encode("latin-1")), answer()) as wire:
        client = timed(MonoCloudClient(wire.url, KEY, retry=RetryPolicy(deadline=600)), clock)
        async with client:
            result = await outcome(client.phones.set_primary("u", "p"))
    if seconds is not None and seconds > 60:
        # The wait is too long, and a retry may not come sooner, so the call fails.
        assert isinstance(result, APIError)
        assert (result.retry_after, result.attempts) == (seconds, 1)
        assert f"the server asks to wait {seconds:g} s" in str(result)
        assert (clock.waits, len(wire.requests)) == ([], 1)
    else:
        assert isinstance(result, User)
        (wait,) = clock.waits
        assert (seconds or 0.0) <= wait <= (seconds or 0.0) + 0.5
        assert len(wire.requests) == 2


@pytest.mark.parametrize("call", CALLS)
async def test_an_error_that_is_not_retried_still_has_its_retry_after(call: str) -> None:
    async with Wire(answer(409, b"", Retry_After="7")) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            with pytest.raises(APIError, match="asks to wait 7 s") as caught:
                await CALLS[call](client)
    assert caught.value.retry_after == 7.0
    assert len(wire.requests) == 1


async def test_a_retry_date_without_the_server_s_time_counts_from_the_local_clock() -> None:
    clock = Clock()
    when = format_datetime(datetime.now(timezone.utc) + timedelta(seconds=30), usegmt=True)
    async with Wire(answer(429, b"", Retry_After=when), answer()) as wire:
        async with timed(MonoCloudClient(wire.url, KEY), clock) as client:
            await client.phones.set_primary("u", "p")
    assert 25.0 < clock.waits[0] <= 30.5


async def test_adding_is_retried_when_nothing_was_sent(unused_port: int) -> None:
    clock = Clock()
    client = timed(MonoCloudClient(f"http://127.0.0.1:{unused_port}", KEY), clock)
    async with client:
        with pytest.raises(TransportError, match=r"no connection to 127\.0\.0\.1") as caught:
            await client.phones.add("u", "+441514960453")
    assert caught.value.attempts == 3
    assert not caught.value.may_have_been_applied
    assert len(clock.waits) == 2
    assert caught.value.__context__ is None
    assert isinstance(caught.value.__cause__, ConnectionRefusedError)


async def test_attempts_are_counted_in_the_error() -> None:
    async with Wire(problem(503, traceId="t9")) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(ServerError) as caught:
                await client.phones.set_primary("u", "p")
    assert caught.value.attempts == len(wire.requests) == 3
    assert "(after 3 attempts)" in str(caught.value)
    assert caught.value.may_have_been_applied
    assert caught.value.trace_id == "t9"


async def test_a_removal_that_is_not_found_after_a_lost_response_is_in_doubt() -> None:
    async with Wire(close, problem(404)) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            with pytest.raises(NotFoundError) as caught:
                await client.phones.remove("u", "p")
            assert caught.value.may_have_been_applied
            with pytest.raises(NotFoundError) as caught:
                await client.phones.remove("u", "p")
            assert not caught.value.may_have_been_applied


async def test_a_failed_read_is_never_in_doubt() -> None:
    async with Wire(close) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        with pytest.raises(TransportError) as caught:
            await client.users.get("u")
    assert not caught.value.may_have_been_applied


async def test_waits_are_never_shorter_than_the_server_asks() -> None:
    clock = Clock()
    async with Wire(answer(429, b"", Retry_After="7"), problem(503), answer()) as wire:
        client = timed(MonoCloudClient(wire.url, KEY), clock)
        async with client:
            await client.phones.set_primary("u", "p")
    assert 7.0 <= clock.waits[0] <= 7.5
    assert 0.0 <= clock.waits[1] <= 1.0


@pytest.mark.parametrize(("seconds", "deadline"), [("61", 600.0), ("50", 40.0)])
async def test_a_wait_that_is_too_long_is_left_to_the_caller(seconds: str, deadline: float) -> None:
    clock = Clock()
    async with Wire(answer(429, b"", Retry_After=seconds)) as wire:
        client = timed(MonoCloudClient(wire.url, KEY, retry=RetryPolicy(deadline=deadline)), clock)
        async with client:
            with pytest.raises(RateLimitedError, match=rf"asks to wait {seconds} s") as caught:
                await client.phones.set_primary("u", "p")
    assert caught.value.retry_after == float(seconds)
    assert (clock.waits, len(wire.requests)) == ([], 1)


async def test_no_wait_extends_past_the_deadline() -> None:
    clock = Clock()
    policy = RetryPolicy(max_attempts=100, base_delay=8.0, deadline=30.0)
    async with Wire(problem(503)) as wire:
        client = timed(MonoCloudClient(wire.url, KEY, retry=policy), clock)
        async with client:
            with pytest.raises(ServerError):
                await client.phones.set_primary("u", "p")
    assert clock.now < 30.0
    assert len(wire.requests) == len(clock.waits) + 1


async def test_waits_grow_at_random_up_to_a_bound() -> None:
    policy = RetryPolicy(max_attempts=9, base_delay=1.0, max_delay=20.0, deadline=1e6)
    rounds = []
    async with Wire(problem(503)) as wire:
        for _ in range(40):
            clock = Clock()
            client = timed(MonoCloudClient(wire.url, KEY, retry=policy), clock)
            async with client:
                with pytest.raises(ServerError):
                    await client.phones.set_primary("u", "p")
            rounds.append(clock.waits)
    for number, waits in enumerate(zip(*rounds, strict=True)):
        bound = min(20.0, 2.0**number)
        assert 0 <= min(waits) < bound * 0.3
        assert bound * 0.7 < max(waits) <= bound
    assert len(wire.requests) == 40 * 9


# Many at once


async def test_each_of_many_calls_has_its_own_count() -> None:
    seen: Counter[str] = Counter()

    async def step(writer: Writer) -> None:
        user = wire.requests[-1].target.split("/")[3]
        seen[user] += 1
        failing = seen[user] <= int(user) % 5
        await (problem(503) if failing else answer(200, {"user_id": user}))(writer)

    policy = RetryPolicy(max_attempts=5, base_delay=0.01)
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=policy) as client:
        client = unbounded(client)
        users = await asyncio.gather(
            *(client.phones.set_primary(str(number), "p") for number in range(200))
        )
    for number, user in enumerate(users):
        assert user.response
        assert user.user_id == str(number)
        assert user.response.attempts == seen[str(number)] == number % 5 + 1


async def test_each_of_many_failing_calls_has_its_own_count() -> None:
    policy = RetryPolicy(max_attempts=4, base_delay=0.01)
    async with Wire(problem(503)) as wire, MonoCloudClient(wire.url, KEY, retry=policy) as client:
        client = unbounded(client)
        few = client.with_options(retry=RetryPolicy(max_attempts=2, base_delay=0.01))
        results = await asyncio.gather(
            *((few if number % 2 else client).phones.set_primary(str(number), "p")
              for number in range(100)),
            return_exceptions=True,
        )  # fmt: skip
    sent = Counter(request.target.split("/")[3] for request in wire.requests)
    for number, result in enumerate(results):
        assert isinstance(result, ServerError)
        assert result.attempts == sent[str(number)] == (2 if number % 2 else 4)


# An outage


async def outage(client: MonoCloudClient, calls: int) -> list[MonoCloudError]:
    results = await asyncio.gather(
        *(client.phones.set_primary(f"u{number}", "p") for number in range(calls)),
        return_exceptions=True,
    )
    assert all(isinstance(result, MonoCloudError) for result in results)
    return results  # type: ignore[return-value]


OUTAGES: dict[str, tuple[Step, int]] = {
    "503": (problem(503), 500 // 14),
    "close": (close, 500 // 14),
    "reset": (reset, 500 // 14),
    "not HTTP": (JUNK, 500 // 14),
    "429": (problem(429), 500 // 5),
    "401": (problem(401), 0),
}


@pytest.mark.parametrize("kind", OUTAGES)
async def test_an_outage_of_a_thousand_calls_causes_no_retry_storm(kind: str) -> None:
    step, repeats = OUTAGES[kind]
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        errors = await outage(client, 1000)
    assert len(wire.requests) == 1000 + repeats
    assert sum(error.attempts for error in errors) == 1000 + repeats  # type: ignore[attr-defined]


async def test_an_outage_without_a_listening_server_causes_no_retry_storm(unused_port: int) -> None:
    async with MonoCloudClient(f"http://127.0.0.1:{unused_port}", KEY, retry=FAST) as client:
        errors = await outage(client, 1000)
    assert sum(error.attempts for error in errors) == 1000 + 500 // 14  # type: ignore[attr-defined]


async def test_an_outage_of_sequential_calls_causes_no_retry_storm() -> None:
    async with Wire(problem(503)) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        for number in range(1000):
            with pytest.raises(ServerError):
                await client.phones.set_primary(f"u{number}", "p")
    assert len(wire.requests) == 1000 + 500 // 14


async def test_the_quota_belongs_to_the_client_and_refills_after_an_outage() -> None:
    async with Wire(problem(503)) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        view = client.with_options(timeout=5.0)

        async def fails(calls: int, by: MonoCloudClient = client) -> int:
            """Return how many requests this many failing calls make."""
            wire.script(problem(503))
            before = len(wire.requests)
            await outage(by, calls)
            return len(wire.requests) - before

        async def succeed(calls: int, *steps: Step) -> None:
            wire.script(*steps, answer())
            for _ in range(calls):
                await client.users.get("u")

        assert await fails(60) == 60 + 35  # 500 tokens, of which 10 are left
        assert await fails(60) == 60
        assert await fails(60, by=view) == 60
        await succeed(3)
        assert await fails(1) == 1  # 13 tokens do not pay for a retry
        await succeed(1)
        assert await fails(1) == 2  # 14 tokens pay for one
        assert await fails(1) == 1
        await succeed(14)
        await succeed(1, problem(503))  # a call that succeeds on a retry gives nothing back
        assert await fails(1) == 1
        await succeed(5)
        wire.script(problem(429))
        before = len(wire.requests)
        await outage(client, 1)
        assert len(wire.requests) - before == 2  # 5 tokens pay for one after a 429
        await succeed(700)
        assert await fails(60, by=view) == 60 + 35  # the quota never exceeds 500


# Cancelling


@pytest.mark.parametrize("call", CALLS)
async def test_a_cancelled_call_is_not_sent_again(call: str) -> None:
    async with Wire(silence) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        task = asyncio.ensure_future(CALLS[call](client))
        await wire.arrived.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await wire.left.wait()
    assert len(wire.requests) == 1


async def test_a_caller_s_own_timeout_is_not_swallowed() -> None:
    policy = RetryPolicy(max_attempts=10**9, base_delay=0.0)
    async with Wire(problem(503)) as wire:
        async with unbounded(MonoCloudClient(wire.url, KEY, retry=policy)) as client:
            with pytest.raises(asyncio.TimeoutError) as caught:
                await asyncio.wait_for(client.phones.set_primary("u", "p"), 0.2)
    assert not isinstance(caught.value, RequestTimeoutError)
    assert len(wire.requests) > 1


# Closing


async def test_closing_a_client_ends_a_call_that_waits_for_its_retry() -> None:
    waits = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.set()
        await asyncio.sleep(seconds)

    step = answer(503, {}, Retry_After="30")
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        client._use(attrs.evolve(client._caller, sleep=sleep), owner=True)
        call = asyncio.ensure_future(client.phones.set_primary("u", "p"))
        await waits.wait()
        await client.aclose()
        with pytest.raises(ServerError) as caught:
            await asyncio.wait_for(call, 5)
    assert caught.value.attempts == len(wire.requests) == 1
