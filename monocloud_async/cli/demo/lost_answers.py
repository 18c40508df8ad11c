"""Connections break after a change: one call is retried, another reports an unknown result."""

from __future__ import annotations

from monocloud_async import MonoCloudClient, TransportError

from ...emulator import PHONE_ID, USER_ID, Emulator, Fault
from ..output import fail
from .display import code_of, paragraph, result

_PHONE = "+447700900456"
_RESET = Fault(connection="reset", executed=True, times=1)


async def show_lost_answers(emulator: Emulator) -> None:
    """Break the connection once for each of two calls."""
    async with MonoCloudClient(emulator.url, emulator.api_key) as client:
        await _repaired(emulator, client)
        emulator.reset()
        paragraph("")
        await _reported(emulator, client)


async def _set_primary(client: MonoCloudClient) -> None:
    await client.phones.set_primary(USER_ID, PHONE_ID)  # may be sent again


async def _add(client: MonoCloudClient) -> None:
    await client.phones.add(USER_ID, _PHONE)  # must not be sent again


async def _repaired(emulator: Emulator, client: MonoCloudClient) -> None:
    emulator.faults.add(_RESET)
    code_of(_set_primary)
    await _set_primary(client)
    counts = emulator.counts
    primary = emulator.user(USER_ID).primary_phone
    if (counts.requests, counts.executions) != (2, 2) or primary is None or primary.id != PHONE_ID:
        fail("the call whose response was lost was not retried as promised")
    result("the connection was reset, the client retried, and the call succeeded:")
    paragraph("     2 requests, and the right phone is primary")


async def _reported(emulator: Emulator, client: MonoCloudClient) -> None:
    emulator.faults.add(_RESET)
    code_of(_add)
    try:
        await _add(client)
    except TransportError as error:
        lost = error
    else:
        fail("the call whose response was lost raised no error")
    added = [p for p in emulator.user(USER_ID).phone_numbers if p.phone == _PHONE]
    if (emulator.counts.requests, len(added), lost.may_have_been_applied) != (1, 1, True):
        fail("the addition whose response was lost was retried, or not reported as promised")
    summary = f"{type(lost).__name__} with may_have_been_applied=True"
    result(f"{summary}: 1 request, and 1 phone was added, not 2")
