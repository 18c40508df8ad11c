"""`monocloud demo`: shows what the SDK promises on a local tenant, and checks it there."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence

from ...emulator import Emulator
from .display import heading, paragraph, success
from .import_killed import show_killed_import
from .lost_answers import show_lost_answers
from .next_command import next_command
from .signals import ended_by_signals
from .three_ways import show_three_ways

Part = Callable[[Emulator], Awaitable[None]]

PARTS: Sequence[tuple[str, Part]] = (
    ("One call, three ways: make the other phone the primary one", show_three_ways),
    ("The server makes a change, but the connection breaks before it responds", show_lost_answers),
    ("An import is killed and resumed, while connections keep breaking", show_killed_import),
)


async def demo() -> None:
    """Show each part, and exit with an error if one does not work as promised."""
    with ended_by_signals():
        await _show_parts()


async def _show_parts() -> None:
    _forget_settings()
    paragraph("This demo runs its own tenant on this machine. It does not touch yours.")
    for number, (title, part) in enumerate(PARTS, 1):
        heading(f"{number}. {title}")
        async with Emulator() as emulator:
            await part(emulator)
    success("Each result above was read back from the server, and is as promised.")
    paragraph("Your turn: start a local tenant, which tells you what to type next:")
    paragraph(f"  {next_command()}")


def _forget_settings() -> None:
    """Remove the user's settings, so that no client or command can reach the user's tenant."""
    for name in [name for name in os.environ if name.startswith("MONOCLOUD_")]:
        del os.environ[name]
