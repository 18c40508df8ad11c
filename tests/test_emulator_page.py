"""The HTML of the emulator's page, over a socket: what it shows, does and refuses."""

from __future__ import annotations

import asyncio
import io
import json
import re
import tracemalloc
import zipfile
from collections.abc import AsyncIterator, Mapping
from html import unescape
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hatchling.builders.wheel import WheelBuilder
from yarl import URL

from monocloud_async import MonoCloudClient, RetryPolicy
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator, Fault, RateLimit
from monocloud_async.emulator.attempts import Attempts

ROOT = Path(__file__).parents[1]
HTML = {"Accept": "text/html,*/*;q=0.8"}
DASHBOARD = "/_emulator/dashboard"
KEY = "canary-of-the-key"


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with Emulator(api_key=KEY) as server:
        yield server


@pytest.fixture
async def client(server: Emulator) -> AsyncIterator[MonoCloudClient]:
    retry = RetryPolicy(base_delay=0.0)
    async with MonoCloudClient(server.url, KEY, retry=retry) as client:
        yield client


class Answer:
    def __init__(self, status: int, headers: Mapping[str, str], text: str) -> None:
        self.status, self.headers, self.text = status, headers, text


async def get(server: Emulator, path: str = "/", **headers: str) -> Answer:
    async with aiohttp.ClientSession() as session:
        async with session.get(server.url + path, headers={**HTML, **headers}) as response:
            return Answer(response.status, response.headers, await response.text())


def token_of(page: str) -> str:
    found = re.search(r'name="token" value="([^"]+)"', page)
    assert found
    return found[1]


async def send(server: Emulator, action: str, form: Any = None, **headers: str) -> Answer:
    """Send a form as a browser does, with the page's token."""
    data = form
    if not isinstance(form, aiohttp.FormData):
        data = {"token": token_of((await get(server)).text), **(form or {})}
    headers = {"Origin": server.url, "Sec-Fetch-Site": "same-origin", **headers}
    headers = {name: value for name, value in headers.items() if value}
    async with aiohttp.ClientSession() as session:
        url = f"{server.url}{DASHBOARD}/{action}"
        async with session.post(url, data=data, headers=headers, allow_redirects=False) as response:
            return Answer(response.status, response.headers, await response.text())


# What it shows


async def test_users_are_shown_with_their_records(server: Emulator) -> None:
    server.add_group("Staff & friends", USER_ID)
    session = server.add_session(USER_ID)
    page = unescape((await get(server)).text)
    for phone in server.user(USER_ID).phone_numbers:
        assert str(phone.phone) in page
    assert page.count('class="mark primary"') == 2
    assert "Staff & friends" in page
    assert session.session_id in page
    assert "ada@example.com" in page


async def test_everything_is_escaped() -> None:
    evil = '<script>alert("1")</script>'
    users = [
        {"user_id": evil, "claims": {"name": evil}, "phone_numbers": [{"id": "p", "phone": evil}]}
    ]
    async with Emulator(users) as server:
        server.add_group(evil, evil)
        server.faults.add(Fault(status=503, headers={"X": evil}, user_id=evil))
        await get(server, f"/api/users/{evil.replace('/', '%2F')}", **{"X-Evil": evil})
        for path in ("/", f"/?q={evil}", f"{DASHBOARD}/requests/1"):
            text = (await get(server, path)).text
            assert "<script>" not in text
            assert "&lt;script&gt;" in text


async def test_users_are_searched_and_paged() -> None:
    users: list[dict[str, Any]] = [{"user_id": f"user-{n:03}"} for n in range(45)]
    users[7]["claims"] = {"name": "Grace"}
    users[8]["emails"] = [{"id": "e", "email": "Grace@example.com"}]
    async with Emulator(users) as server:
        first, last = (await get(server)).text, (await get(server, "/?page=3")).text
        assert "45 users" in first
        assert ("user-019" in first, "user-020" in first) == (True, False)
        assert ("user-044" in last, "Page 3 of 3" in last) == (True, True)
        found = (await get(server, "/?q=grace")).text
        assert "2 users found for “grace”" in found
        assert [n for n in range(45) if f"user-{n:03}" in found] == [7, 8]
        for page in ("0", "-1", "x", "9" * 400, "99"):
            assert (await get(server, f"/?page={page}&q=user")).status == 200


