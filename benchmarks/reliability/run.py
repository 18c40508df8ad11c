"""Make many calls with a client, and compare its reports with what the server applied."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

import attrs

from monocloud_sync.emulator import Emulator

from .contenders import KEY, Call, Calls, says_applied

SET_PRIMARY, ADD = "phones.set_primary", "phones.add"
PHONE = "second"
WORKERS = 16


def users(count: int) -> list[dict[str, object]]:
    """Return users with two phones each, of which the first is primary."""
    phones = [{"id": "first", "primary": True}, {"id": PHONE, "primary": False}]
    return [{"user_id": f"user-{n}", "phone_numbers": phones} for n in range(count)]


@attrs.frozen(eq=False)
class Outcome:
    """What a client reported for one call."""

    user_id: str
    error: Exception | None
    seconds: float


def number_of(user_id: str) -> str:
    """Return the number to add to a user; it is unique in the tenant."""
    return f"+4477009{int(user_id.rpartition('-')[2]):05}"


async def call_all(
    call: Call, argument: Callable[[str], str], ids: Iterable[str], workers: int
) -> list[Outcome]:
    """Make a call for each user, ``workers`` at a time, and return the outcomes."""
    waiting, outcomes = iter(ids), list[Outcome]()

    async def work() -> None:
        for user_id in waiting:
            began, error = time.monotonic(), None
            try:
                await call(user_id, argument(user_id))
            except Exception as raised:
                error = raised
            outcomes.append(Outcome(user_id, error, time.monotonic() - began))

    await asyncio.gather(*(work() for _ in range(workers)))
    return outcomes


async def call_for(
    calls: Calls, operation: str, ids: Iterable[str], workers: int = WORKERS
) -> list[Outcome]:
    """Make the second phone primary, or add a number, for each user."""
    if operation == ADD:
        return await call_all(calls.add, number_of, ids, workers)
    return await call_all(calls.set_primary, lambda _: PHONE, ids, workers)


@attrs.frozen(kw_only=True)
class Figures:
    """The results of many calls.

    Attributes:
        calls: the number of calls.
        faults: the number of requests that a fault hit.
        requests: the number of requests that the server received.
        lost: calls reported as successful that were not applied.
        twice: calls sent again after they were applied, although they are not safe to repeat.
        unreported: calls reported as failed that were applied, where the error does not say so.
        given_up: calls correctly reported as failed that another attempt would have applied.
        in_doubt: calls reported as failed, where the error says that they may have been applied.
        errors: the number of errors raised.
        shown: how many of these errors show the key in a traceback with local variables.
    """

    calls: int = 0
    faults: int = 0
    requests: int = 0
    lost: int = 0
    twice: int = 0
    unreported: int = 0
    given_up: int = 0
    in_doubt: int = 0
    errors: int = 0
    shown: int = 0

    def __add__(self, other: Figures) -> Figures:
        mine, theirs = attrs.asdict(self), attrs.asdict(other)
        return Figures(**{name: mine[name] + theirs[name] for name in mine})

    def __str__(self) -> str:
        named = (
            (self.lost, "lost"),
            (self.twice, "sent twice"),
            (self.unreported, "unreported"),
            (self.given_up, "given up"),
            (self.in_doubt, "in doubt"),
        )
        return ", ".join(f"{count:,} {name}" for count, name in named if count) or "all correct"


def figures(emulator: Emulator, operation: str, outcomes: Sequence[Outcome]) -> Figures:
    """Compare a client's outcomes with what the emulator applied."""
    applied = _applied(emulator, operation)
    kinds = Counter(_kind(outcome, outcome.user_id in applied) for outcome in outcomes)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    return Figures(
        calls=len(outcomes),
        faults=emulator.faults.struck(),
        requests=emulator.counts.requests,
        lost=kinds["lost"],
        twice=_sent_after_execution(emulator) if operation == ADD else 0,
        unreported=kinds["unreported"],
        given_up=kinds["given up"],
        in_doubt=kinds["in doubt"],
        errors=len(errors),
        shown=sum(shows_key(error) for error in errors),
    )


def shows_key(error: BaseException) -> bool:
    """Return whether an error shows the key, also in the local variables that trackers record."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return KEY in "".join([str(error), repr(error), *told.format()])


def _kind(outcome: Outcome, applied: bool) -> str:
    if outcome.error is None:
        return "done" if applied else "lost"
    if says_applied(outcome.error):
        return "in doubt"
    return "unreported" if applied else "given up"


def _applied(emulator: Emulator, operation: str) -> set[str]:
    def is_applied(user_id: str, phone: dict[str, object]) -> bool:
        if operation == ADD:
            return phone.get("phone") == number_of(user_id)
        return phone["id"] == PHONE and bool(phone["primary"])

    return {
        user["user_id"]
        for user in emulator.export()
        if any(is_applied(user["user_id"], phone) for phone in user["phone_numbers"])
    }


def _sent_after_execution(emulator: Emulator) -> int:
    executed: dict[str | None, list[bool]] = defaultdict(list)
    for request in emulator.requests:
        executed[request.user_id].append(request.executed)
    return sum(True in of_one[:-1] for of_one in executed.values())
