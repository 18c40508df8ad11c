"""The faults, and how each client handles them."""

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
# Faults that take a second each are injected less often.
_SOME = 50
OUTAGE = "server down for 1 s"
FAULTS: Mapping[str, Fault] = {
    "503, not applied": Fault(status=503, every=_EVERY),
    "502, applied": Fault(status=502, executed=True, every=_EVERY),
    "429 with `Retry-After: 1`": Fault(status=429, headers={"Retry-After": "1"}, every=_SOME),
    "connection closed, not applied": Fault(connection="closed", every=_EVERY),
    "connection closed, applied": Fault(connection="closed", executed=True, every=_EVERY),
    "connection reset, not applied": Fault(connection="reset", every=_EVERY),
    "connection reset, applied": Fault(connection="reset", executed=True, every=_EVERY),
    "truncated response": Fault(body="truncated", every=_EVERY),
    "response that is not HTTP": Fault(body="garbage", executed=True, every=_EVERY),
    "200 with a web page": Fault(body="html", every=_EVERY),
    "response after the timeout": Fault(delay=_TOO_LONG, every=_SOME),
    "response that trickles in past the timeout": Fault(drip=_TOO_LONG, every=_SOME),
    OUTAGE: Fault(outage=1, after=30, times=1),
}
# Faults that take no time.
QUICK = {
    name: FAULTS[name]
    for name in (
        "502, applied",
        "connection reset, applied",
        "truncated response",
        "200 with a web page",
    )
}


@attrs.frozen(eq=False)
class Comparison:
    """How the clients handled one fault."""

    fault: str
    operation: str
    figures: Mapping[str, Figures]


async def compared(calls: int, faults: Mapping[str, Fault]) -> list[Comparison]:
    """Run each client with each fault, for a call that is safe to repeat and one that is not."""
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
    """Return each client's sums over all faults."""
    return {name: sum(_each(comparisons, operation, name), Figures()) for name in CONTENDERS}


def _each(comparisons: list[Comparison], operation: str | None, name: str) -> Iterator[Figures]:
    for comparison in comparisons:
        if operation in (None, comparison.operation):
            yield comparison.figures[name]
