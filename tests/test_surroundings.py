"""The SDK inside other programs: other event loops, zip files, frameworks and JSON libraries."""

from __future__ import annotations

import dataclasses
import gc
import io
import json
import os
import subprocess
import sys
import warnings
import zipfile
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import attrs
import httpx
import pydantic
import pydantic_core
import pytest
from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder

import monocloud_async
import monocloud_sync
from monocloud_async import ConfigurationError, MonoCloudClient
from monocloud_async.emulator import Emulator
from monocloud_async.models import Record, ResetPasswordResponse, User, UserSummary

KEY = "canary-6d1f3c-0123456789"
JSON: dict[str, Any] = {
    "user_id": "u-1",
    "creation_time": 1640975400,
    "emails": [{"id": "e", "later": {"a": None}}],
    "unknown": [1, None],
    "given_name": None,
}


@pytest.fixture
def user() -> User:
    return User.from_dict(JSON)


# Without asyncio

CALLS: list[Callable[[MonoCloudClient], Coroutine[Any, Any, Any]]] = [
    lambda client: client.users.get("u"),
    lambda client: client.request("GET", "/users"),
    lambda client: _first(client.users.list()),
    lambda client: _first(client.many(client.users.delete, [("u",)])),
    lambda client: _first(client.phones.set_primary_many([("u", "p")])),
    lambda _: _begin_emulator(),
]


async def _begin_emulator() -> None:
    async with Emulator():
        pass


async def _first(found: Any) -> Any:
    async for one in found:
        return one
    return None


@pytest.mark.parametrize("call", CALLS)
def test_without_a_loop_an_error_says_what_is_needed(call: Any) -> None:
    client = MonoCloudClient("http://127.0.0.1:9", KEY)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(ConfigurationError, match=r"asyncio.*monocloud_sync"):
            call(client).send(None)
        gc.collect()


@pytest.mark.parametrize("call", CALLS)
def test_under_trio_an_error_says_what_is_needed(call: Any) -> None:
    trio = pytest.importorskip("trio")

    async def main() -> None:
        async with MonoCloudClient("http://127.0.0.1:9", KEY) as client:
            with pytest.raises(ConfigurationError, match=r"asyncio.*monocloud_sync"):
                await call(client)

    trio.run(main)
    gc.collect()


# From a zip file, and at import

FROM_ZIP = """
import sys
if sys.argv[1:]:
    from monocloud_async.cli import main
    sys.exit(main())
from monocloud_sync import MonoCloudClient
from monocloud_sync.emulator import Emulator, USER_ID
assert sys.argv[0] in MonoCloudClient.__init__.__code__.co_filename
with Emulator() as emulator, MonoCloudClient(emulator.url, emulator.api_key) as client:
    print(client.users.get(USER_ID).user_id == USER_ID)
"""


@pytest.fixture
def zipapp(tmp_path: Path) -> Path:
    path = tmp_path / "app.pyz"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("__main__.py", FROM_ZIP)
        for package in (monocloud_async, monocloud_sync):
            root = Path(package.__path__[0])
            for file in root.rglob("*"):
                if file.is_file() and "__pycache__" not in file.parts:
                    archive.write(file, file.relative_to(root.parent))
    return path


def run(path: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, path, *arguments]
    unset = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        command, cwd=path.parent, env=unset, capture_output=True, text=True, check=False
    )


def test_the_client_and_the_emulator_run_from_a_zipapp(zipapp: Path) -> None:
    done = run(zipapp)
    assert (done.stdout, done.stderr) == ("True\n", "")


def test_the_demo_runs_from_a_zipapp(zipapp: Path) -> None:
    done = run(zipapp, "demo")
    assert (done.returncode, done.stderr) == (0, "")


def test_a_client_made_by_a_cached_function_needs_no_settings_at_import() -> None:
    code = (
        "import functools, monocloud_sync\n"
        "client = functools.cache(monocloud_sync.MonoCloudClient)\n"
        "try: client()\n"
        "except monocloud_sync.ConfigurationError as error: print(error)\n"
    )
    unset = {name: text for name, text in os.environ.items() if "MONOCLOUD" not in name}
    done = subprocess.run(
        [sys.executable, "-c", code], env=unset, capture_output=True, text=True, check=False
    )
    assert "MONOCLOUD_MANAGEMENT_DOMAIN" in done.stdout
    assert done.stderr == ""


# Records as JSON


def test_pydantic_validates_and_serializes_a_record(user: User) -> None:
    class Holder(pydantic.BaseModel):
        user: User
        others: list[UserSummary] = []

    for held in (Holder(user=user), Holder.model_validate({"user": JSON})):
        assert held.user == user
        assert held.model_dump()["user"] == JSON
        assert json.loads(held.model_dump_json())["user"] == JSON
    assert Holder(user=user).user is user
    assert Holder.model_validate_json(json.dumps({"user": JSON})).user.to_dict() == JSON
    adapter = pydantic.TypeAdapter(User)
    assert adapter.validate_python(user) is user
    assert adapter.json_schema()["type"] == "object"
    with pytest.raises(pydantic.ValidationError, match=r"\$\.user_id"):
        adapter.validate_python({"user_id": 7})


