"""Bulk runs over sockets: every row has its outcome, in order for each user, and none is lost."""

from __future__ import annotations

import asyncio
import gc
import subprocess
import sys
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from typing import Any

import aiohttp
import attrs
import pytest

from monocloud_async import (
    ConfigurationError,
    ForbiddenError,
    InvalidArgumentError,
    MonoCloudClient,
    NotFoundError,
    PhoneNotFoundError,
    RateLimitedError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
    UnauthorizedError,
)
from monocloud_async._api_error import api_error
from monocloud_async.bulk import Outcome
from monocloud_async.bulk.gate import Gate
from monocloud_async.bulk.pacing import Pacing
from monocloud_async.bulk.row_pace import Tries
from monocloud_async.bulk.run import start
from monocloud_async.emulator import Emulator, Fault, RateLimit
from monocloud_async.response import Headers

from .conftest import FAST
from .test_wire import Clock, timed
from .tls import TlsWire
from .wire import PAGE, Step, Wire, Writer, answer, problem, reset

KEY = "key"


def rows(count: int) -> Iterator[tuple[str, str]]:
    return ((f"u{n}", f"p{n}") for n in range(count))


def users(count: int) -> list[dict[str, Any]]:
    return [
        {
            "user_id": f"u{n}",
            "phone_numbers": [
                {"id": "old", "phone": f"+4415149{n:05d}", "primary": True},
                {"id": f"p{n}", "phone": f"+4425149{n:05d}", "primary": False},
            ],
        }
        for n in range(count)
    ]


async def outcomes(client: MonoCloudClient, given: Any, **options: Any) -> list[Outcome]:
    return [one async for one in client.phones.set_primary_many(given, **options)]


async def take(run: AsyncIterator[Outcome], found: list[Outcome]) -> None:
    async for one in run:
        found.append(one)  # noqa: PERF401  (they must be kept when the run raises)


# Rows


async def test_each_row_is_sent_once_and_has_its_outcome(wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        found = await outcomes(client, rows(500))
    assert sorted(one.index for one in found) == list(range(500))
    assert all(one.user_id == f"u{one.index}" for one in found)
    assert all(one.identifier_id == f"p{one.index}" for one in found)
    assert all(one.user and one.user.to_dict() == PAGE for one in found)
    assert all((one.error, one.attempts, one.phone) == (None, 1, None) for one in found)
    assert sorted(r.line for r in wire.requests) == sorted(
        f"POST /api/users/u{n}/phones/p{n}/primary HTTP/1.1" for n in range(500)
    )
    assert wire.connections <= 32


async def test_rows_may_come_from_an_async_iterator(wire: Wire) -> None:
    async def later() -> AsyncIterator[tuple[str, str]]:
        for row in rows(50):
            await asyncio.sleep(0)
            yield row

    async with MonoCloudClient(wire.url, KEY) as client:
        assert len(await outcomes(client, later())) == 50
        assert await outcomes(client, []) == []


async def test_an_invalid_row_is_an_outcome_and_sends_nothing(wire: Wire) -> None:
    wrong: list[Any] = [("u",), ("u", "p", "q"), "up", None, 7, {"a": 1, "b": 2}, ("u", None)]
    wrong += [("u", ""), ("u", ".."), ("", "p"), (" ", "p"), ("u\n", "p"), (1, 2)]
    async with MonoCloudClient(wire.url, KEY) as client:
        found = await outcomes(client, [*wrong, ["u", "p"]])
    assert len(found) == len(wrong) + 1
    for one in found:
        if one.index < len(wrong):
            assert isinstance(one.error, InvalidArgumentError)
            assert "nothing was sent" in str(one.error)
            assert (one.user, one.attempts) == (None, 0)
    assert [r.target for r in wire.requests] == ["/api/users/u/phones/p/primary"]


@pytest.mark.parametrize(
    ("row", "given"),
    [
        (("secret",), "tuple of length 1"),
        (["secret", "secret", "secret"], "list of length 3"),
        ((), "tuple of length 0"),
        ({"secret"}, "set of length 1"),
        (iter(["secret"]), "list_iterator of another length"),
        ("secret", "str"),
        ("up", "str"),
        ({"secret": 1, "b": 2}, "dict with other names"),
        (None, "NoneType"),
    ],
)
async def test_a_malformed_row_is_described_by_its_type_and_length(
    row: Any, given: str, client: MonoCloudClient
) -> None:
    [found] = await outcomes(client, [row])
    assert str(found.error) == (
        f"rows[0] must be a tuple (user_id, identifier_id), not {given}; nothing was sent"
    )


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ("up", {}, "rows must be"),
        (7, {}, "rows must be"),
        ({"u": "p"}, {}, "rows must be"),
        ([], {"concurrency": 0}, "concurrency must be"),
        ([], {"concurrency": True}, "concurrency must be"),
        ([], {"rate": 0}, "rate must be"),
        ([], {"rate": float("nan")}, "rate must be"),
        ([], {"by": "phone"}, "by must be"),
    ],
)
async def test_arguments_are_checked_at_once(
    given: Any, options: dict[str, Any], message: str, client: MonoCloudClient
) -> None:
    with pytest.raises(InvalidArgumentError, match=message):
        client.phones.set_primary_many(given, **options)


