"""The emulator over a real socket: with the SDK's client, and with raw requests that it refuses."""

from __future__ import annotations

import asyncio
import inspect
import io
import json
import logging
import os
import re
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

import monocloud_sync
import monocloud_sync.emulator
from monocloud_async import (
    BadRequestError,
    ConfigurationError,
    IdentityValidationError,
    KeyValidationError,
    MonoCloudClient,
    NotFoundError,
    UnauthorizedError,
    User,
    emulator,
)
from monocloud_async._call import Caller
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator
from monocloud_async.emulator.handlers import HANDLERS
from monocloud_async.emulator.handlers.phones import set_primary
from monocloud_async.emulator.routing import find
from monocloud_async.emulator.seed import load
from monocloud_async.emulator.tenant import Tenant
from monocloud_async.operations.phones import ADD

ROOT = Path(__file__).parents[1]
PHONES = f"/api/users/{USER_ID}/phones"
TRACE_ID = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-01")
NUMBER = "+447700900999"


@pytest.fixture
async def server() -> AsyncIterator[Emulator]:
    async with Emulator() as server:
        yield server


@pytest.fixture
async def client(server: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(server.url, server.api_key) as client:
        yield client


class Answer:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        self.json: dict[str, Any] = json.loads(body) if body else {}


async def ask(
    server: Emulator, method: str, path: str, *, key: str | None = "emulator-key", **given: Any
) -> Answer:
    """Send a request whose path is not re-encoded."""
    headers = {**({} if key is None else {"X-API-KEY": key}), **given.pop("headers", {})}
    async with aiohttp.ClientSession() as session:
        url = URL(server.url + path, encoded=True)
        async with session.request(method, url, headers=headers, **given) as response:
            return Answer(response.status, response.headers, await response.read())


async def add_raw(client: MonoCloudClient, body: Any) -> User:
    """Add a phone without the client's own checks."""
    transport: Caller = client._caller
    return await transport.call(ADD, USER_ID, body=body)


def phone_of(user: User, phone_id: str = PHONE_ID) -> Any:
    return next(phone for phone in user.phone_numbers if phone.id == phone_id)


# Operations


async def test_the_emulator_listens_on_loopback_only(server: Emulator) -> None:
    assert re.fullmatch(r"http://127\.0\.0\.1:[0-9]+", server.url)
    assert server.url in repr(server)
    assert server.api_key not in repr(server)


async def test_a_user_is_returned_as_seeded(server: Emulator, client: MonoCloudClient) -> None:
    user = await client.users.get(USER_ID)
    assert user.to_dict() == server.export()[0]
    assert user == server.user(USER_ID)
    assert user.extra == {}


async def test_set_primary_leaves_one_primary_phone(
    server: Emulator, client: MonoCloudClient
) -> None:
    before = server.user(USER_ID)
    assert before.primary_phone is not None
    assert before.primary_phone.id != PHONE_ID
    assert before.last_updated is not None
    after = await client.phones.set_primary(USER_ID, PHONE_ID)
    assert [phone.id for phone in after.phone_numbers if phone.primary] == [PHONE_ID]
    assert after.last_updated is not None
    assert after.last_updated > before.last_updated
    assert after == server.user(USER_ID)
    again = await client.phones.set_primary(USER_ID, PHONE_ID)
    assert again.phone_numbers == after.phone_numbers
    assert again.last_updated is not None
    assert again.last_updated > after.last_updated


async def test_a_phone_is_set_verified_and_unverified(
    server: Emulator, client: MonoCloudClient
) -> None:
    assert phone_of(await client.phones.set_unverified(USER_ID, PHONE_ID)).verified is False
    assert phone_of(await client.phones.set_primary(USER_ID, PHONE_ID)).primary is True
    assert phone_of(await client.phones.set_verified(USER_ID, PHONE_ID)).verified is True


async def test_a_phone_is_added_last_and_removed(server: Emulator, client: MonoCloudClient) -> None:
    before = server.user(USER_ID).phone_numbers
    added = await client.phones.add(USER_ID, NUMBER, is_verified=True)
    assert added.phone_numbers[:-1] == before
    new = added.phone_numbers[-1]
    assert (new.phone, new.primary, new.verified) == (NUMBER, False, True)
    removed = await client.phones.remove(USER_ID, new.id)
    assert removed.phone_numbers == before
    with pytest.raises(NotFoundError, match=new.id):
        await client.phones.remove(USER_ID, new.id)


async def test_no_phone_replaces_a_removed_primary_one(
    server: Emulator, client: MonoCloudClient
) -> None:
    await client.phones.set_primary(USER_ID, PHONE_ID)
    left = await client.phones.remove(USER_ID, PHONE_ID)
    assert left.primary_phone is None
    none = await client.phones.remove(USER_ID, left.phone_numbers[0].id)
    assert none.phone_numbers == ()
    first = await client.phones.add(USER_ID, NUMBER)
    assert first.primary_phone is None


async def test_a_phone_is_added_to_a_user_without_phones() -> None:
    async with Emulator([{"user_id": "u"}]) as server:
        async with MonoCloudClient(server.url, server.api_key) as client:
            with pytest.raises(NotFoundError):
                await client.phones.set_primary("u", "p")
            user = await client.phones.add("u", NUMBER)
    assert [phone.phone for phone in user.phone_numbers] == [NUMBER]
    assert user.last_updated is not None


def test_last_updated_advances_even_if_the_clock_does_not() -> None:
    user: dict[str, Any] = {"user_id": "u", "last_updated": 1000.5}
    match = find("POST", "/api/users/u/phones")
    assert match
    act = HANDLERS[match.operation.name].act(match.ids, {"phone_number": NUMBER}, None)
    for clock, moment in [(5.9, 1001), (1001.0, 1001), (2000.9, 2000)]:
        tenant = Tenant(load([user]), clock=lambda now=clock: now)  # type: ignore[misc]
        assert json.loads(tenant.execute(act, json.dumps))["last_updated"] == moment


@pytest.mark.parametrize("user_id", ["a/b", "ü", "%2e", "%2F", "...", ".a", "a b+c", "ü%", "?#;,"])
async def test_an_id_arrives_unchanged(user_id: str) -> None:
    users = [{"user_id": user_id, "phone_numbers": [{"id": user_id, "primary": False}]}]
    path = quote(user_id, safe="")
    async with Emulator(users) as server:
        read = await ask(server, "GET", f"/api/users/{path}?x=/y")
        changed = await ask(server, "POST", f"/api/users/{path}/phones/{path}/primary")
        async with MonoCloudClient(server.url, server.api_key) as client:
            assert (await client.phones.set_verified(user_id, user_id)).user_id == user_id
    assert read.json == users[0]
    assert changed.json["phone_numbers"] == [{"id": user_id, "primary": True}]
    assert {request.user_id for request in server.requests} == {user_id}


@pytest.mark.parametrize("user_id", [".", ".."])
async def test_dots_in_a_path_are_not_resolved(server: Emulator, user_id: str) -> None:
    for path in (f"/api/users/{user_id}", f"/api/users/{user_id}/phones/{PHONE_ID}/primary"):
        method = "POST" if path.endswith("primary") else "GET"
        assert_problem(await ask(server, method, path), 404, path)
    assert {request.user_id for request in server.requests} == {user_id}


# Refusals


def assert_problem(answer: Answer, status: int, path: str, kind: str = "") -> None:
    assert answer.status == status
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = dict(answer.json)
    assert problem.pop("type") == f"https://httpstatuses.io/{status}{kind}"
    assert problem.pop("status") == status
    assert problem.pop("instance") == path
    assert TRACE_ID.fullmatch(problem["traceId"])
    assert problem.pop("traceId") == answer.headers["traceparent"]
    assert problem.pop("title")
    assert problem.pop("detail")
    assert problem.keys() == ({"errors"} if kind else set())


@pytest.mark.parametrize("key", [None, "", "emulator-ke", "emulator-keyy", "EMULATOR-KEY", "ü"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", f"/api/users/{USER_ID}"), ("PUT", "/nowhere"), ("POST", PHONES)]
)
async def test_the_key_is_checked_first(
    server: Emulator, key: str | None, method: str, path: str
) -> None:
    assert_problem(await ask(server, method, path, key=key), 401, path)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/api",
        "/users/x",
        "/api/users/",
        "/api/users//phones",
        f"/api/users/{USER_ID}/",
        f"/api/Users/{USER_ID}",
        f"/api/users/{USER_ID}/email",
        f"{PHONES}/{PHONE_ID}/primary/",
        f"/api/users/../users/{USER_ID}",
        "/api/users/%FF",
        f"/api/users%2F{USER_ID}",
    ],
)
async def test_an_unknown_path_is_not_found(server: Emulator, path: str) -> None:
    assert_problem(await ask(server, "GET", path), 404, path)


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", f"/api/users/{USER_ID}", "DELETE, GET"),
        ("GET", f"/api/users/{USER_ID}/emails", "POST"),
        ("GET", PHONES, "POST"),
        ("GET", f"{PHONES}/{PHONE_ID}", "DELETE"),
        ("PUT", f"{PHONES}/{PHONE_ID}/primary", "POST"),
    ],
)
async def test_a_wrong_method_is_not_allowed(
    server: Emulator, method: str, path: str, allow: str
) -> None:
    answer = await ask(server, method, path)
    assert_problem(answer, 405, path)
    assert answer.headers["Allow"] == allow


