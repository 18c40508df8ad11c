"""The documented API (api.json), checked against the declarations and both clients."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

import monocloud_async
import monocloud_sync
from monocloud_async._operation import Operation, Repeat
from monocloud_async.operations import ALL

from .api_table import ANSWERS, ROWS, SAMPLES, Call, calls, content, example, members, paging
from .wire import Request, Wire, answer, served

# Arguments whose names differ from the API's: operation -> API's name -> ours.
RENAMED: dict[str, dict[str, str]] = {}
# The largest page that the API is known to serve; our lists must not ask for more by default.
MOST_PER_PAGE = 50
GUIDE = Path(__file__).parents[1] / "docs" / "from-javascript-and-dotnet.md"
KEY = "the-key"
REPEATS = {
    "safe": Repeat.SAFE,
    "safe, a repeat may answer 404": Repeat.GONE,
    "once": Repeat.ONCE,
}


def rows_where(chosen: Callable[[dict[str, Any]], Any]) -> pytest.MarkDecorator:
    rows = [row for row in ROWS if chosen(row)]
    return pytest.mark.parametrize("row", rows, ids=[row["name"] for row in rows])


each_row = rows_where(bool)


# The table


def test_the_table_has_every_operation_once() -> None:
    assert len(ROWS) == 53
    assert sum(row["paged"] for row in ROWS) == 10
    for key in ("name", "js", "net"):
        assert len({row[key] for row in ROWS}) == 53
    assert len({(row["method"], row["path"]) for row in ROWS}) == 53
    assert {row["answer"] for row in ROWS} - {None} == set(ANSWERS)


@each_row
def test_each_row_of_the_table_is_consistent(row: dict[str, Any]) -> None:
    assert row["path_parameters"] == re.findall(r"\{(\w+)\}", row["path"])
    assert row["repeat"] in REPEATS
    assert (row["answer"] is None) == (row["status"] == 204)
    assert row["paged"] == ("page" in row["query"]) == row["js"].startswith("getAll")
    assert row["method"] in ("POST", "PUT", "PATCH") or row["body"] is None
    assert row["method"] != "GET" or row["repeat"] == "safe"
    assert not set(row["query"]) & set(members(row))
    body = row["body"] or {}
    alternatives = [name for names in body.get("alternatives", ()) for name in names]
    named = {*body.get("nullable", ()), *body.get("defaults", ()), *alternatives}
    assert named <= set(body.get("optional", ()))


@each_row
def test_the_guide_for_users_of_the_official_sdks_lists_the_method(row: dict[str, Any]) -> None:
    arguments = [*row["path_parameters"], *(row["body"] or {}).get("required", ())]
    if row["query"] or (row["body"] or {}).get("optional"):
        arguments.append("…")
    ours = f"{row['name']}({', '.join(arguments)})"
    assert f"| `{row['js']}` | `{row['net']}` | `{ours}` |" in GUIDE.read_text().splitlines()


# The declarations


def test_exactly_the_documented_operations_are_declared() -> None:
    assert sorted(operation.name for operation in ALL) == sorted(row["name"] for row in ROWS)


@each_row
def test_a_declaration_matches_the_documentation(row: dict[str, Any]) -> None:
    (declared,) = (operation for operation in ALL if operation.name == row["name"])
    assert isinstance(declared, Operation)
    assert (declared.method, declared.path) == (row["method"], row["path"])
    assert declared.repeat is REPEATS[row["repeat"]]


# The methods


@each_row
@pytest.mark.parametrize("package", [monocloud_async, monocloud_sync])
def test_arguments_have_the_names_of_the_api(package: Any, row: dict[str, Any]) -> None:
    signature = inspect.signature(_method(package.MonoCloudClient("acme.com", KEY), row))
    parameters = signature.parameters
    required = list((row["body"] or {}).get("required", ()))
    others = [*row["query"], *members(row)]
    ours = [_ours(row, name) for name in (*row["path_parameters"], *others)]
    assert sorted(parameters) == sorted(ours)
    assert list(parameters)[: len(row["path_parameters"])] == ours[: len(row["path_parameters"])]
    for name in row["path_parameters"]:
        assert parameters[_ours(row, name)].kind is inspect.Parameter.POSITIONAL_OR_KEYWORD
    for name in others:
        parameter = parameters[_ours(row, name)]
        assert parameter.kind is not inspect.Parameter.POSITIONAL_ONLY
        assert (parameter.default is inspect.Parameter.empty) == (name in required)


@each_row
async def test_the_async_client_sends_the_request_and_returns_the_record(
    row: dict[str, Any],
) -> None:
    async with Wire(answer()) as wire, monocloud_async.MonoCloudClient(wire.url, KEY) as client:
        method = _method(client, row)
        for call in calls(row):
            wire.script(answer(row["status"], content(row), **paging(row, call)))
            result = method(*call.ids, **_arguments(row, call))
            if row["paged"]:
                _check_result(row, [record async for record in result])
            else:
                _check_result(row, await result)
            _check_sent(row, call, wire.requests.pop())
            assert not wire.requests


@each_row
def test_the_sync_client_sends_the_request_and_returns_the_record(row: dict[str, Any]) -> None:
    with served(answer()) as wire, monocloud_sync.MonoCloudClient(wire.url, KEY) as client:
        method = _method(client, row)
        for call in calls(row):
            wire.script(answer(row["status"], content(row), **paging(row, call)))
            result = method(*call.ids, **_arguments(row, call))
            _check_result(row, list(result) if row["paged"] else result)
            _check_sent(row, call, wire.requests.pop())
            assert not wire.requests


@rows_where(lambda row: (row["body"] or {}).get("not_empty"))
async def test_an_invalid_body_is_not_sent(row: dict[str, Any], wire: Wire) -> None:
    least = {name: SAMPLES[kind] for name, kind in row["body"]["required"].items()}
    bodies = [least]
    if "alternatives" in row["body"]:
        bodies.append({**least, **{names[0]: "x" for names in row["body"]["alternatives"]}})
    async with monocloud_async.MonoCloudClient(wire.url, KEY) as client:
        method = _method(client, row)
        for body in bodies:
            with pytest.raises(monocloud_async.InvalidArgumentError):
                await method(*next(calls(row)).ids, **body)
    assert not wire.requests


@rows_where(lambda row: row.get("may_be_empty"))
async def test_an_empty_response_from_an_older_server_returns_none(row: dict[str, Any]) -> None:
    async with Wire(answer(row["status"], b"")) as wire:
        async with monocloud_async.MonoCloudClient(wire.url, KEY) as client:
            assert await _method(client, row)(*next(calls(row)).ids) is None
    assert len(wire.requests) == 1


def _method(client: Any, row: dict[str, Any]) -> Callable[..., Any]:
    resource, name = row["name"].split(".")
    method: Callable[..., Any] = getattr(getattr(client, resource), name)
    return method


def _ours(row: dict[str, Any], name: str) -> str:
    return RENAMED.get(row["name"], {}).get(name, name)


def _arguments(row: dict[str, Any], call: Call) -> dict[str, Any]:
    return {_ours(row, name): value for name, value in call.arguments.items()}


def _check_sent(row: dict[str, Any], call: Call, request: Request) -> None:
    assert request.line == f"{row['method']} {request.target} HTTP/1.1"
    target, _, query = request.target.partition("?")
    assert target == call.target
    _check_query(row, call, query)
    assert request.header_names.count("x-api-key") == 1
    assert request.headers["X-API-KEY"] == KEY
    if call.body is None:
        assert request.body == b""
        assert "content-type" not in request.header_names
        return
    assert request.header_names.count("content-type") == 1
    assert request.headers["Content-Type"] == "application/json"
    sent = json.loads(request.body)
    # Compared as text: 1 and true are equal in Python, but not in JSON.
    assert _text({**call.defaults, **sent}) == _text({**call.defaults, **call.body})


def _check_query(row: dict[str, Any], call: Call, query: str) -> None:
    pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=True) if query else []
    sent = dict(pairs)
    assert len(sent) == len(pairs)
    if row["paged"]:
        # By default, a list may send its first page number and its page size.
        assert 1 <= int(sent.get("size", 1)) <= MOST_PER_PAGE
        by_default = {"page": "1", "size": sent.get("size")}
        for name, value in by_default.items():
            if name not in call.query and sent.get(name) == value:
                sent.pop(name, None)
    assert sent == call.query


def _check_result(row: dict[str, Any], result: Any) -> None:
    if row["paged"]:
        assert _text([record.to_dict() for record in result]) == _text(example(row))
    elif row["answer"] is None:
        assert result is None
    else:
        assert type(result).__name__ == row["answer"]
        assert _text(result.to_dict()) == _text(example(row))


def _text(value: object) -> str:
    return json.dumps(value, sort_keys=True)
