"""Measure a client's memory for one response: ``python -m benchmarks.reliability.flooded``."""

from __future__ import annotations

import asyncio
import contextlib
import resource
import sys

from .contenders import CONTENDERS, Limits
from .run import PHONE


async def main(name: str, origin: str) -> None:
    """Print by how many MB the process grows from its first response to its second."""
    async with CONTENDERS[name](origin, Limits(timeout=30)) as calls:
        await calls.set_primary("user-0", PHONE)
        before = _highest()
        with contextlib.suppress(Exception):
            await calls.set_primary("user-0", PHONE)
    print((_highest() - before) // 1024)


def _highest() -> int:
    """Return the peak memory of the process so far, in KiB."""
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return highest // 1024 if sys.platform == "darwin" else highest


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
