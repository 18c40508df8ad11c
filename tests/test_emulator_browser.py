"""The emulator's page in a real Chromium: live, by keyboard, without JavaScript, light and dark."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from monocloud_async import MonoCloudClient, NotFoundError, RetryPolicy
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator, Fault

from .chromium import CHROMIUM, launched

if CHROMIUM is None:
    pytest.skip("Chromium was not found: see scripts/test_browser", allow_module_level=True)
pytest.importorskip("playwright", reason="the browser extra is not installed")

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]
SCRIPTS = Path(__file__).parent / "page_checks.js"


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def browser() -> AsyncIterator[Any]:
    async with launched() as browser:
        yield browser


@pytest_asyncio.fixture(loop_scope="module")
async def server() -> AsyncIterator[Emulator]:
    async with Emulator() as server:
        yield server


@pytest_asyncio.fixture(loop_scope="module")
async def client(server: Emulator) -> AsyncIterator[MonoCloudClient]:
    retry = RetryPolicy(base_delay=0.0)
    async with MonoCloudClient(server.url, server.api_key, retry=retry) as client:
        yield client


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Any, server: Emulator) -> AsyncIterator[Any]:
    """The emulator's page, which logs no errors and loads nothing from elsewhere."""
    context = await browser.new_context()
    page = await context.new_page()
    messages: list[str] = []
    requested: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))
    page.on("request", lambda request: requested.append(request.url))
    await opened(page, server)
    yield page
    await context.close()
    # Chromium logs failed requests while the emulator is away.
    assert [text for text in messages if "net::ERR_" not in text and "400 (Bad" not in text] == []
    assert [url for url in requested if not url.startswith(f"{server.url}/")] == []


async def opened(page: Any, server: Emulator) -> None:
    await page.goto(server.url)
    await page.wait_for_selector("#live-state.live")


async def text_of(page: Any, selector: str) -> str:
    element = await page.wait_for_selector(selector)
    return str(await element.inner_text())


async def tab_to(page: Any, selector: str) -> None:
    """Press Tab until an element has a visible focus."""
    for _ in range(100):
        await page.keyboard.press("Tab")
        if await page.evaluate("s => document.activeElement.matches(s)", selector):
            assert await page.evaluate(
                "getComputedStyle(document.activeElement).outlineStyle !== 'none'"
            )
            return
    raise AssertionError(f"Tab never reaches {selector}")


# Live


async def test_a_call_adds_a_row(page: Any, client: MonoCloudClient) -> None:
    await client.phones.set_primary(USER_ID, PHONE_ID)
    row = await text_of(page, "#request-1")
    assert "phones.set_primary" in row
    assert "200 OK" in row
    await page.wait_for_selector("#user-list li:has-text('+441632960961') .primary")
    await page.wait_for_selector(
        "#announcement:has-text('phones.set_primary, 200 OK')", state="attached"
    )
    await page.wait_for_selector("#summary:has-text('1 request · 1 change')")


async def test_faults_added_in_code_appear_too(page: Any, server: Emulator) -> None:
    server.faults.add(Fault(status=418))
    assert "418" in await text_of(page, "#fault-list code")
    server.faults.clear()
    await page.wait_for_selector("#fault-list .empty")


async def test_a_paused_list_does_not_grow(page: Any, client: MonoCloudClient) -> None:
    await page.click("#pause")
    await client.users.get(USER_ID)
    assert await page.locator("#request-1").count() == 0
    await page.click("#pause")
    await page.wait_for_selector("#request-1")
    await client.users.get(USER_ID)
    await page.wait_for_selector("#request-2")


async def test_the_page_reconnects_after_an_outage(
    page: Any, server: Emulator, client: MonoCloudClient
) -> None:
    await server.pause()
    await page.wait_for_selector("#live-state:has-text('does not respond')")
    await server.resume()
    await page.wait_for_selector("#live-state.live")
    await client.users.get(USER_ID)
    await page.wait_for_selector("#request-1")


async def test_a_reset_elsewhere_empties_the_list(
    page: Any, server: Emulator, client: MonoCloudClient
) -> None:
    await client.users.get(USER_ID)
    await page.wait_for_selector("#request-1")
    server.reset()
    await page.wait_for_selector("#request-1", state="detached")
    with pytest.raises(NotFoundError):
        await client.users.get("nobody")
    assert "404" in await text_of(page, "#request-1")


async def test_details_of_a_request_open_and_close(page: Any, client: MonoCloudClient) -> None:
    await client.phones.add(USER_ID, "+447700900999")
    await page.wait_for_selector("#request-1")
    await tab_to(page, "#request-1 a")
    await page.keyboard.press("Enter")
    shown = await text_of(page, "dialog[open]")
    assert '"phone_number": "+447700900999"' in shown
    assert "emulator-key" not in shown
    await page.keyboard.press("Escape")
    await page.wait_for_selector("dialog", state="detached")
    assert await page.evaluate("document.activeElement.matches('#request-1 a')")


# Forms