async def test_a_head_request_gets_no_body(server: Emulator) -> None:
    answer = await ask(server, "HEAD", f"/api/users/{USER_ID}")
    assert (answer.status, answer.body) == (405, b"")


async def test_the_client_raises_typed_errors_for_refusals(
    server: Emulator, client: MonoCloudClient
) -> None:
    with pytest.raises(NotFoundError, match="There is no user with the id 'x'") as unknown_user:
        await client.phones.set_primary("x", PHONE_ID)
    assert unknown_user.value.trace_id == unknown_user.value.headers["traceparent"]
    with pytest.raises(NotFoundError, match="no phone with the id 'x'"):
        await client.phones.set_primary(USER_ID, "x")
    async with MonoCloudClient(server.url, "other") as stranger:
        with pytest.raises(UnauthorizedError):
            await stranger.users.get(USER_ID)
    assert server.executions == 0


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json", b""),
        ("application/json", b"{"),
        ("application/json", b"[" * 100_000),
        ("application/json", b'{"phone_number": NaN}'),
        ("application/json", b"\xff"),
        ("application/json", b'["+447700900999"]'),
        ("application/json", b"null"),
        ("text/plain", b'{"phone_number": "+447700900999"}'),
        ("application/x-www-form-urlencoded", b"phone_number=1"),
    ],
)
async def test_an_unreadable_body_is_a_bad_request(
    server: Emulator, content_type: str, body: bytes
) -> None:
    headers = {"Content-Type": content_type}
    assert_problem(await ask(server, "POST", PHONES, data=body, headers=headers), 400, PHONES)


