"""`monocloud demo`: a phone set in three ways, then other operations, all checked on the server."""

from __future__ import annotations

import asyncio
import inspect
import os
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from textwrap import dedent, indent

from rich.syntax import Syntax
from rich.table import Table
from rich.text import Text

from .._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE
from ..emulator import USER_ID, Emulator
from ..models import UserPhone
from .output import fail, show, table

# Domain, API key, user id, identifier id.
Way = Callable[[str, str, str, str], Awaitable[None]]
Shown = Callable[[str, str, str, str], Text]
# Domain, API key.
Step = Callable[[str, str], Awaitable[None]]


async def demo() -> None:
    """Show the ways and the steps, and end with an error if one does not have its effect."""
    _forget_settings()
    async with Emulator() as emulator:
        show(Text(f"A local MonoCloud is up at {emulator.url}, with the user {USER_ID}.\n"))
        for number, (title, shown, way) in enumerate(_WAYS, 1):
            show(Text(f"{number}. {title}\n", style="bold"))
            await _take(emulator, shown, way)
        for number, (title, step, disabled) in enumerate(_STEPS, len(_WAYS) + 1):
            show(Text(f"{number}. {title}\n", style="bold"))
            await _go(emulator, step, disabled)
    show(Text("The server has each of these changes.", style="bold green"))


async def _take(emulator: Emulator, shown: Shown, way: Way) -> None:
    before = _phones(emulator)
    chosen = next(phone for phone in before if not phone.primary)
    call = emulator.url, emulator.api_key, USER_ID, chosen.id
    show(shown(*call))
    await way(*call)
    after = _phones(emulator)
    show(_comparison(before, after), "")
    if [phone.id for phone in after if phone.primary] != [chosen.id]:
        fail("that did not make the other phone the primary one")


async def _go(emulator: Emulator, step: Step, disabled: int) -> None:
    before = _accounts(emulator)
    show(_code_of(step))
    await step(emulator.url, emulator.api_key)
    after = _accounts(emulator)
    rows = table("User", "Before", "After")
    for user_id, state in after.items():
        style = "bold green" if state != before[user_id] else None
        rows.add_row(Text(user_id), before[user_id], state, style=style)
    show(rows, "")
    if list(after.values()).count("disabled") != disabled:
        fail("that did not change the users as it should")


def _accounts(emulator: Emulator) -> dict[str, str]:
    """Return whether the server has each user enabled or disabled."""
    return {
        user["user_id"]: "disabled" if user["disabled"] else "enabled" for user in emulator.export()
    }


def _phones(emulator: Emulator) -> Sequence[UserPhone]:
    """Return the phones as the server has them, whatever a client says of them."""
    return emulator.user(USER_ID).phone_numbers


def _comparison(before: Sequence[UserPhone], after: Sequence[UserPhone]) -> Table:
    rows = table("Phone", "Identifier id", "Before", "After")
    was = {phone.id: phone.primary for phone in before}
    for phone in after:
        marks = ["primary" if primary else "-" for primary in (was[phone.id], phone.primary)]
        style = "bold green" if phone.primary else None
        rows.add_row(Text(phone.phone or "-"), Text(phone.id), *marks, style=style)
    return rows


async def _with_asyncio(domain: str, api_key: str, user_id: str, identifier_id: str) -> None:
    from monocloud_async import MonoCloudClient

    async with MonoCloudClient(domain, api_key) as client:
        await client.phones.set_primary(user_id, identifier_id)


async def _disable_one(domain: str, api_key: str) -> None:
    from monocloud_async import MonoCloudClient

    async with MonoCloudClient(domain, api_key) as client:
        users = await client.users.list(sort="creation_time:-1").collect(limit=10)
        await client.users.disable(users[0].user_id, revoke_sessions=True)


async def _enable_all(domain: str, api_key: str) -> None:
    from monocloud_async import MonoCloudClient

    async with MonoCloudClient(domain, api_key) as client:
        rows = [(user.user_id,) async for user in client.users.list()]
        async for outcome in client.many(client.users.enable, rows):
            if outcome.error:
                raise outcome.error


# A program of its own: the emulator lives on this event loop, which a blocking call would stop.
_BLOCKING = """
from monocloud_sync import MonoCloudClient

with MonoCloudClient(domain, api_key) as client:
    client.phones.set_primary(user_id, identifier_id)
"""
_ARGUMENTS = """
import os, sys
domain, api_key = os.environ["{domain}"], os.environ["{api_key}"]
user_id, identifier_id = sys.argv[1:]
"""


async def _without_asyncio(domain: str, api_key: str, user_id: str, identifier_id: str) -> None:
    begin = _ARGUMENTS.format(domain=DOMAIN_VARIABLE, api_key=API_KEY_VARIABLE)
    await _run(domain, api_key, "-c", begin + _BLOCKING, user_id, identifier_id)


async def _as_a_command(domain: str, api_key: str, user_id: str, identifier_id: str) -> None:
    command = ("-m", "monocloud_async.cli", "phones", "set-primary", user_id, identifier_id)
    show(Text(indent(await _run(domain, api_key, *command), "    ")))


async def _run(domain: str, api_key: str, *arguments: str) -> str:
    """Run Python, and return what it printed."""
    # A directory, or a zip that these packages are in.
    root = Path(__file__).parents[2]
    path = os.pathsep.join([str(root), *filter(None, [os.environ.get("PYTHONPATH")])])
    settings = {"PYTHONPATH": path, DOMAIN_VARIABLE: domain, API_KEY_VARIABLE: api_key}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *arguments,
        # With -m, what lies in the current directory comes before the standard library.
        cwd=root if root.is_dir() else sys.prefix,
        env={**os.environ, **settings},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    if process.returncode:
        fail(f"the command ended with exit code {process.returncode}")
    return printed.decode()


def _code(source: str) -> Text:
    return Syntax(source, "python", theme="ansi_dark").highlight(indent(source, "    "))


def _code_of(function: Callable[..., object]) -> Text:
    """Return a function's body: the very code that is run."""
    return _code(dedent(inspect.getsource(function).partition("\n")[2]))


def _show_async(*_: str) -> Text:
    return _code_of(_with_asyncio)


def _show_blocking(*_: str) -> Text:
    return _code(_BLOCKING.lstrip())


def _command_line(domain: str, api_key: str, user_id: str, identifier_id: str) -> Text:
    lines = (
        f"export {DOMAIN_VARIABLE}={shlex.quote(domain)}",
        f"export {API_KEY_VARIABLE}={shlex.quote(api_key)}",
        shlex.join(["monocloud", "phones", "set-primary", user_id, identifier_id]),
    )
    return Text("".join(f"    $ {line}\n" for line in lines))


_WAYS: Sequence[tuple[str, Shown, Way]] = (
    ("The async client", _show_async, _with_asyncio),
    ("The blocking client", _show_blocking, _without_asyncio),
    ("The command line", _command_line, _as_a_command),
)

# With how many users are disabled then.
_STEPS: Sequence[tuple[str, Step, int]] = (
    ("List the users, and disable the newest", _disable_one, 1),
    ("A batch: enable them all", _enable_all, 0),
)


def _forget_settings() -> None:
    """Leave the caller's tenant alone: neither these clients nor the command learn of it."""
    for name in [name for name in os.environ if name.startswith("MONOCLOUD_")]:
        del os.environ[name]