async def test_a_fault_can_be_added_by_keyboard(
    page: Any, server: Emulator, client: MonoCloudClient
) -> None:
    await tab_to(page, "#fault-status")
    await page.keyboard.type("503")
    await tab_to(page, "#fault-times")
    await page.keyboard.type("2")
    await tab_to(page, "#fault-operation")
    await page.keyboard.type("phones.set_primary")
    async with page.expect_navigation():
        await tab_to(page, "form[aria-labelledby=add-fault-heading] button")
        await page.keyboard.press("Enter")
    assert list(server.faults) == [Fault(status=503, times=2, operation="phones.set_primary")]
    assert await text_of(page, ".notice:focus") == "The fault was added."
    await page.wait_for_selector("#live-state.live")
    assert "done=" not in page.url
    assert (await client.phones.set_primary(USER_ID, PHONE_ID)).response.attempts == 3  # type: ignore[union-attr]
    assert "503 Service Unavailable" in await text_of(page, "#request-2")
    assert await text_of(page, "#request-3 .resent") == "3"
    await page.wait_for_selector("#fault-list:has-text('hit 2 requests')")
    await tab_to(page, "#remove-fault-1")
    async with page.expect_navigation():
        await page.keyboard.press("Enter")
    assert len(server.faults) == 0


async def test_typed_text_stays_while_requests_arrive(page: Any, client: MonoCloudClient) -> None:
    await page.fill("#fault-delay", "7")
    await client.users.get(USER_ID)
    await page.wait_for_selector("#summary:has-text('1 request')")
    assert await page.input_value("#fault-delay") == "7"
    assert await page.evaluate("document.activeElement.id") == "fault-delay"


async def test_an_invalid_form_shows_an_error_and_keeps_the_text(
    page: Any, server: Emulator
) -> None:
    await page.fill("#seed", '[{"user_id": 7}]')
    await page.click("text=Load seed")
    assert "$[0].user_id" in await text_of(page, "[role=alert]:focus")
    assert await page.input_value("#seed") == '[{"user_id": 7}]'
    assert server.user(USER_ID)
    await page.wait_for_selector("#live-state.live")


async def test_a_seed_is_loaded_from_a_file_and_reset(
    page: Any, server: Emulator, tmp_path: Path
) -> None:
    file = tmp_path / "seed.json"
    file.write_text(json.dumps([{"user_id": "u", "claims": {"name": "Zoë"}}]), encoding="utf-8")
    await page.set_input_files("#file", file)
    await page.click("text=Load seed")
    await page.wait_for_selector("#user-list:has-text('Zoë')")
    async with MonoCloudClient(server.url, server.api_key) as client:
        await client.users.delete("u")
    await page.wait_for_selector("#user-list:has-text('0 users')")
    await page.click("form[action$=reset] button")
    await page.wait_for_selector("#user-list:has-text('Zoë')")
    assert await page.locator("#request-rows tr").count() == 0


async def test_names_are_shown_as_text(browser: Any) -> None:
    evil = "<script>document.title='evil'</script><img src=x onerror=\"document.title='evil'\">"
    users = [{"user_id": evil, "claims": {"name": evil}}]
    async with Emulator(users) as server, await browser.new_context() as context:
        page = await context.new_page()
        await opened(page, server)
        assert evil in await text_of(page, "#user-list")
        async with MonoCloudClient(server.url, server.api_key) as client:
            await client.users.get(evil)
        await page.wait_for_selector("#request-1")
        assert await page.locator("img").count() == 0
        assert "evil" not in await page.title()


async def test_the_page_works_without_javascript(
    browser: Any, server: Emulator, client: MonoCloudClient
) -> None:
    async with await browser.new_context(java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(server.url)
        assert await page.is_hidden("#pause")
        await page.click("text=503 twice")
        assert "503, times 2" in await text_of(page, "#fault-list code")
        assert (await client.users.get(USER_ID)).response.attempts == 3  # type: ignore[union-attr]
        await page.reload()
        await page.click("#request-3 a")
        assert "users.get" in await text_of(page, "#request-details")


# Appearance and accessibility


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_contrast_and_structure_are_accessible(
    browser: Any, server: Emulator, scheme: str
) -> None:
    server.add_group("Staff", USER_ID)
    server.faults.add(Fault(status=503, times=1))
    retry = RetryPolicy(base_delay=0.0)
    async with MonoCloudClient(server.url, server.api_key, retry=retry) as client:
        await client.phones.set_primary(USER_ID, PHONE_ID)
        with pytest.raises(NotFoundError):
            await client.users.get("nobody")
    async with await browser.new_context(
        color_scheme=scheme, reduced_motion="reduce", viewport={"width": 1280, "height": 900}
    ) as context:
        page = await context.new_page()
        await opened(page, server)
        await page.click("#more-fault-fields summary")
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert background == {"light": "rgb(246, 247, 249)", "dark": "rgb(20, 22, 27)"}[scheme]
        # The page's content security policy does not apply to these checks.
        assert await page.evaluate(SCRIPTS.read_text(encoding="utf-8")) == []
        assert await page.evaluate("document.getAnimations().length") == 0


async def test_a_narrow_screen_does_not_scroll_sideways(browser: Any, server: Emulator) -> None:
    async with await browser.new_context(viewport={"width": 360, "height": 700}) as context:
        page = await context.new_page()
        await opened(page, server)
        wide = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
        assert await page.evaluate(wide) == 0