async def test_a_charset_is_accepted(server: Emulator) -> None:
    headers = {"Content-Type": "application/json; charset=utf-8"}
    body = json.dumps({"phone_number": NUMBER, "unknown": 1})
    assert (await ask(server, "POST", PHONES, data=body, headers=headers)).status == 200


async def test_a_body_that_is_too_long_is_refused(server: Emulator) -> None:
    answer = await ask(server, "POST", PHONES, data=io.BytesIO(b" " * (2**20 + 1)))
    assert_problem(answer, 413, PHONES)


async def test_a_body_with_a_wrong_encoding_is_refused(server: Emulator) -> None:
    headers = {"Content-Encoding": "gzip", "Content-Type": "application/json"}
    answer = await ask(server, "POST", PHONES, data=b"no gzip", headers=headers)
    assert_problem(answer, 400, PHONES)
    assert answer.json["detail"] == "The body is incomplete."


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, ["phone_number"]),
        ({"phone_number": None}, ["phone_number"]),
        ({"phone_number": 447700900999}, ["phone_number"]),
        ({"phone_number": NUMBER, "is_verified": None}, ["is_verified"]),
        ({"is_verified": 1, "skip_restriction_checks": "true"}, None),
    ],
)
async def test_fields_of_the_wrong_type_are_validation_errors(
    server: Emulator, client: MonoCloudClient, body: Any, fields: list[str] | None
) -> None:
    assert_problem(await ask(server, "POST", PHONES, json=body), 422, PHONES, "#validation-error")
    with pytest.raises(KeyValidationError) as refused:
        await add_raw(client, body)
    wrong = fields or ["phone_number", "is_verified", "skip_restriction_checks"]
    assert sorted(refused.value.errors) == sorted(wrong)
    assert all(messages and all(messages) for messages in refused.value.errors.values())