async def test_requests_are_listed_newest_first(server: Emulator, client: MonoCloudClient) -> None:
    server.faults.add(Fault(status=503, operation="phones.set_primary", times=2))
    await client.users.get(USER_ID)
    await client.phones.set_primary(USER_ID, PHONE_ID)
    page = (await get(server)).text
    rows = re.findall(r'<tr id="request-(\d+)">(.*?)</tr>', page)
    assert [number for number, _ in rows] == ["4", "3", "2", "1"]
    cells = [re.sub(r"<[^>]+>", " ", row).split() for _, row in rows]
    assert "phones.set_primary" in " ".join(cells[0])
    assert cells[0][cells[0].index("OK") + 1] == "3"
    assert "503" in cells[1]
    assert f'href="{DASHBOARD}/requests/3"' in rows[1][1]
    assert [request.attempt for request in server.requests] == [1, 1, 2, 3]


async def test_the_key_is_never_shown(server: Emulator, client: MonoCloudClient) -> None:
    await client.users.get(USER_ID)
    await get(server, f"/api/users/{KEY}?key={KEY}", **{"X-API-KEY": KEY, "Authorization": KEY})
    for path in ("/", f"{DASHBOARD}/requests/1", f"{DASHBOARD}/requests/2"):
        answer = await get(server, path)
        assert answer.status == 200
        assert KEY not in answer.text
    assert "***" in answer.text


async def test_one_request_is_shown_in_detail(server: Emulator, client: MonoCloudClient) -> None:
    await client.phones.add(USER_ID, "+447700900999")
    page = unescape((await get(server, f"{DASHBOARD}/requests/1")).text)
    assert '"phone_number": "+447700900999"' in page
    assert "phones.add" in page
    for number in ("0", "2", "x", "", "1/2", "²", "9" * 400):
        assert (await get(server, f"{DASHBOARD}/requests/{number}")).status == 404


async def test_the_page_itself_is_not_counted(server: Emulator) -> None:
    server.faults.add(Fault(connection="reset"))
    server.rate_limit = RateLimit(0.001, burst=1)
    for path in ("/", *(f"{DASHBOARD}/{name}" for name in ("dashboard.js", "icon.svg"))):
        assert (await get(server, path)).status == 200
    assert (server.counts.requests, server.faults.struck()) == (0, 0)


async def test_the_page_has_protective_headers(server: Emulator) -> None:
    answers = [await get(server), await get(server, f"{DASHBOARD}/dashboard.css")]
    for answer in [*answers, await get(server, f"{DASHBOARD}/nothing")]:
        policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert not [name for name in answer.headers if name.startswith("Access-Control")]
    assert not re.search(r"<[^>]* on[a-z]+=|style=|<style|https?://(?!127)", answers[0].text)


# What its forms do


async def test_a_fault_is_added_and_removed(server: Emulator) -> None:
    form = {
        "fault-status": "503",
        "fault-headers": "Retry-After: 2\r\nX-More: a: b\r\n",
        "fault-problem": '{"title": "Down"}',
        "fault-delay": "0.5",
        "fault-operation": "phones.set_primary",
        "fault-executed": "true",
        "fault-times": "2",
        "fault-probability": "",
    }
    added = await send(server, "add-fault", form)
    assert (added.status, added.headers["Location"]) == (303, "/?done=add-fault#notice")
    fault = Fault(
        status=503,
        headers={"Retry-After": "2", "X-More": "a: b"},
        problem={"title": "Down"},
        delay=0.5,
        operation="phones.set_primary",
        executed=True,
        times=2,
    )
    assert list(server.faults) == [fault]
    page = (await get(server, "/?done=add-fault")).text
    assert "The fault was added." in page
    shown = re.search(r'name="fault" value="([^"]+)"', page)
    assert shown
    server.faults.add(Fault(delay=1))
    await send(server, "remove-fault", {"fault": unescape(shown[1])})
    assert list(server.faults) == [Fault(delay=1)]
    await send(server, "clear-faults")
    assert list(server.faults) == []


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ({}, "a fault needs an effect"),
        ({"fault-status": "99"}, "status must be a whole number"),
        ({"fault-status": "5o3"}, "status must be a whole number"),
        ({"fault-delay": "-1"}, "delay must be a number of seconds"),
        ({"fault-delay": "nan"}, "delay must be"),
        ({"fault-headers": "no colon"}, "a header must be like"),
        ({"fault-status": "500", "fault-problem": "["}, "problem must be a JSON object"),
        ({"fault-status": "500", "fault-problem": "[]"}, "problem must be a mapping"),
        ({"fault-status": "500", "fault-connection": "reset"}, "cannot have both"),
        ({"fault-operation": "no.such", "fault-delay": "1"}, "operation must be one of"),
        ({"fault-executed": "maybe", "fault-delay": "1"}, "executed must be true or false"),
    ],
)
async def test_an_invalid_fault_changes_nothing(
    server: Emulator, form: dict[str, str], message: str
) -> None:
    form = {"fault-user_id": "<kept>", **form}
    answer = await send(server, "add-fault", form)
    assert answer.status == 400
    assert message in unescape(answer.text)
    assert 'role="alert"' in answer.text
    assert 'value="&lt;kept&gt;"' in answer.text
    assert list(server.faults) == []


