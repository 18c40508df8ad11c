"""The emulator against the documented API (api.json), and as the official SDK uses it."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

import aiohttp
import pytest
from yarl import URL

from monocloud_async import models
from monocloud_async.emulator import PHONE_ID, USER_ID, Emulator
from monocloud_async.emulator.handlers import HANDLERS

from .api_table import ROWS, Call, calls
from .test_official_sdk import BY_NAME, SENT

OTHER_USER_ID = "k3VdPq7tYwLmZ0xHs9BnA"
CLIENT, OTHER_CLIENT = "QbS7pEJnmXa2LkVtD0fZw", "Z9wT4kVmR2xYb7cLnPqSd"
BLOCKED = "203.0.113.7"
PASSWORD = "Correct-Horse-7"


class Reply:
    def __init__(self, status: int, headers: Any, body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        self.json: Any = json.loads(body) if body else None


class Asking:
    """An emulator with one record of every kind, and a bare HTTP client for it."""

    def __init__(self, emulator: Emulator, session: aiohttp.ClientSession) -> None:
        self.emulator, self._session = emulator, session
        user = next(u for u in emulator.export() if u["user_id"] == USER_ID)
        session_id = emulator.add_session(USER_ID, client_ids=[CLIENT]).session_id
        lent = {"session_id": session_id, "client_id": CLIENT}
        self.has = {
            "api_key": emulator.api_key,
            "user_id": USER_ID,
            "other_user_id": OTHER_USER_ID,
            "user_with_password_id": USER_ID,
            "password": PASSWORD,
            "identifier_id": PHONE_ID,
            "phone_id": PHONE_ID,
            "other_phone_id": user["phone_numbers"][0]["id"],
            "email_id": user["emails"][0]["id"],
            "other_email_id": user["emails"][0]["id"],
            "passkey_id": user["passkeys"][0]["passkey_id"],
            "other_passkey_id": user["passkeys"][0]["passkey_id"],
            "provider": "google",
            "provider_user_id": user["external_providers"][0]["provider_user_id"],
            "session_id": session_id,
            "other_session_id": emulator.add_session(USER_ID).session_id,
            "group_id": emulator.add_group("Staff", USER_ID),
            "other_group_id": emulator.add_group("Guests"),
            "client_id": CLIENT,
            "other_client_id": OTHER_CLIENT,
            "consent_id": emulator.add_consent(USER_ID, CLIENT).id,
            "reference_token_id": emulator.add_reference_token(USER_ID, **lent).id,
            "refresh_token_id": emulator.add_refresh_token(USER_ID, **lent).id,
            "code_id": emulator.add_authorization_code(USER_ID, **lent).id,
            "blocked_ip": BLOCKED,
            "unknown_id": "nobody",
        }
        emulator.add_consent(USER_ID, OTHER_CLIENT)
        emulator.block_ip(USER_ID, BLOCKED)

    def filled(self, template: str, *, quoted: bool) -> str:
        def value(found: re.Match[str]) -> str:
            return quote(self.has[found[1]], safe="") if quoted else self.has[found[1]]

        return re.sub(r"\{(\w+)\}", value, template)

    async def __call__(
        self, method: str, target: str, body: Any = None, *, key: str = "", **headers: str
    ) -> Reply:
        url = URL(self.emulator.url + target, encoded=True)
        sent = {"X-API-KEY": key or self.emulator.api_key, "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body, ensure_ascii=False).encode()
        request = self._session.request(method, url, headers={**sent, **headers}, data=data)
        async with request as response:
            return Reply(response.status, response.headers, await response.read())


@pytest.fixture
async def ask() -> AsyncIterator[Asking]:
    async with Emulator() as emulator, aiohttp.ClientSession() as session:
        yield Asking(emulator, session)


def test_every_operation_has_a_handler() -> None:
    assert sorted(HANDLERS) == sorted(row["name"] for row in ROWS)


def target_of(ask: Asking, row: dict[str, Any], call: Call, **others: str) -> str:
    """Return the target for the tenant's own ids, or for other ids."""
    kind = re.search("(reference|refresh)_token|emails", row["name"])
    ids = {**ask.has, "token_id": ask.has[f"{kind[0]}_id"] if kind and kind[1] else ""}
    if kind and not kind[1]:
        ids["identifier_id"] = ask.has["email_id"]
    if row["name"] == "groups.assign":
        ids["group_id"] = ask.has["other_group_id"]
    path = re.sub(
        r"\{(\w+)\}", lambda found: quote({**ids, **others}[found[1]], safe=""), row["path"]
    )
    query = "&".join(f"{name}={quote(value)}" for name, value in call.query.items())
    return f"/api{path}?{query}"


