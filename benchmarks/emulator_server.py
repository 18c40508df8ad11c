"""Run an empty emulator in a separate process."""

from __future__ import annotations

import asyncio
import sys
from urllib.parse import urlsplit

from monocloud_async.emulator import Emulator


async def main(api_key: str) -> None:
    """Print the port, and serve until stdin is closed."""
    async with Emulator([], api_key=api_key, journal=1) as emulator:
        print(urlsplit(emulator.url).port, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1]))