async def test_a_rate_limit_is_set_and_lifted(server: Emulator) -> None:
    await send(server, "set-rate-limit", {"rate-limit": "200/s burst 20"})
    assert server.rate_limit == RateLimit(200, burst=20)
    assert 'value="200/s burst 20"' in (await get(server)).text
    assert (await send(server, "set-rate-limit", {"rate-limit": "often"})).status == 400
    assert server.rate_limit == RateLimit(200, burst=20)
    await send(server, "set-rate-limit", {"rate-limit": " "})
    assert server.rate_limit is None


async def test_a_reset_restores_the_seed(server: Emulator, client: MonoCloudClient) -> None:
    before = server.export()
    await client.phones.set_primary(USER_ID, PHONE_ID)
    await send(server, "reset")
    assert server.export() == before
    assert server.counts.requests == 0


async def test_a_seed_can_be_pasted_or_uploaded(server: Emulator, client: MonoCloudClient) -> None:
    await send(server, "seed", {"seed": '[{"user_id": "pasted"}]'})
    assert [user["user_id"] for user in server.export()] == ["pasted"]
    form = aiohttp.FormData({"token": token_of((await get(server)).text), "seed": ""})
    content = json.dumps([{"user_id": "ü", "claims": {"name": "Zoë"}}], ensure_ascii=False)
    form.add_field("file", b"\xef\xbb\xbf" + content.encode(), filename="seed.json")
    assert (await send(server, "seed", form)).status == 303
    await client.users.delete("ü")
    await send(server, "reset")
    assert server.export() == json.loads(content)


@pytest.mark.parametrize(
    ("seed", "message"),
    [
        ("", "the seed is empty"),
        ("[", "the seed is not JSON"),
        ('"/etc/passwd"', "the seed is not a list of users"),
        ("7", "the seed is not a list of users"),
        ('[{"user_id": 7}]', "$[0].user_id"),
        ('[{"user_id": "a"}, {"user_id": "a"}]', "$[1].user_id"),
    ],
)
async def test_an_invalid_seed_changes_nothing(server: Emulator, seed: str, message: str) -> None:
    before = server.export_all()
    answer = await send(server, "seed", {"seed": seed})
    assert answer.status == 400
    assert message in unescape(answer.text)
    assert server.export_all() == before
    async with aiohttp.ClientSession() as session:
        async with session.put(f"{server.url}/_emulator/seed", data=seed) as refused:
            assert refused.status == 400
    assert server.export_all() == before


async def test_scripts_can_load_a_seed(server: Emulator) -> None:
    async with aiohttp.ClientSession() as session:
        url = f"{server.url}/_emulator/seed"
        async with session.put(url, json={"users": [{"user_id": "u"}]}) as answer:
            assert answer.status == 200
    assert [user["user_id"] for user in server.export()] == ["u"]


async def test_unreadable_forms_are_refused(server: Emulator) -> None:
    long = aiohttp.FormData({"token": token_of((await get(server)).text)})
    long.add_field("file", io.BytesIO(b"x" * 2**20), filename="seed.json")
    assert (await send(server, "seed", long)).status == 413
    kind = {"Content-Type": "application/x-www-form-urlencoded"}
    async with aiohttp.ClientSession(headers={"Origin": server.url, **kind}) as session:
        async with session.post(f"{server.url}{DASHBOARD}/reset", data=b"\xff") as answer:
            assert answer.status == 400


# What it refuses


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://example.com", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Origin": "", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "", "Sec-Fetch-Site": "same-site"},
        {"Origin": "", "Sec-Fetch-Site": ""},
        {"Host": "rebound.example", "Origin": "http://rebound.example"},
    ],
)
async def test_other_sites_cannot_change_anything(
    server: Emulator, headers: dict[str, str]
) -> None:
    server.faults.add(Fault(delay=1))
    for action in ("clear-faults", "reset"):
        assert (await send(server, action, **headers)).status == 403
    assert len(server.faults) == 1


