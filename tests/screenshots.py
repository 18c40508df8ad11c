"""Takes the screenshots of the emulator's page for the docs: `scripts/screenshots`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from monocloud_async import MonoCloudClient, NotFoundError, RetryPolicy
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator, Fault

from .chromium import launched

IMAGES = Path(__file__).parents[1] / "docs" / "images"
SIZE = {"width": 1180, "height": 780}
LARGEST = 150_000


async def work(emulator: Emulator) -> None:
    """Make the calls that the screenshots show."""
    retry = RetryPolicy(base_delay=0.0)
    emulator.faults.add(Fault(status=503, operation="phones.set_primary", times=2))
    emulator.faults.add(
        Fault(connection="reset", executed=True, operation="phones.set_verified", times=1)
    )
    async with MonoCloudClient(emulator.url, emulator.api_key, retry=retry) as client:
        await client.phones.set_primary(USER_ID, PHONE_ID)
        await client.phones.set_verified(USER_ID, PHONE_ID)
        try:
            await client.users.get("nobody")
        except NotFoundError:
            await client.users.list().collect(100)


async def screenshot(browser: Any, scheme: str) -> None:
    """Take the screenshot in one color scheme, once all requests are on the page."""
    async with Emulator() as emulator:
        context = await browser.new_context(
            color_scheme=scheme, reduced_motion="reduce", viewport=SIZE
        )
        page = await context.new_page()
        await page.goto(emulator.url)
        await page.wait_for_selector("#live-state.live")
        await work(emulator)
        await page.wait_for_selector(f"#request-{emulator.counts.requests}")
        await page.wait_for_selector("#fault-list:has-text('hit 1 request')")
        file = IMAGES / f"emulator-{scheme}.png"
        await page.screenshot(path=file)
        await context.close()
    size = file.stat().st_size
    assert size < LARGEST, f"{file} has {size} bytes; the limit is {LARGEST}"
    print(f"{file}: {size} bytes")


async def main() -> None:
    """Take all screenshots."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    async with launched() as browser:
        for scheme in ("light", "dark"):
            await screenshot(browser, scheme)


if __name__ == "__main__":
    asyncio.run(main())