def body_of(row: dict[str, Any], call: Call) -> Any:
    """Return the body of a call, with the tenant's own values."""
    if row["name"] == "external_providers.disconnect":
        return {"provider": "google", "provider_user_id": "108204268033311374519"}
    if row["name"] == "passwords.change" and call.body:
        return {**call.body, "old_password": PASSWORD}
    return call.body


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
async def test_every_call_of_the_table_gets_a_response(ask: Asking, row: dict[str, Any]) -> None:
    for n, call in enumerate(calls(row)):
        if n and (row["method"] == "DELETE" or row["name"] == "external_providers.disconnect"):
            break
        if row["name"] in ("users.create", "emails.add", "phones.add", "passwords.change"):
            ask.emulator.reset()
        body = body_of(row, call)
        answer = await ask(row["method"], target_of(ask, row, call), body)
        assert answer.status == row["status"], answer.json
        assert answer.headers["traceparent"]
        check_shape(answer, row["answer"], row["paged"])
        recorded = ask.emulator.requests[-1]
        assert recorded.operation == row["name"]
        assert recorded.user_id == (USER_ID if "user_id" in row["path_parameters"] else None)
        assert recorded.executed == (row["method"] != "GET")


def check_shape(answer: Reply, record: str | None, paged: bool) -> None:
    """Check that an answer is the documented record, and that the model knows all its members."""
    if record is None:
        assert answer.body == b""
        assert "Content-Type" not in answer.headers
        return
    assert answer.headers["Content-Type"] == "application/json"
    assert ("x-pagination" in answer.headers) == paged
    for one in answer.json if paged else [answer.json]:
        made = getattr(models, record).from_dict(one)
        assert made.to_dict() == one
        assert made.extra == {}
    if paged:
        place = json.loads(answer.headers["x-pagination"])
        assert sorted(place) == sorted(
            ["page_size", "current_page", "total_count", "has_previous", "has_next"]
        )


@pytest.mark.parametrize("row", ROWS, ids=[row["name"] for row in ROWS])
async def test_an_unknown_id_is_not_found(ask: Asking, row: dict[str, Any]) -> None:
    call = next(calls(row))
    for name in row["path_parameters"]:
        before = ask.emulator.export_all()
        answer = await ask(
            row["method"], target_of(ask, row, call, **{name: "nobody"}), body_of(row, call)
        )
        assert answer.status == 404, (name, answer.json)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert ask.emulator.export_all() == before


@pytest.mark.parametrize("kind", ["emails", "phones"])
async def test_removing_from_a_user_without_identifiers_is_not_found(kind: str) -> None:
    async with Emulator([{"user_id": "u"}]) as emulator, aiohttp.ClientSession() as session:
        headers = {"X-API-KEY": emulator.api_key}
        url = f"{emulator.url}/api/users/u/{kind}/x"
        async with session.delete(url, headers=headers) as response:
            assert response.status == 404


ROWS_WITH_MEMBERS = [row for row in ROWS if row["body"] and row["body"]["required"]]


@pytest.mark.parametrize("row", ROWS_WITH_MEMBERS, ids=[row["name"] for row in ROWS_WITH_MEMBERS])
async def test_a_missing_required_member_is_a_validation_error(
    ask: Asking, row: dict[str, Any]
) -> None:
    answer = await ask(row["method"], target_of(ask, row, next(calls(row))), {})
    assert answer.status == 422
    assert answer.json["type"] == "https://httpstatuses.io/422#validation-error"
    assert set(row["body"]["required"]) & set(answer.json["errors"])


# The official JavaScript SDK


@pytest.mark.parametrize("case", SENT["cases"], ids=lambda case: case["js"])
async def test_the_official_sdk_is_served(ask: Asking, case: dict[str, Any]) -> None:
    body = json.loads(ask.filled(json.dumps(case["body"]), quoted=False))
    if case["js"] == "createUser" and (body or {}).get("phone_number"):
        # A user of the default seed already has the number that the SDK sends.
        body["phone_number"] = "+441632960964"
    answer = await ask(
        case["method"], ask.filled(case["target"], quoted=True), body, **SENT["runtime_headers"]
    )
    assert answer.status == (case["status"] or 200), answer.json
    result, row = case["result"], BY_NAME[case["operation"]]
    check_shape(answer, result[0] if isinstance(result, list) else result, row["paged"])


@pytest.mark.parametrize("case", SENT["refusals"], ids=lambda case: case["when"])
async def test_the_official_sdk_understands_refusals(ask: Asking, case: dict[str, Any]) -> None:
    target = ask.filled(case["target"], quoted=True)
    key = case.get("api_key", "")
    answer = await ask(case["method"], target, case["body"], key=key, **SENT["runtime_headers"])
    assert answer.status == answer.json["status"] == case["status"]
    assert answer.headers["Content-Type"].startswith("application/problem+json")
    assert answer.json["title"]
    if "type" in case:
        assert answer.json["type"] == case["type"]
        assert isinstance(
            answer.json["errors"], list if "a list of" in case["errors"][:9] else dict
        )