@pytest.mark.parametrize("token", ["", "wrong", "ü"])
async def test_a_form_needs_the_token(server: Emulator, token: str) -> None:
    server.faults.add(Fault(delay=1))
    assert (await send(server, "clear-faults", {"token": token})).status == 403
    assert len(server.faults) == 1


async def test_other_sites_can_only_link_to_the_page(server: Emulator) -> None:
    link = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "document"}
    assert (await get(server, **link)).status == 200
    for destination in ("iframe", "empty", "script"):
        assert (await get(server, **{**link, "Sec-Fetch-Dest": destination})).status == 403
    assert (await get(server, f"{DASHBOARD}/events", Origin="https://example.com")).status == 403


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_methods_are_not_allowed(server: Emulator, method: str) -> None:
    async with aiohttp.ClientSession() as session:
        for path in ("reset", "dashboard.css"):
            async with session.request(method, f"{server.url}{DASHBOARD}/{path}") as answer:
                assert answer.status == 405


@pytest.mark.parametrize(
    ("host", "open_status"),
    [
        ("emulator:8080", 200),
        ("192.0.2.7", 200),
        ("[2001:db8::1]:80", 200),
        ("emulator.internal", 200),
        ("rebound.example", 403),
        ("127.0.0.1.example.com", 403),
        ("[", 403),
    ],
)
async def test_open_control_accepts_only_private_host_names(host: str, open_status: int) -> None:
    async with Emulator() as closed, Emulator(open_control=True) as opened:
        assert (await get(closed, Host=host)).status == 403
        assert (await get(opened, Host=host)).status == open_status
        key = {"Host": host, "X-API-KEY": closed.api_key}
        if host != "[":
            assert (await get(closed, f"/api/users/{USER_ID}", **key)).status == 200


async def test_health_needs_no_key(server: Emulator) -> None:
    for headers in ({}, {"Host": "10.0.0.7:8080"}):
        answer = await get(server, "/_emulator/health", **headers)
        assert (answer.status, json.loads(answer.text)) == (200, {"status": "ok"})
    assert server.counts.requests == 0


# Live


