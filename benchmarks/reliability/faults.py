"""The faults, and what each client makes of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import attrs

from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .contenders import CONTENDERS, KEY, Limits
from .run import ADD, SET_PRIMARY, Figures, call_for, figures, users

_LIMITS = Limits()
_TOO_LONG = 1.5 * _LIMITS.timeout
_EVERY = 20
# Those that take a second each are fewer.
_SOME = 50
OUTAGE = "nobody listens for 1 s"
FAULTS: Mapping[str, Fault] = {
    "503, not carried out": Fault(status=503, every=_EVERY),
    "502, carried out": Fault(status=502, executed=True, every=_EVERY),
    "429 with `Retry-After: 1`": Fault(status=429, headers={"Retry-After": "1"}, every=_SOME),
    "connection closed, not carried out": Fault(connection="closed", every=_EVERY),
    "connection closed, carried out": Fault(connection="closed", executed=True, every=_EVERY),
    "connection reset, not carried out": Fault(connection="reset", every=_EVERY),
    "connection reset, carried out": Fault(connection="reset", executed=True, every=_EVERY),
    "answer broken off": Fault(body="truncated", every=_EVERY),
    "answer that is not HTTP": Fault(body="garbage", executed=True, every=_EVERY),
    "answer that is a web page, 200": Fault(body="html", every=_EVERY),
    "answer after the timeout": Fault(delay=_TOO_LONG, every=_SOME),
    "answer that drips past the timeout": Fault(drip=_TOO_LONG, every=_SOME),
    OUTAGE: Fault(outage=1, after=30, times=1),
}
# Some that take no second each time that they strike.
QUICK = {
    name: FAULTS[name]
    for name in (
        "502, carried out",
        "connection reset, carried out",
        "answer broken off",
        "answer that is a web page, 200",
    )
}


@attrs.frozen(eq=False)
class Comparison:
    """What the clients made of one fault."""

    fault: str
    operation: str
    figures: Mapping[str, Figures]


async def compared(calls: int, faults: Mapping[str, Fault]) -> list[Comparison]:
    """Put each client through some faults, with an operation that may be repeated and one not."""
    with Emulator(users(calls), api_key=KEY, journal=10 * calls) as emulator:
        return [
            Comparison(name, operation, await _of_each(emulator, fault, operation))
            for operation in (SET_PRIMARY, ADD)
            for name, fault in faults.items()
        ]


async def _of_each(emulator: Emulator, fault: Fault, operation: str) -> dict[str, Figures]:
    found: dict[str, Figures] = {}
    ids = [user["user_id"] for user in emulator.export()]
    for name, contender in CONTENDERS.items():
        emulator.reset()
        emulator.faults.add(fault)
        async with contender(emulator.url, _LIMITS) as calls:
            outcomes = await call_for(calls, operation, ids)
        found[name] = figures(emulator, operation, outcomes)
    return found


def in_all(comparisons: list[Comparison], operation: str | None = None) -> dict[str, Figures]:
    """Return the sums for each client, over all faults."""
    return {name: sum(_each(comparisons, operation, name), Figures()) for name in CONTENDERS}


def _each(comparisons: list[Comparison], operation: str | None, name: str) -> Iterator[Figures]:
    for comparison in comparisons:
        if operation in (None, comparison.operation):
            yield comparison.figures[name]