@pytest.mark.parametrize(
    ("number", "code"),
    [
        *[
            (number, "InvalidPhoneNumber")
            for number in ["447700900999", "+0123", "+", "+1 202", "+1234567890123456", "+١٢٣٤"]
        ],
        (f"{NUMBER}\n", "InvalidPhoneNumber"),
        ("+441632960961", "DuplicatePhoneNumber"),
    ],
)
async def test_invalid_and_duplicate_numbers_are_identity_errors(
    server: Emulator, client: MonoCloudClient, number: str, code: str
) -> None:
    body = {"phone_number": number}
    assert_problem(
        await ask(server, "POST", PHONES, json=body), 422, PHONES, "#identity-validation-error"
    )
    with pytest.raises(IdentityValidationError) as refused:
        await add_raw(client, body)
    assert [finding.code for finding in refused.value.errors] == [code]
    assert refused.value.errors[0].description
    assert server.executions == 0


async def test_a_bad_body_is_reported_before_an_unknown_user(client: MonoCloudClient) -> None:
    with pytest.raises(BadRequestError):
        await client._caller.call(ADD, "x")
    with pytest.raises(NotFoundError):
        await client._caller.call(ADD, "x", body={"phone_number": "no number"})


async def test_an_internal_error_is_logged_and_returns_500(
    server: Emulator, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(server._service.tenant, "execute", fail)
    path = f"/api/users/{USER_ID}"
    with caplog.at_level(logging.ERROR, "monocloud.emulator"):
        assert_problem(await ask(server, "GET", path), 500, path)
    assert "ZeroDivisionError" in caplog.text
    assert server.requests[0].status == 500


# Records


async def test_requests_and_executions_are_counted_separately(
    server: Emulator, client: MonoCloudClient
) -> None:
    await client.users.get(USER_ID)
    await client.phones.set_primary(USER_ID, PHONE_ID)
    await client.phones.set_primary(USER_ID, PHONE_ID)
    with pytest.raises(NotFoundError):
        await client.phones.remove(USER_ID, "x")
    assert server.executions == 2
    assert server.executions_of("phones.set_primary") == 2
    assert server.executions_of("phones.remove") == 0
    assert [(r.operation, r.status) for r in server.requests] == [
        ("users.get", 200),
        ("phones.set_primary", 200),
        ("phones.set_primary", 200),
        ("phones.remove", 404),
    ]


async def test_a_request_is_recorded_without_the_key(server: Emulator) -> None:
    body = b'{"phone_number": "x"}'
    await ask(server, "POST", f"{PHONES}?a=%2F", data=body)
    await ask(server, "PATCH", "/nowhere", key="wrong", headers={"x-ApI-kEy": "secret"})
    kept, wrong = server.requests
    assert (kept.method, kept.path, kept.body) == ("POST", f"{PHONES}?a=%2F", body)
    assert (kept.operation, kept.user_id, kept.status) == ("phones.add", USER_ID, 400)
    assert kept.headers["X-API-KEY"] == "***"
    assert "emulator-key" not in repr(kept)
    assert (wrong.operation, wrong.user_id, wrong.status) == (None, None, 401)
    assert "secret" not in repr(wrong)
    assert "wrong" not in repr(wrong)
    with pytest.raises(AttributeError):
        kept.status = 200  # type: ignore[misc]


async def test_an_export_is_a_copy_and_can_be_a_seed(
    server: Emulator, client: MonoCloudClient
) -> None:
    await client.phones.set_primary(USER_ID, PHONE_ID)
    exported = server.export()
    async with Emulator(exported) as other:
        assert other.export() == exported
        exported[0]["phone_numbers"].clear()
        assert other.user(USER_ID).phone_numbers
    assert server.user(USER_ID).phone_numbers


def test_a_seed_file_can_hold_a_large_tenant(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(json.dumps([{"user_id": f"u{n}", "extra": [0] * 100} for n in range(1_100)]))
    assert len(Emulator(path).export()) == 1_100


async def test_a_reset_restores_the_seed(server: Emulator, client: MonoCloudClient) -> None:
    seed = server.export()
    await client.phones.set_primary(USER_ID, PHONE_ID)
    await client.phones.add(USER_ID, NUMBER)
    server.reset()
    assert server.export() == seed
    assert (server.requests, server.executions) == ([], 0)
    assert await client.users.get(USER_ID) == server.user(USER_ID)


def test_an_unknown_user_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="There is no user with the id 'x'"):
        Emulator().user("x")


# Seeds


def test_the_default_users_have_fictional_numbers() -> None:
    users = Emulator().export()
    assert users[0]["user_id"] == USER_ID
    assert PHONE_ID in [phone["id"] for phone in users[0]["phone_numbers"]]
    assert len(users) == 2
    for user in users:
        assert User.from_dict(user).to_dict() == user
        for phone in user["phone_numbers"]:
            # Fictional numbers: Ofcom's for drama, and 555-01xx.
            assert re.match(r"\+447700900|\+441632960|\+1[0-9]{3}55501", phone["phone"])


@pytest.mark.parametrize("wrapped", [False, True])
@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_a_seed_is_read_from_a_file(tmp_path: Path, wrapped: bool, kind: Any, mark: bytes) -> None:
    users = [{"user_id": "u", "unknown": [1, None], "phone_numbers": []}]
    file = tmp_path / "users.json"
    file.write_bytes(mark + json.dumps({"users": users} if wrapped else users).encode())
    assert Emulator(kind(file)).export() == users


def phones_of(*records: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"user_id": "u"}, {"user_id": "v", "phone_numbers": list(records)}]