async def test_an_error_from_the_rows_is_raised_after_the_outcomes(wire: Wire) -> None:
    def broken() -> Iterator[tuple[str, str]]:
        yield from rows(40)
        raise OSError("the disk is gone")

    found: list[Outcome] = []
    async with MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(OSError, match="the disk is gone"):
            await take(client.phones.set_primary_many(broken()), found)
        assert not running()
    assert len(found) == len(wire.requests) == 40


def running() -> list[asyncio.Task[Any]]:
    return [task for task in asyncio.all_tasks() if "Run._work" in repr(task.get_coro())]


# Order and concurrency


class Held:
    """Answers only once released, and records which requests wait."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self._news = asyncio.Event()
        self.waiting = self.most = 0

    async def __call__(self, writer: Writer) -> None:
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        self._news.set()
        await self.go.wait()
        self.waiting -= 1
        await answer()(writer)

    async def arrived(self, count: int) -> None:
        while self.waiting < count:
            self._news.clear()
            await self._news.wait()


async def test_rows_of_one_user_keep_their_order_while_other_users_run() -> None:
    given = [(f"u{n % 7}", f"p{n}") for n in range(300)]
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await outcomes(client, given)
        for user in range(7):
            sent = [r.target for r in wire.requests if r.target.startswith(f"/api/users/u{user}/")]
            assert sent == [f"/api/users/u{user}/phones/p{n}/primary" for n in range(user, 300, 7)]
    for user in range(7):
        indexes = [one.index for one in found if one.user_id == f"u{user}"]
        assert indexes == sorted(indexes)


async def test_many_rows_of_one_user_neither_block_others_nor_fill_the_queue() -> None:
    read = 0

    def mostly_one() -> Iterator[tuple[str, str]]:
        nonlocal read
        for n in range(5_000):
            read += 1
            yield "same" if n != 500 else "other", "p"

    held = Held()
    async with Wire(held) as wire, MonoCloudClient(wire.url, KEY) as client:
        run = client.phones.set_primary_many(mostly_one())
        first = asyncio.ensure_future(anext(run))
        await held.arrived(2)
        await asyncio.sleep(0.01)
        assert [r.target for r in wire.requests] == [
            "/api/users/same/phones/p/primary",
            "/api/users/other/phones/p/primary",
        ]
        assert read < 1_100
        held.go.set()
        assert isinstance(await first, Outcome)
        assert len([one async for one in run]) == 4_999


@pytest.mark.parametrize("concurrency", [1, 5, 32])
async def test_concurrency_limits_the_calls_in_flight(concurrency: int) -> None:
    held = Held()
    async with Wire(held) as wire, MonoCloudClient(wire.url, KEY) as client:
        run = asyncio.ensure_future(outcomes(client, rows(100), concurrency=concurrency))
        await held.arrived(concurrency)
        assert len(running()) == concurrency
        held.go.set()
        assert len(await run) == 100
    assert held.most == concurrency


# The end of a run


async def test_untaken_outcomes_hold_up_the_run(wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        run = client.phones.set_primary_many(rows(1_000))
        await anext(run)
        await asyncio.sleep(0.2)
        assert len(wire.requests) <= 1 + 32 + 32
        await run.aclose()


@pytest.mark.parametrize("how", ["break", "raise", "aclose", "cancel"])
async def test_leaving_stops_the_run_and_leaves_nothing_behind(how: str) -> None:
    held = Held()
    held.go.set()
    async with Wire(held) as wire, MonoCloudClient(wire.url, KEY) as client:
        taken = asyncio.Event()

        async def take() -> None:
            async for _ in client.phones.set_primary_many(rows(10_000)):
                held.go.clear()
                taken.set()
                if how == "break":
                    break
                if how == "raise":
                    raise LookupError
            await asyncio.sleep(0)

        if how == "aclose":
            run = client.phones.set_primary_many(rows(10_000))
            await anext(run)
            held.go.clear()
            await run.aclose()
        else:
            task = asyncio.ensure_future(take())
            await taken.wait()
            if how == "cancel":
                await asyncio.sleep(0.05)
                task.cancel()
            await asyncio.wait([task])
            del task
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert not running()
        sent = len(wire.requests)
        held.go.set()
        # All slots are free again, and the run sends nothing more.
        pool = client._caller.sessions.opened()
        assert pool
        assert pool.slots._free == 100
        await client.users.get("u")
        await asyncio.sleep(0.05)
        assert len(wire.requests) == sent + 1


class Source:
    """Rows from the caller that are closed once nothing refers to them.

    Attributes:
        closed: whether they are closed.
    """

    def __init__(self, kind: str) -> None:
        self._kind = kind
        self.closed = False

    def rows(self) -> Any:
        return {"sync": self._at_once, "async": self._awaited, "waits": self._waits}[self._kind]()

    def _at_once(self) -> Iterator[tuple[str, str]]:
        try:
            yield from rows(10_000)
        finally:
            self.closed = True

    async def _awaited(self) -> AsyncIterator[tuple[str, str]]:
        try:
            for row in rows(10_000):
                yield row
        finally:
            self.closed = True

    async def _waits(self) -> AsyncIterator[tuple[str, str]]:
        try:
            yield "u", "p"
            await asyncio.Event().wait()
        finally:
            self.closed = True


@pytest.fixture
def no_gc() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


async def leave(client: MonoCloudClient, source: Source, how: str) -> None:
    # Only the loop refers to the run.
    async for _ in client.phones.set_primary_many(source.rows()):
        if how == "break":
            break
        if how == "raise":
            raise LookupError
        if how == "cancel":
            await asyncio.Event().wait()


@pytest.mark.usefixtures("no_gc")
@pytest.mark.parametrize("kind", ["sync", "async", "waits"])
@pytest.mark.parametrize("how", ["break", "raise", "cancel", "aclose", "fail"])
async def test_a_stopped_run_closes_its_rows(how: str, kind: str) -> None:
    source = Source(kind)
    step = problem(401) if how == "fail" else answer()
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        if how == "aclose":
            run = client.phones.set_primary_many(source.rows())
            await anext(run)
            await run.aclose()
        else:
            task = asyncio.ensure_future(leave(client, source, how))
            if how == "cancel":
                await wire.arrived.wait()
                task.cancel()
            await asyncio.wait([task])
        for _ in range(20):
            if source.closed:
                break
            await asyncio.sleep(0)
        assert source.closed


@pytest.mark.usefixtures("no_gc")
async def test_rows_that_the_caller_still_uses_are_not_closed(wire: Wire) -> None:
    source = Source("sync")
    given = source.rows()
    async with MonoCloudClient(wire.url, KEY) as client:
        run = client.phones.set_primary_many(given)
        await anext(run)
        await run.aclose()
        # The run no longer reads the rows, and the caller owns the rest.
        assert not source.closed
        assert next(given)


class Endless(Clock):
    """A clock with a sleep that never ends."""

    def __init__(self) -> None:
        super().__init__()
        self.asleep = asyncio.Event()

    async def sleep(self, seconds: float) -> None:  # noqa: ARG002
        self.asleep.set()
        await asyncio.Event().wait()


@pytest.mark.parametrize(
    ("step", "may_have_been_applied"),
    [(reset, True), (problem(503), True), (problem(429), False), (problem(408), True)],
)
async def test_an_abandoned_run_knows_what_may_have_been_applied(
    step: Step, may_have_been_applied: bool
) -> None:
    clock = Endless()
    async with Wire(answer(), step) as wire:
        async with timed(MonoCloudClient(wire.url, KEY), clock) as client:
            run = start(client.phones.set_primary, rows(9), concurrency=1, rate=None)
            made = run.outcomes()
            assert (await anext(made)).index == 0
            waiting = asyncio.ensure_future(anext(made))
            await clock.asleep.wait()
            waiting.cancel()
            await asyncio.wait([waiting])
    assert run.unsettled == {1: Tries(1, may_have_been_applied)}


@pytest.mark.parametrize("step", [answer(), problem(404)])
async def test_an_abandoned_run_knows_the_outcomes_that_were_not_taken(step: Step) -> None:
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY) as client:
        run = start(client.phones.set_primary, rows(9), concurrency=1, rate=None)
        made = run.outcomes()
        applied = (await anext(made)).error is None
        await asyncio.wait(running())
        await made.aclose()
    assert run.unsettled == dict.fromkeys(range(1, 9), Tries(1, applied))


@pytest.mark.parametrize(("status", "kind"), [(401, UnauthorizedError), (403, ForbiddenError)])
async def test_a_refused_key_ends_the_run(status: int, kind: type[Exception]) -> None:
    steps: list[Step] = [answer()] * 10
    async with Wire(*steps, problem(status)) as wire, MonoCloudClient(wire.url, KEY) as client:
        found: list[Outcome] = []
        with pytest.raises(kind):
            await take(client.phones.set_primary_many(rows(10_000), concurrency=4), found)
        assert not running()
    assert len(found) == 10
    assert all(one.error is None for one in found)
    assert len(wire.requests) <= 14


async def test_an_untrusted_certificate_ends_the_run() -> None:
    async with TlsWire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(TransportError, match="not trusted") as raised:
            await outcomes(client, rows(1_000), concurrency=4)
    assert raised.value.lasting
    assert wire.handshakes <= 4
    assert wire.requests == []


CLOSED = (
    "%s was closed during the run: rows without an outcome may have been applied, and can be "
    "sent again"
)


@pytest.mark.parametrize("concurrency", [1, 32])
async def test_closing_the_client_ends_the_run(concurrency: int, wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        run = client.phones.set_primary_many(rows(10_000), concurrency=concurrency)
        await anext(run)
        await client.aclose()
        with pytest.raises(ConfigurationError) as caught:
            await take(run, [])
    assert str(caught.value) == CLOSED % "the client"
    assert caught.value.__cause__ is caught.value.__context__ is None


async def test_closing_the_client_during_the_first_calls_ends_the_run() -> None:
    held = Held()
    async with Wire(held) as wire, MonoCloudClient(wire.url, KEY) as client:
        run = asyncio.ensure_future(outcomes(client, rows(9), concurrency=2))
        await held.arrived(2)
        await client.aclose()
        with pytest.raises(ConfigurationError) as caught:
            await run
    assert str(caught.value) == CLOSED % "the client"


async def test_closing_the_client_during_a_retry_after_wait_ends_the_run() -> None:
    waits = asyncio.Event()

    async def sleep(seconds: float) -> None:
        waits.set()
        await asyncio.sleep(seconds)

    slow_down = answer(429, {}, Retry_After="30")
    async with Wire(answer(), slow_down) as wire, MonoCloudClient(wire.url, KEY) as client:
        client._use(attrs.evolve(client._caller, sleep=sleep), owner=True)
        run = asyncio.ensure_future(outcomes(client, rows(9), concurrency=2))
        await waits.wait()
        await client.aclose()
        with pytest.raises(ConfigurationError) as caught:
            await asyncio.wait_for(run, 5)
    assert str(caught.value) == CLOSED % "the client"


async def test_closing_the_session_ends_the_run(wire: Wire) -> None:
    async with aiohttp.ClientSession() as session:
        async with MonoCloudClient(wire.url, KEY, session=session) as client:
            run = client.phones.set_primary_many(rows(10_000))
            await anext(run)
            await session.close()
            with pytest.raises(ConfigurationError) as caught:
                await take(run, [])
    assert str(caught.value) == CLOSED % "the session passed to the client"


async def test_a_run_with_a_closed_client_is_refused_and_sends_nothing(wire: Wire) -> None:
    async with MonoCloudClient(wire.url, KEY) as client:
        pass
    with pytest.raises(
        ConfigurationError, match="client is closed; nothing was sent: create a new one"
    ):
        await outcomes(client, [("u",), *rows(9)])
    assert wire.requests == []


# Failures


async def test_a_row_that_fails_does_not_end_the_run() -> None:
    steps = [problem(404), problem(422), answer(200, b"<"), answer()]
    async with Wire(*steps) as wire, MonoCloudClient(wire.url, KEY) as client:
        found = await outcomes(client, rows(10), concurrency=1)
    assert [type(one.error) for one in found[:1]] == [NotFoundError]
    assert isinstance(found[2].error, ResponseDecodeError)
    assert [one.error for one in found[3:]] == [None] * 7
    assert [one.attempts for one in found] == [1] * 10
    assert all(one.error.__traceback__ is None for one in found if one.error)


async def test_failures_are_retried_as_the_policy_says_and_reported() -> None:
    steps = [reset, problem(503), answer(), problem(503), reset, problem(500), answer()]
    async with Wire(*steps) as wire:
        async with timed(MonoCloudClient(wire.url, KEY, retry=FAST), Clock()) as client:
            found = await outcomes(client, rows(3), concurrency=1)
    assert [one.attempts for one in found] == [3, 3, 1]
    good, bad, _ = found
    assert good.user
    assert good.user.response
    assert good.user.response.attempts == 3
    assert isinstance(bad.error, ServerError)
    assert (bad.error.attempts, bad.error.may_have_been_applied) == (3, True)
    assert len(wire.requests) == 7


async def test_all_rows_wait_for_a_long_retry_after_and_lose_no_attempts() -> None:
    clock = Clock()
    limited = problem(429)
    steps = [answer(429, {}, Retry_After="7200")] * 5 + [limited] * 3 + [answer()]
    policy = RetryPolicy(max_attempts=1, deadline=1.0, max_retry_after=0.0)
    async with Wire(*steps) as wire:
        async with timed(MonoCloudClient(wire.url, KEY, retry=policy), clock) as client:
            quota = client._caller.quota.tokens
            found = await outcomes(client, rows(20), concurrency=2)
            assert client._caller.quota.tokens == quota
    assert [one.error for one in found] == [None] * 20
    assert sum(one.attempts for one in found) == len(wire.requests) == 28
    assert clock.now > 2 * 7200


WAITS = "the server asks to wait (%s): the run pauses for 3,600 s, then resumes automatically"


@pytest.mark.parametrize("status", [429, 503])
async def test_a_long_wait_requested_by_the_server_is_logged(
    status: int, caplog: pytest.LogCaptureFixture
) -> None:
    steps = [answer(status, {}, Retry_After="3600"), answer(), answer(status, {}, Retry_After="4")]
    async with Wire(*steps, answer()) as wire:
        async with timed(MonoCloudClient(wire.url, KEY), Clock()) as client:
            found = await outcomes(client, rows(5), concurrency=1)
    assert [one.error for one in found] == [None] * 5
    assert [(r.name, r.levelname, r.getMessage()) for r in caplog.records] == [
        ("monocloud", "WARNING", WAITS % f"status {status}")
    ]


async def test_a_long_exhausted_rate_limit_is_logged(
    caplog: pytest.LogCaptureFixture,
) -> None:
    used_up = answer(RateLimit_Remaining="0", RateLimit_Reset="3600")
    async with Wire(answer(), used_up, answer()) as wire:
        async with timed(MonoCloudClient(wire.url, KEY), Clock()) as client:
            await outcomes(client, rows(5), concurrency=1)
    assert [r.getMessage() for r in caplog.records] == [WAITS % "its rate limit is exhausted"]


def gate(clock: Clock) -> Gate:
    return Gate(Pacing(None, max_retry_after=60, now=0.0), clock, clock.sleep, advice="")


def limited(seconds: float | None) -> RateLimitedError:
    error = api_error(429, Headers(), b"", operation="o", retry_after=seconds)
    assert isinstance(error, RateLimitedError)
    return error


async def test_each_pause_is_logged_once(
    caplog: pytest.LogCaptureFixture,
) -> None:
    clock = Clock()
    passage = gate(clock)
    for seconds in ([3600.0] * 31, [3600.0] * 31, [None] * 12, [7.0, 3600.0]):
        for turn, asked in [(passage.go(), one) for one in seconds]:
            clock.now += 0.01
            passage.refused(turn, limited(asked))
        await passage.turn()
    assert [r.getMessage() for r in caplog.records] == [
        WAITS % "status 429",
        WAITS % "status 429",
        WAITS.replace("3,600", "7") % "status 429",
        WAITS % "status 429",
    ]


async def test_a_wait_of_one_worker_is_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock()
    passage = gate(clock)
    for _ in range(8):
        passage.begin()
    error = api_error(503, Headers(), b"", operation="o", retry_after=30.0)
    passage.failed(passage.go(), error)
    assert not caplog.records
    for _ in range(7):
        passage.failed(passage.go(), error)
    assert [r.getMessage() for r in caplog.records] == [WAITS.replace("3,600", "30") % "status 503"]


async def test_failures_do_not_consume_the_client_s_retry_quota() -> None:
    async with Emulator(users(400)) as emulator:
        emulator.faults.add(Fault(status=503, every=2))
        policy = RetryPolicy(base_delay=0.0, max_attempts=10)
        async with MonoCloudClient(emulator.url, emulator.api_key, retry=policy) as client:
            found = await outcomes(client, rows(400))
            assert client._caller.quota.tokens == 500
    assert [one.error for one in found] == [None] * 400


@pytest.mark.parametrize("concurrency", [1, 2, 3])
async def test_a_run_with_few_workers_survives_an_outage_of_one_second(concurrency: int) -> None:
    async with Emulator(users(100), faults=[Fault(outage=1, after=30, times=1)]) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            found = await outcomes(client, rows(100), concurrency=concurrency)
    assert [one.error for one in found] == [None] * 100


@pytest.mark.parametrize("count", [4, 40])
async def test_the_last_rows_survive_an_outage_of_one_second(count: int) -> None:
    fault = Fault(outage=1, after=count - 4, times=1)
    async with Emulator(users(count), faults=[fault]) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            found = await outcomes(client, rows(count))
    assert [one.error for one in found] == [None] * count


async def test_an_outage_slows_the_run_down_and_loses_few_rows() -> None:
    clock = Clock()
    async with Wire(reset) as wire:
        async with timed(MonoCloudClient(wire.url, KEY), clock) as client:
            found = []
            async for one in client.phones.set_primary_many(rows(1_000), concurrency=8):
                found.append(one)
                if len(found) == 20:
                    break
    assert all(isinstance(one.error, TransportError) for one in found)
    # Each row was tried three times: the first row of each worker at once, then one call at a time.
    assert clock.now > 300
    assert len(wire.requests) <= 3 * (20 + 8)


WAITS_LONG = "the server seems to be down; the run retries periodically: "


async def first_of(client: MonoCloudClient) -> Outcome:
    """Return the first outcome of a run, and leave the run there."""
    run = client.phones.set_primary_many(rows(1_000), concurrency=8)
    try:
        return await anext(run)
    finally:
        await run.aclose()


@pytest.mark.parametrize("proxied", [False, True])
async def test_a_server_that_never_responded_is_logged_with_what_to_check(
    proxied: bool, unused_port: int, caplog: pytest.LogCaptureFixture
) -> None:
    nowhere = f"http://127.0.0.1:{unused_port}"
    domain, proxy, check = nowhere, None, "check the domain"
    if proxied:
        domain, proxy, check = "https://a.test", nowhere, "check the domain and the proxy"
    async with timed(MonoCloudClient(domain, KEY, proxy=proxy), Clock()) as client:
        assert isinstance((await first_of(client)).error, TransportError)
    [record] = caplog.records
    message = record.getMessage()
    place = f"the proxy 127.0.0.1:{unused_port}" if proxied else f"127.0.0.1:{unused_port}"
    assert message.startswith(f"{WAITS_LONG}no connection to {place}: ")
    assert message.endswith(f"; no response from {domain} so far: {check}, or stop the run")
    assert "\n" not in message


@pytest.mark.parametrize("step", [answer(), problem(404), problem(429), problem(500)])
async def test_the_domain_is_not_blamed_once_something_responded(
    step: Step, caplog: pytest.LogCaptureFixture
) -> None:
    async with Wire(step, reset) as wire:
        async with timed(MonoCloudClient(wire.url, KEY), Clock()) as client:
            found: list[Outcome] = []
            async for one in client.phones.set_primary_many(rows(1_000), concurrency=8):
                found.append(one)
                if len(found) == 9:
                    break
    [record] = caplog.records
    assert record.getMessage().startswith(WAITS_LONG)
    assert "the domain" not in record.getMessage()


# Numbers


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator(users(3)) as emulator:
        yield emulator


@pytest.fixture
async def local(emulator: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(emulator.url, emulator.api_key) as client:
        yield client


@pytest.mark.parametrize(
    "phone",
    ["+442514900001", " +44 (2514) 90-00.01 ", "+44\u00a02514\u2011900001", "+44[2514]900001"],
)
async def test_a_phone_is_set_primary_by_its_number(
    phone: str, local: MonoCloudClient, emulator: Emulator
) -> None:
    user = await local.phones.set_primary_by_number("u1", phone)
    assert user.primary_phone
    assert user.primary_phone.id == "p1"
    assert [r.path for r in emulator.requests] == [
        "/api/users/u1",
        "/api/users/u1/phones/p1/primary",
    ]


async def test_a_number_that_is_already_primary_is_not_written(
    local: MonoCloudClient, emulator: Emulator
) -> None:
    user = await local.phones.set_primary_by_number("u1", "+441514900001")
    assert user.primary_phone
    assert user.primary_phone.id == "old"
    assert [r.method for r in emulator.requests] == ["GET"]


async def test_an_unknown_number_is_an_error_with_the_known_endings(
    local: MonoCloudClient, emulator: Emulator
) -> None:
    with pytest.raises(PhoneNotFoundError) as caught:
        await local.phones.set_primary_by_number("u1", "+49301234567")
    assert str(caught.value) == (
        "phones.set_primary_by_number: no phone has the number …4567: the user's numbers end in "
        "…0001, …0001; nothing was changed"
    )
    assert caught.value.endings == ("…0001", "…0001")
    assert isinstance(caught.value, LookupError)
    assert emulator.executions == 0
    with pytest.raises(NotFoundError):
        await local.phones.set_primary_by_number("nobody", "+49301234567")


@pytest.mark.parametrize(
    "phone",
    [
        "",
        "0",
        "00442514900001",
        "442514900001",
        "+0442514900001",
        "+44/2514900001",
        "+44a",
        "+4425149000011234567",
        "+\u0664\u0664251490000",
        None,
        44,
    ],
)
async def test_an_invalid_number_is_not_sent(
    phone: Any, local: MonoCloudClient, emulator: Emulator
) -> None:
    with pytest.raises(InvalidArgumentError):
        await local.phones.set_primary_by_number("u1", phone)
    assert emulator.requests == []


@pytest.mark.parametrize(("primary", "writes"), [(True, False), (False, None)])
async def test_two_phones_with_the_same_number_are_ambiguous_unless_one_is_primary(
    primary: bool, writes: bool | None
) -> None:
    twice = {
        "user_id": "u",
        "phone_numbers": [
            {"id": "a", "phone": "+441514900001", "primary": False},
            {"id": "b", "phone": "+441514900001", "primary": primary},
        ],
    }
    async with Emulator([twice]) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            if primary:
                await client.phones.set_primary_by_number("u", "+441514900001")
            else:
                with pytest.raises(PhoneNotFoundError, match="2 phones, none of them primary"):
                    await client.phones.set_primary_by_number("u", "+441514900001")
        assert emulator.executions == 0


async def test_rows_may_name_phones_by_number(local: MonoCloudClient, emulator: Emulator) -> None:
    given = [
        ("u0", "+44 2514 900000"),
        ("u1", "+441514900001"),
        ("u2", "+49301234567"),
        ("u2", "1"),
    ]
    found = sorted(await outcomes(local, given, by="number"), key=lambda one: one.index)
    assert [one.phone for one in found] == [phone for _, phone in given]
    assert [one.identifier_id for one in found] == ["p0", "old", None, None]
    assert [one.attempts for one in found] == [2, 1, 1, 0]
    assert [type(one.error) for one in found] == [
        type(None),
        type(None),
        PhoneNotFoundError,
        InvalidArgumentError,
    ]
    assert emulator.executions == 1


# All together


@pytest.mark.slow
@pytest.mark.parametrize("count", [3_000, pytest.param(20_000, marks=pytest.mark.full)])
async def test_no_row_is_lost_under_faults_and_a_rate_limit(count: int) -> None:
    async with Emulator(users(count), rate_limit=RateLimit(5_000, burst=100)) as emulator:
        emulator.faults.add(
            Fault(connection="reset", probability=0.025),
            Fault(connection="reset", executed=True, probability=0.025),
            Fault(status=503, probability=0.02),
        )
        policy = RetryPolicy(max_attempts=6, base_delay=0.01)
        async with MonoCloudClient(emulator.url, emulator.api_key, retry=policy) as client:
            seen, attempts = [], 0
            async for one in client.phones.set_primary_many(rows(count)):
                assert one.error is None
                seen.append(one.index)
                attempts += one.attempts
        assert sorted(seen) == list(range(count))
        assert attempts > 1.05 * count
        assert all(user["phone_numbers"][1]["primary"] for user in emulator.export())


async def test_no_row_is_lost_under_a_rate_limit_and_few_calls_are_refused() -> None:
    async with Emulator(users(400), rate_limit=RateLimit(200, burst=20)) as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            found = await outcomes(client, rows(400))
    assert [one.error for one in found] == [None] * 400
    refused = sum(one.attempts for one in found) - 400
    assert 0 < refused < 60
    assert not any(isinstance(one.error, RateLimitedError) for one in found)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("few", "more"), [(400, 1_000), pytest.param(1_000, 5_000, marks=pytest.mark.full)]
)
async def test_memory_does_not_grow_with_the_number_of_rows(
    wire: Wire, few: int, more: int
) -> None:
    async def peak(count: int) -> int:
        gc.collect()
        tracemalloc.start()
        async for _ in client.phones.set_primary_many(rows(count)):
            wire.requests.clear()
        _, most = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        return most

    async with MonoCloudClient(wire.url, KEY) as client:
        await peak(few // 2)
        assert await peak(few + more) < await peak(few) + 200 * more


def test_importing_the_package_does_not_import_bulk() -> None:
    script = "import sys, monocloud_sync; print([m for m in sys.modules if '.bulk' in m])"
    message = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert message.stdout == "[]\n"