class Events:
    """The events of a stream, in order."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._lines = response.content

    async def next(self) -> dict[str, str]:
        event: dict[str, str] = {}
        while line := (await asyncio.wait_for(self._lines.readline(), 10)).decode():
            if line == "\n" and "event" in event:
                return event
            name, _, value = line.rstrip("\n").partition(": ")
            event[name] = value
        raise EOFError

    async def until(self, name: str) -> dict[str, Any]:
        while (event := await self.next())["event"] != name:
            pass
        return {"id": event["id"], **json.loads(event["data"])}


def after(page: str) -> str:
    found = re.search(r'data-after="([^"]+)"', page)
    assert found
    return found[1]


async def test_requests_appear_as_they_arrive(server: Emulator, client: MonoCloudClient) -> None:
    await client.users.get(USER_ID)
    url = f"{server.url}{DASHBOARD}/events"
    params = {"after": after((await get(server)).text)}
    async with aiohttp.ClientSession() as session:
        async with session.get(url, params=params) as response:
            assert response.content_type == "text/event-stream"
            events = Events(response)
            await client.phones.set_primary(USER_ID, PHONE_ID)
            event = await events.until("requests")
            assert re.findall(r'id="(request-\d+)"', event["rows"]) == ["request-2"]
            assert event["announcement"] == "phones.set_primary, 200 OK"
            assert KEY not in event["rows"]
            server.faults.add(Fault(status=404))
            await events.until("changed")
            server.reset()
            assert "id" in await events.until("reset")
        # A browser that was away receives the events that it missed.
        await client.users.get(USER_ID)
        headers = {"Last-Event-ID": f"{event['id'].partition('.')[0]}.0"}
        async with session.get(url, params=params, headers=headers) as response:
            await Events(response).until("reset")
        headers = {"Last-Event-ID": after((await get(server)).text).replace(".1", ".0")}
        async with session.get(url, params=params, headers=headers) as response:
            assert "request-1" in (await Events(response).until("requests"))["rows"]


async def test_closing_ends_open_streams(client: MonoCloudClient) -> None:
    async with aiohttp.ClientSession() as session:
        async with Emulator() as server:
            response = await session.get(f"{server.url}{DASHBOARD}/events")
            await Events(response).until("reset")
        with pytest.raises((aiohttp.ClientError, EOFError)):
            await Events(response).next()
        response.close()


def test_attempts_of_a_call_are_counted() -> None:
    attempts, call = Attempts(), ("POST", "/a", b"")
    statuses = [503, None, 429, 200, 200, 404, 500]
    counted = [attempts.count(call, status, n) for n, status in enumerate(statuses)]
    assert counted == [1, 2, 3, 4, 1, 1, 1]
    assert attempts.count(("POST", "/a", b"other"), 503, 7) == 1
    assert attempts.count(call, 200, 1000) == 1


def test_a_wheel_contains_the_assets(tmp_path: Path) -> None:
    made = next(WheelBuilder(str(ROOT)).build(directory=str(tmp_path)))
    names = zipfile.ZipFile(made).namelist()
    for name in ("dashboard.css", "dashboard.js", "icon.svg"):
        assert f"monocloud_async/emulator/dashboard/assets/{name}" in names


async def test_the_key_is_masked_in_every_encoding() -> None:
    key = 'k"ey/9+z\\Q-u'
    written = [json.dumps(key)[1:-1], "k%22ey%2f9+z%5cQ-u", "%6B%22ey/9%2Bz%5CQ-%75"]
    async with Emulator(api_key=key) as server:
        async with aiohttp.ClientSession() as session:
            for one in written[1:]:
                target = URL(f"{server.url}/api/users?filter={one}", encoded=True)
                await session.get(target)
            await session.post(f"{server.url}/api/users", json={"a": key})
            await session.post(f"{server.url}/api/users", data=json.dumps({"a": key}).encode())
        pages = [await get(server)]
        pages += [await get(server, f"{DASHBOARD}/requests/{n}") for n in range(1, 5)]
    shown = "\n".join(unescape(page.text) for page in pages)
    assert shown.count("***") >= 6
    for text in (key, *written, key[2:], json.dumps(key, ensure_ascii=False)[1:-1]):
        assert text not in shown


@pytest.mark.parametrize("path", ["requests/" + "9" * 5000, "events?after=x." + "9" * 5000])
async def test_endless_numbers_do_not_crash_the_page(
    server: Emulator, path: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with aiohttp.ClientSession() as session:
        async with session.get(f"{server.url}{DASHBOARD}/{path}", headers=HTML) as response:
            assert response.status == (404 if path.startswith("requests") else 200)
    assert "Traceback" not in caplog.text


def test_failed_bodies_are_not_kept() -> None:
    attempts = Attempts()
    tracemalloc.start()
    try:
        for number in range(20):
            call = ("POST", "/api/users", bytes([number]) * 500_000)
            assert attempts.count(call, 503, 0.0) == 1
        del call
        assert tracemalloc.get_traced_memory()[0] < 100_000
    finally:
        tracemalloc.stop()


# What a program gets at /


async def visit(server: Emulator, method: str = "GET", **headers: str) -> Answer:
    skip = () if "Accept" in headers else ("Accept",)
    async with aiohttp.ClientSession(skip_auto_headers=skip) as session:
        async with session.request(method, f"{server.url}/", headers=headers) as response:
            return Answer(response.status, response.headers, await response.text())


@pytest.mark.parametrize("headers", [{"Accept": "*/*"}, {}])
async def test_a_program_that_asks_for_the_root_gets_a_hint(
    server: Emulator, headers: dict[str, str]
) -> None:
    hint = await visit(server, **headers)
    assert hint.status == 200
    assert hint.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert f"open {server.url}/ in a browser" in hint.text
    assert KEY not in hint.text
    assert (await visit(server, "HEAD", **headers)).status == 200
    assert server.counts.requests == 0


@pytest.mark.parametrize(
    ("method", "headers", "status"),
    [
        ("GET", {"Accept": "*/*", "X-API-KEY": KEY}, 404),
        ("GET", {"Accept": "*/*", "X-API-KEY": "wrong"}, 401),
        ("GET", {"Accept": "application/json"}, 401),
        ("POST", {"Accept": "*/*"}, 401),
    ],
)
async def test_a_call_of_the_api_gets_no_hint(
    server: Emulator, method: str, headers: dict[str, str], status: int
) -> None:
    answer = await visit(server, method, **headers)
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
