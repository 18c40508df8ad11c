"""The local Chromium, driven by Playwright; nothing is downloaded."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

CHROMIUM = (
    os.environ.get("CHROMIUM")
    or shutil.which("chromium")
    or shutil.which("chromium-browser")
    or shutil.which("google-chrome")
)


@asynccontextmanager
async def launched() -> AsyncIterator[Any]:
    """Run a headless browser."""
    from playwright.async_api import async_playwright

    # Chromium's sandbox refuses to run as root, which containers often do.
    sandbox = not hasattr(os, "geteuid") or os.geteuid() != 0
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=CHROMIUM, chromium_sandbox=sandbox
        )
        try:
            yield browser
        finally:
            await browser.close()
