"""`monocloud demo`: what the SDK promises, shown on a local tenant and checked there."""

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
    ("The server makes a change, and the connection breaks before it answers", show_lost_answers),
    ("An import is killed and resumed, and connections break on the way", show_killed_import),
)


async def demo() -> None:
    """Show each part, and end with an error if one does not have its effect."""
    with ended_by_signals():
        await _show_parts()


async def _show_parts() -> None:
    _forget_settings()
    paragraph("A tenant of this demo's own runs on this machine. Yours is left alone.")
    for number, (title, part) in enumerate(PARTS, 1):
        heading(f"{number}. {title}")
        async with Emulator() as emulator:
            await part(emulator)
    success("Each result above was read from the server, and is as promised.")
    paragraph("Now you. Start a local tenant, which says what to type next:")
    paragraph(f"  {next_command()}")


def _forget_settings() -> None:
    """Leave the caller's tenant alone: neither these clients nor the commands learn of it."""
    for name in [name for name in os.environ if name.startswith("MONOCLOUD_")]:
        del os.environ[name]