@pytest.mark.parametrize(
    ("users", "message"),
    [
        (7, r"not a list of users at \$$"),
        (b"[]", r"not a list of users at \$$"),
        ({}, r"not a list of users at \$\.users"),
        ({"users": "u"}, r"not a list of users at \$\.users"),
        ([None], r"got null at \$\[0\]$"),
        ({"users": [None]}, r"got null at \$\.users\[0\]$"),
        ([{"user_id": "u"}, {}], r"missing at \$\[1\]\.user_id"),
        ([{"user_id": 7}], r"got an integer at \$\[0\]\.user_id"),
        ([{"user_id": "u", "disabled": "no"}], r"got a string at \$\[0\]\.disabled"),
        ([{"user_id": "u"}, {"user_id": "u"}], r"duplicate id 'u' at \$\[1\]\.user_id"),
        ([{"user_id": "u", "claims": {"x": object()}}], r"not JSON.* at \$\[0\]$"),
        ([{"user_id": "u", "claims": {"x": float("nan")}}], r"not JSON.* at \$\[0\]$"),
        (
            [{"user_id": "u"}, {"user_id": ".."}],
            r"must be an id, not '\.\.' \(dots alone .*\) at \$\[1\]\.user_id$",
        ),
        (
            [{"user_id": "."}],
            r"must be an id, not '\.' \(dots alone .*\) at \$\[0\]\.user_id$",
        ),
        ([{"user_id": " "}], r"empty or blank at \$\[0\]\.user_id$"),
        ([{"user_id": "a\n"}], r"contains '\\n' at \$\[0\]\.user_id$"),
        (
            phones_of({"id": "1"}, {"id": ".."}),
            r"'\.\.' \(dots alone .*\) at \$\[1\]\.phone_numbers\[1\]\.id$",
        ),
        (phones_of({"id": ""}), r"empty or blank at \$\[1\]\.phone_numbers\[0\]\.id$"),
        (phones_of({"phone": NUMBER}), r"missing at \$\[1\]\.phone_numbers\[0\]\.id"),
        (
            phones_of({"id": "1"}, {"id": "1"}),
            r"duplicate id '1' at \$\[1\]\.phone_numbers\[1\]\.id",
        ),
        (
            phones_of({"id": "1", "primary": True}, {"id": "2"}, {"id": "3", "primary": True}),
            r"duplicate primary phone at \$\[1\]\.phone_numbers\[2\]\.primary",
        ),
    ],
)
def test_a_bad_seed_is_refused(users: Any, message: str) -> None:
    with pytest.raises(ConfigurationError, match=f"the seed .*{message}"):
        Emulator(users)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "cannot be read: No such file"),
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "cannot be read: it is nested deeper"),
        (b'[{"user_id": 1}]', r"got an integer at \$\[0\]\.user_id"),
    ],
)
def test_a_bad_seed_file_is_refused(tmp_path: Path, content: bytes | None, message: str) -> None:
    file = tmp_path / "users.json"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigurationError, match=f"{re.escape(str(file))}.*{message}"):
        Emulator(str(file))


