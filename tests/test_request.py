"""``client.request`` calls any path of the API with all features of a declared operation."""

from __future__ import annotations

import json
import pickle
from typing import Any

import pytest

import monocloud_sync
from monocloud_async import (
    APIResponse,
    InvalidArgumentError,
    MonoCloudClient,
    NotFoundError,
    Repeat,
    RetryPolicy,
    ServerError,
    TransportError,
)

from .wire import PAGE, Wire, answer, close, problem, served

KEY = "canary-5e1f"
FAST = RetryPolicy(base_delay=0.0)


async def test_ids_a_query_and_a_body_are_sent() -> None:
    async with Wire(answer(201, {"id": "g"}, X_Trace="t")) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            response = await client.request(
                "POST",
                "/groups/{group_id}/members/{user_id}",
                "a/b",
                "..x",
                query={"page": 2, "deep": True, "name": "a b&c=d/é", "none": None},
                body={"name": "é", "tags": [1, None]},
            )
    assert isinstance(response, APIResponse)
    assert (response.status, response.json(), response.attempts) == (201, {"id": "g"}, 1)
    assert response.headers["x-trace"] == "t"
    [request] = wire.requests
    assert request.target == (
        "/api/groups/a%2Fb/members/..x?page=2&deep=true&name=a%20b%26c%3Dd%2F%C3%A9"
    )
    assert json.loads(request.body) == {"name": "é", "tags": [1, None]}
    assert request.headers["Content-Type"] == "application/json"


async def test_an_empty_response_has_no_json() -> None:
    async with Wire(answer(204, b"")) as wire, MonoCloudClient(wire.url, KEY) as client:
        response = await client.request("DELETE", "/groups/{group_id}", "g")
    assert (response.status, response.body, response.json()) == (204, b"", None)
    assert "Content-Type" not in wire.requests[0].headers


async def test_a_response_that_is_not_json_is_returned_as_bytes() -> None:
    async with Wire(answer(200, b"<svg/>")) as wire, MonoCloudClient(wire.url, KEY) as client:
        response = await client.request("GET", "/logo")
    assert response.body == b"<svg/>"
    with pytest.raises(ValueError, match="JSON"):
        response.json()
    assert pickle.loads(pickle.dumps(response)) == response
    assert "svg" not in repr(response)


@pytest.mark.parametrize("body", [{}, [], [1], "text", 0, False])
async def test_any_json_can_be_sent(body: object) -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        await client.request("PUT", "/x", body=body)
    assert json.loads(wire.requests[0].body) == body


@pytest.mark.parametrize("body", [float("nan"), {"a": object()}, {1, 2}, {"a": b"x"}])
async def test_a_body_that_is_not_json_is_not_sent(body: object) -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(InvalidArgumentError, match=r"body .* nothing was sent"):
            await client.request("PUT", "/x", body=body)
    assert wire.requests == []


@pytest.mark.parametrize(
    ("method", "repeat", "sent"),
    [
        ("GET", None, 2),
        ("POST", None, 1),
        ("DELETE", None, 1),
        ("POST", Repeat.SAFE, 2),
        ("DELETE", Repeat.GONE, 2),
        ("GET", Repeat.ONCE, 1),
    ],
)
async def test_only_repeatable_requests_are_retried(method: str, repeat: Any, sent: int) -> None:
    policy = RetryPolicy(max_attempts=2, base_delay=0.0)
    async with Wire(close) as wire, MonoCloudClient(wire.url, KEY, retry=policy) as client:
        with pytest.raises(TransportError) as caught:
            await client.request(method, "/x", repeat=repeat)
    assert len(wire.requests) == caught.value.attempts == sent
    assert caught.value.may_have_been_applied is (method != "GET")


async def test_errors_have_the_usual_types_and_name_the_request() -> None:
    async with Wire(problem(404, "None"), problem(500)) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            with pytest.raises(NotFoundError, match=r"^GET /groups/\{group_id\}: 404 None"):
                await client.request("GET", "/groups/{group_id}", "g")
            with pytest.raises(ServerError) as caught:
                await client.request("POST", "/groups/{group_id}", "g")
    assert KEY not in f"{caught.value!r}{caught.value}{vars(caught.value)}"


@pytest.mark.parametrize("ids", [(), ("a", "b"), ("..",), ("",), (7,)])
async def test_ids_and_query_values_must_be_valid(ids: Any) -> None:
    async with Wire(answer()) as wire, MonoCloudClient(wire.url, KEY) as client:
        with pytest.raises(InvalidArgumentError, match="nothing was sent"):
            await client.request("GET", "/groups/{group_id}", *ids)
        with pytest.raises(InvalidArgumentError, match="page must be"):
            await client.request("GET", "/groups", query={"page": 1.5})  # type: ignore[dict-item]
    assert wire.requests == []


def test_the_blocking_client_sends_requests() -> None:
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        assert client.request("GET", "/users/{user_id}", "u").json() == PAGE
    assert len(wire.requests) == 1
