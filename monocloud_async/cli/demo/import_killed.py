"""An import is killed: the same command resumes it, and every user is created exactly once."""

from __future__ import annotations

import asyncio
import collections
import shlex
import tempfile
from pathlib import Path

from ...emulator import Emulator, Fault
from ..output import fail
from .display import command, result
from .processes import Process

USERS = 1_000
_KILLED_AT = USERS * 2 // 5
# One creation in fifty is applied, but its response is lost.
_RESETS = Fault(
    operation="users.create", connection="reset", executed=True, probability=0.02, seed=1
)


async def show_killed_import(emulator: Emulator) -> None:
    """Kill an import, run it again, and count the users."""
    emulator.faults.add(_RESETS)
    before = len(emulator.export())
    with tempfile.TemporaryDirectory() as folder:
        await _killed(emulator, Path(folder))
        killed_at = emulator.executions_of("users.create")
        result(f"killed (kill -9) when the server had created {killed_at:,} of {USERS:,} users")
        await _resumed(emulator, Path(folder))
    emails = collections.Counter(
        email["email"] for user in emulator.export()[before:] for email in user["emails"]
    )
    check(emails, emulator.executions_of("users.create"))
    resets = emulator.faults.struck()
    result(f"{len(emails):,} users, each created exactly once: none is missing or duplicated")
    result(f"{resets} responses were lost on the way, and the import looked up each of these users")


def check(emails: collections.Counter[str], created: int) -> None:
    """End with an error if a user is missing, was created twice, or is not from the file."""
    if emails != collections.Counter(map(_email, range(USERS))):
        fail("the tenant does not have each user of the file exactly once")
    if created != USERS:
        fail(f"the server created {created:,} users instead of {USERS:,}")


def _email(number: int) -> str:
    return f"user-{number}@example.com"


async def _killed(emulator: Emulator, folder: Path) -> None:
    lines = ["email,name", *(f"{_email(number)},User {number}" for number in range(USERS))]
    (folder / "users.csv").write_text("\n".join(lines))
    async with _importing(emulator, folder) as process:
        while emulator.executions_of("users.create") < _KILLED_AT:
            if process.ended:
                fail("the import ended before it could be killed")
            await asyncio.sleep(0.002)
        if not await process.kill():
            fail("the import ended before it could be killed")


async def _resumed(emulator: Emulator, folder: Path) -> None:
    async with _importing(emulator, folder) as process:
        printed = await process.succeed()
    result(printed.strip())


def _importing(emulator: Emulator, folder: Path) -> Process:
    arguments = "users", "import", "users.csv", "--journal", "users.journal"
    command(shlex.join(["monocloud", *arguments]))
    return Process(emulator.url, emulator.api_key, arguments, folder)
