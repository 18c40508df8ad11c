"""The same call with the async client, the blocking one and the command line."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Awaitable, Callable

from ...emulator import USER_ID, Emulator
from ..output import fail
from .display import code, code_of, command, paragraph, result
from .processes import Process

# Domain, API key, user id, phone id.
Way = Callable[[str, str, str, str], Awaitable[None]]


async def show_three_ways(emulator: Emulator) -> None:
    """Make the other phone the primary one, three times."""
    for number, way in enumerate(WAYS):
        if number:
            paragraph("")
        await take(emulator, way)


async def take(emulator: Emulator, way: Way) -> None:
    """Run one way, and check that the server made one change for one request."""
    phones = emulator.user(USER_ID).phone_numbers
    chosen = next(phone for phone in phones if not phone.primary)
    before = emulator.counts
    await way(emulator.url, emulator.api_key, USER_ID, chosen.id)
    after = emulator.counts
    primary = [p.id for p in emulator.user(USER_ID).phone_numbers if p.primary]
    if primary != [chosen.id]:
        fail("the other phone did not become the primary one")
    requests = after.requests - before.requests, after.executions - before.executions
    if requests != (1, 1):
        fail(f"this took {requests[0]} requests and {requests[1]} changes instead of one each")
    result(f"{chosen.phone} is primary: 1 request, 1 change")


async def _with_asyncio(domain: str, api_key: str, user_id: str, phone_id: str) -> None:
    from monocloud_async import MonoCloudClient

    async with MonoCloudClient(domain, api_key) as client:
        await client.phones.set_primary(user_id, phone_id)


# A string, because this package never imports the blocking one.
_BLOCKING = """\
from monocloud_sync import MonoCloudClient

with MonoCloudClient(domain, api_key) as client:
    client.phones.set_primary(user_id, phone_id)
"""


async def _async(*call: str) -> None:
    code_of(_with_asyncio)
    await _with_asyncio(*call)


async def _blocking(domain: str, api_key: str, user_id: str, phone_id: str) -> None:
    code(_BLOCKING)
    names = {"domain": domain, "api_key": api_key, "user_id": user_id, "phone_id": phone_id}
    # The emulator lives on this event loop, which a blocking call would stop.
    await asyncio.to_thread(exec, _BLOCKING, names)


async def _shell(domain: str, api_key: str, user_id: str, phone_id: str) -> None:
    arguments = "phones", "set-primary", user_id, phone_id
    command(shlex.join(["monocloud", *arguments]))
    async with Process(domain, api_key, arguments) as process:
        await process.succeed()


WAYS: list[Way] = [_async, _blocking, _shell]