@pytest.mark.parametrize("key", ["", " ", "a b", "a\n", "ü", None, b"key"])
def test_a_bad_key_is_refused(key: Any) -> None:
    for kind in (Emulator, monocloud_sync.emulator.Emulator):
        with pytest.raises(ConfigurationError, match="api_key must be a string of printable"):
            kind(api_key=key)


@pytest.mark.parametrize("port", [-1, 65536, True, "80", 1.0, None])
def test_a_bad_port_is_refused(port: Any) -> None:
    with pytest.raises(ConfigurationError, match="port"):
        Emulator(port=port)


# Starting and stopping


async def test_starting_and_stopping_are_idempotent() -> None:
    server = Emulator(api_key="other")
    await server.aclose()
    with pytest.raises(ConfigurationError, match="not started"):
        _ = server.url
    assert "not started" in repr(server)
    await asyncio.gather(server.start(), server.start())
    url = server.url
    await server.start()
    assert server.url == url
    async with MonoCloudClient(url, "other") as client:
        await client.phones.set_primary(USER_ID, PHONE_ID)
    await asyncio.gather(server.aclose(), server.aclose())
    async with server:
        async with MonoCloudClient(server.url, "other") as client:
            assert phone_of(await client.users.get(USER_ID)).primary
    assert len(server.requests) == 2


async def test_a_chosen_port_is_used(unused_port: int) -> None:
    for _ in range(2):
        async with Emulator(port=unused_port) as server:
            assert server.url == f"http://127.0.0.1:{unused_port}"
            other = Emulator(port=unused_port)
            with pytest.raises(ConfigurationError, match=f"port {unused_port}: .*in use"):
                await other.start()
            await other.aclose()


async def test_the_emulator_stops_at_once_and_leaves_nothing_behind() -> None:
    before = asyncio.all_tasks()
    async with aiohttp.ClientSession() as session:
        async with Emulator() as server:
            headers = {"X-API-KEY": server.api_key}
            async with session.get(f"{server.url}/api/users/{USER_ID}", headers=headers) as kept:
                assert kept.status == 200
            port = int(server.url.rpartition(":")[2])
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(
                f"POST {PHONES} HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n"
                f"Expect: 100-continue\r\n\r\nhalf".encode()
            )
            started = asyncio.get_running_loop().time()
        assert asyncio.get_running_loop().time() - started < 2
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()
    assert asyncio.all_tasks() == before
    assert len(server.requests) == 1


def test_a_program_with_an_emulator_ends_silently() -> None:
    program = """
import asyncio
import logging
from monocloud_async import MonoCloudClient
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator
from monocloud_sync.emulator import Emulator as SyncEmulator

# In development mode, asyncio warns when a busy machine is slow.
logging.getLogger("asyncio").setLevel(logging.ERROR)

async def main():
    async with Emulator() as emulator:
        async with MonoCloudClient(emulator.url, emulator.api_key) as client:
            await client.phones.set_primary(USER_ID, PHONE_ID)

asyncio.run(main())
with SyncEmulator() as emulator:
    asyncio.run(main())
"""
    command = [sys.executable, "-X", "dev", "-W", "error", "-c", program]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=30, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")


# Without async


def test_the_blocking_twin_has_the_same_names() -> None:
    ours, theirs = monocloud_sync.emulator.Emulator, Emulator
    assert monocloud_sync.emulator.__all__ == emulator.__all__
    assert inspect.signature(ours) == inspect.signature(theirs)
    names = {name for name in dir(theirs) if name[0] != "_"}
    assert names - {"aclose"} == {name for name in dir(ours) if name[0] != "_"} - {"close"}
    for name in names - {"aclose"}:
        assert inspect.getdoc(getattr(ours, name)) == inspect.getdoc(getattr(theirs, name))