def test_pydantic_serializes_nested_records(user: User) -> None:
    held = {"users": [user, user.emails[0]]}
    wanted = {"users": [JSON, JSON["emails"][0]]}
    assert pydantic_core.to_jsonable_python(held) == wanted
    assert json.loads(pydantic.TypeAdapter(dict[str, Any]).dump_json(held)) == wanted


def test_without_pydantic_a_class_has_no_serializer() -> None:
    code = (
        "import sys\n"
        "from unittest.mock import create_autospec\n"
        "from monocloud_async import User\n"
        "create_autospec(User(user_id='u'))\n"
        "print(hasattr(User, '__pydantic_serializer__'), 'pydantic_core' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("False False\n", "")


async def test_fastapi_responds_with_a_record(user: User) -> None:
    app = FastAPI()

    @app.get("/held")
    async def _held() -> dict[str, Any]:
        return {"user": user}

    @app.get("/modelled", response_model=list[User])
    async def _modelled() -> Any:
        return [user]

    async def _returned() -> Any:
        return user

    _returned.__annotations__["return"] = User
    app.get("/returned")(_returned)
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        assert (await client.get("/modelled")).json() == [JSON]
        assert (await client.get("/returned")).json() == JSON
        assert (await client.get("/held")).json() == {"user": JSON}
        assert (await client.get("/openapi.json")).status_code == 200
    # FastAPI does this for a view without a return type.
    assert jsonable_encoder(user) == JSON
    assert jsonable_encoder({"users": [user]}) == {"users": [JSON]}


def test_django_rest_framework_encodes_a_record(user: User) -> None:
    encoders = pytest.importorskip("rest_framework.utils.encoders")
    written = json.dumps({"users": [user]}, cls=encoders.JSONEncoder)
    assert json.loads(written) == {"users": [JSON]}


def test_json_and_orjson_serialize_records_with_a_default(user: User) -> None:
    assert json.loads(json.dumps([user], default=Record.to_dict)) == [JSON]
    orjson = pytest.importorskip("orjson")
    odd = User.from_dict({**JSON, "": 1, "_a": 2})
    # If orjson took the record for a dataclass, it would leave out members with such names.
    passed_through = orjson.OPT_PASSTHROUGH_DATACLASS
    written = orjson.dumps([user, odd], default=Record.to_dict, option=passed_through)
    assert orjson.loads(written) == [JSON, {**JSON, "": 1, "_a": 2}]


def test_orjson_serializes_records_without_a_default(user: User) -> None:
    orjson = pytest.importorskip("orjson")
    assert orjson.loads(orjson.dumps({"users": [user, user.emails[0]]})) == {
        "users": [JSON, JSON["emails"][0]]
    }
    # orjson leaves out unknown members that start with an underscore. An empty member name, and
    # records of different shapes one after another, must not crash the process.
    odd = User.from_dict({**JSON, "": 1, "_a": 2, "x": {"": 1, "_a": [2]}})
    for _ in range(1_000):
        assert orjson.loads(orjson.dumps([odd, user])) == [{**JSON, "x": {"": 1, "_a": [2]}}, JSON]


def test_only_orjson_treats_a_record_as_a_dataclass(user: User) -> None:
    link = ResetPasswordResponse.from_dict({"link": "https://example.com/secret"})
    for record in (user, link):
        assert not dataclasses.is_dataclass(record)
        assert not dataclasses.is_dataclass(type(record))
        with pytest.raises(TypeError):
            dataclasses.asdict(record)  # type: ignore[call-overload]
        with pytest.raises(AttributeError):
            object.__setattr__(record, "more", 1)
    with pytest.raises(TypeError):
        vars(link)


def test_a_record_converts_to_a_dict_but_is_not_a_mapping(user: User) -> None:
    odd = User.from_dict({**JSON, "": 1, "_a": 2, "keys": 3, "email": {}})
    for record in (user, odd, user.emails[0], attrs.evolve(user, disabled=True, emails=())):
        assert dict(record) == record.to_dict()
        assert list(dict(record)) == list(record.to_dict())
    assert not isinstance(user, Mapping)
    assert f"{user}" == "%s" % user == repr(user)  # noqa: UP031
    with pytest.raises(TypeError, match=r"attributes, not items.*to_dict\(\)"):
        user["user_id"]  # type: ignore[index]
    # Iterating yields pairs, so `in` would always return False; it raises instead.
    with pytest.raises(TypeError):
        "user_id" in user  # type: ignore[operator]  # noqa: B015


def test_django_renders_and_responds_with_a_record(user: User) -> None:
    from django.conf import settings

    if not settings.configured:
        settings.configure(DEFAULT_CHARSET="utf-8")
    from django.http import JsonResponse
    from django.template import Context, Engine

    assert json.loads(JsonResponse(user.to_dict()).content) == JSON
    # A template tries an item before an attribute, and an item would be the raw JSON number.
    text = "{{ user.creation_time.tzinfo }} {{ user.emails.0.id }}"
    template = Engine(debug=True).from_string(text)
    assert template.render(Context({"user": user})) == "UTC e"


def test_a_record_can_be_a_row_of_a_dataframe(user: User) -> None:
    pandas = pytest.importorskip("pandas")
    assert pandas.DataFrame([dict(user)])["user_id"][0] == "u-1"
    assert pandas.read_csv(io.StringIO("a\n1")).shape == (1, 1)
