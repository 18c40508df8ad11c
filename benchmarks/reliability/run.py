"""Many calls of one client, and what became of each of them on the server."""

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
    """Return users of which each has two phones, the second not the primary one."""
    phones = [{"id": "first", "primary": True}, {"id": PHONE, "primary": False}]
    return [{"user_id": f"user-{n}", "phone_numbers": phones} for n in range(count)]


@attrs.frozen(eq=False)
class Outcome:
    """What a client said of one call."""

    user_id: str
    error: Exception | None
    seconds: float


def number_of(user_id: str) -> str:
    """Return the number that is added to a user: no two users of a tenant have the same."""
    return f"+4477009{int(user_id.rpartition('-')[2]):05}"


async def call_all(
    call: Call, argument: Callable[[str], str], ids: Iterable[str], workers: int
) -> list[Outcome]:
    """Make a call for each user, some at once, and return what became of them."""
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
    """Set the second phone, or add a number, for each user."""
    if operation == ADD:
        return await call_all(calls.add, number_of, ids, workers)
    return await call_all(calls.set_primary, lambda _: PHONE, ids, workers)


@attrs.frozen(kw_only=True)
class Figures:
    """What many calls came to.

    Attributes:
        calls: how many were made.
        faults: how many requests a fault struck.
        requests: how many requests came.
        lost: calls reported as done that were not carried out.
        twice: calls that were sent once more, though they were carried out and may not be twice.
        unsaid: calls reported as failed that were carried out, with no word of that.
        given_up: calls reported as failed, rightly, that another attempt would have carried out.
        in_doubt: calls reported as failed, with the word that they may be carried out.
        errors: how many errors were raised.
        shown: how many of these show the key, in a traceback with local variables.
    """

    calls: int = 0
    faults: int = 0
    requests: int = 0
    lost: int = 0
    twice: int = 0
    unsaid: int = 0
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
            (self.unsaid, "unsaid"),
            (self.given_up, "given up"),
            (self.in_doubt, "in doubt"),
        )
        return ", ".join(f"{count:,} {name}" for count, name in named if count) or "all well"


def figures(emulator: Emulator, operation: str, outcomes: Sequence[Outcome]) -> Figures:
    """Compare what a client said with what the emulator did."""
    applied = _applied(emulator, operation)
    kinds = Counter(_kind(outcome, outcome.user_id in applied) for outcome in outcomes)
    errors = [outcome.error for outcome in outcomes if outcome.error]
    return Figures(
        calls=len(outcomes),
        faults=emulator.faults.struck(),
        requests=emulator.counts.requests,
        lost=kinds["lost"],
        twice=_sent_after_execution(emulator) if operation == ADD else 0,
        unsaid=kinds["unsaid"],
        given_up=kinds["given up"],
        in_doubt=kinds["in doubt"],
        errors=len(errors),
        shown=sum(shows_key(error) for error in errors),
    )


def shows_key(error: BaseException) -> bool:
    """Return whether an error shows the key, with the local variables that error trackers take."""
    told = traceback.TracebackException.from_exception(error, capture_locals=True)
    return KEY in "".join([str(error), repr(error), *told.format()])


def _kind(outcome: Outcome, applied: bool) -> str:
    if outcome.error is None:
        return "done" if applied else "lost"
    if says_applied(outcome.error):
        return "in doubt"
    return "unsaid" if applied else "given up"


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
