"""Fencing: stop an attempt that waits when another worker has taken over its bucket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Protocol

from .._journal_file import JournalError
from ..cli.batch.stop import Stop

# Seconds between checks. An attempt also checks whenever it records outcomes. While it waits for
# the rate limit or for the server it records none, but must not send old rows after newer ones.
_SECONDS = 5.0


class Checked(Protocol):
    """The journal of an attempt."""

    def check(self) -> None:
        """Check that no newer attempt has taken over.

        Raises:
            JournalError: one has, or the journal cannot be read.
        """
        ...


@asynccontextmanager
async def fenced(journal: Checked, stop: Stop) -> AsyncGenerator[None, None]:
    """Stop an attempt within seconds after another has taken over.

    Args:
        journal: the attempt's journal.
        stop: stops the attempt.
    """
    checking = asyncio.create_task(_check(journal, stop))
    try:
        yield
    finally:
        checking.cancel()
        await asyncio.gather(checking, return_exceptions=True)


async def _check(journal: Checked, stop: Stop) -> None:
    try:
        while True:
            await asyncio.sleep(_SECONDS)
            await asyncio.to_thread(journal.check)
    except JournalError as error:
        stop.ask_for(error, at_once=True)