def test_the_blocking_twin_works() -> None:
    with monocloud_sync.emulator.Emulator(api_key="other") as server:
        assert server.url in repr(server)
        server.start()
        with monocloud_sync.MonoCloudClient(server.url, server.api_key) as client:
            user = client.phones.set_primary(USER_ID, PHONE_ID)
        assert server.user(USER_ID) == user
        assert server.export()[0] == user.to_dict()
        assert [request.status for request in server.requests] == [200]
        assert server.executions == server.executions_of("phones.set_primary") == 1
        server.reset()
        assert (server.requests, server.executions) == ([], 0)
    server.close()
    with pytest.raises(ConfigurationError, match="not started"):
        _ = server.url
    with pytest.raises(ConfigurationError):
        monocloud_sync.emulator.Emulator([{}])


def test_many_threads_can_read_and_change() -> None:
    done = threading.Event()
    with monocloud_sync.emulator.Emulator() as server:

        def read() -> None:
            while not done.is_set():
                # A user with two primary phones, or none, would be one caught between two states.
                assert server.user(USER_ID).primary_phone
                assert len(server.export()) == 2
                assert all(request.status == 200 for request in server.requests)

        with monocloud_sync.MonoCloudClient(server.url, server.api_key) as client:
            ids = [phone.id for phone in server.user(USER_ID).phone_numbers]
            with ThreadPoolExecutor(8) as pool:
                readers = [pool.submit(read) for _ in range(4)]
                calls = [
                    pool.submit(client.phones.set_primary, USER_ID, ids[n % 2]) for n in range(100)
                ]
                for call in calls:
                    call.result()
                done.set()
                for reader in readers:
                    reader.result()
        assert server.executions == len(server.requests) == 100


# The parts that need no server


def test_set_primary_adds_a_missing_primary_member() -> None:
    user: dict[str, Any] = {"user_id": "u", "phone_numbers": [{"id": "a"}, {"id": "b"}]}
    changed = set_primary(Tenant(load([user])), "u", "b")
    assert changed["phone_numbers"] == [{"id": "a"}, {"id": "b", "primary": True}]


def test_the_fixture_serves_blocking_and_async_tests(tmp_path: Path) -> None:
    (tmp_path / "test_theirs.py").write_text(
        """
import monocloud_async
import monocloud_sync
from monocloud_async.emulator import PHONE_ID, USER_ID

def test_blocking(monocloud_emulator):
    assert monocloud_emulator.requests == []
    with monocloud_sync.MonoCloudClient(
        monocloud_emulator.url, monocloud_emulator.api_key
    ) as client:
        assert client.phones.set_primary(USER_ID, PHONE_ID).primary_phone.id == PHONE_ID
    assert monocloud_emulator.executions == 1

async def test_async(monocloud_emulator):
    assert monocloud_emulator.requests == []
    async with monocloud_async.MonoCloudClient(
        monocloud_emulator.url, monocloud_emulator.api_key
    ) as client:
        assert (await client.users.get(USER_ID)).primary_phone.id != PHONE_ID
"""
    )
    (tmp_path / "conftest.py").write_text(
        'pytest_plugins = ["monocloud_async.emulator.pytest_plugin"]'
    )
    command = [sys.executable, "-m", "pytest", "-W", "error", "-p", "pytest_asyncio.plugin"]
    command += ["-o", "asyncio_mode=auto"]
    command += ["-o", "asyncio_default_fixture_loop_scope=function", "--rootdir", str(tmp_path)]
    environment = {
        **os.environ,
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTHONPATH": str(ROOT),
    }
    done = subprocess.run(
        [*command, str(tmp_path)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "2 passed" in done.stdout, done.stdout + done.stderr


async def test_a_very_long_id_is_not_found() -> None:
    async with Emulator() as emulator, MonoCloudClient(emulator.url, emulator.api_key) as client:
        with pytest.raises(NotFoundError) as caught:
            await client.users.get("u" * 20_000)
    assert caught.value.trace_id
