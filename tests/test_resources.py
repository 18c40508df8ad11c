"""What each method asks for: method, URL, body. How it travels is proven in test_wire.py."""

from __future__ import annotations

import inspect
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest
from aioresponses import aioresponses
from yarl import URL

from monocloud_async import MonoCloudClient, User

from .wire import PAGE

ORIGIN = "https://acme.us.monocloud.com"
FLAGS = {"is_verified": False, "skip_restriction_checks": False}


class Response(aiohttp.ClientResponse):
    """A response as aioresponses makes it, which does not know what aiohttp 3.14 asks for."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse).parameters:
            kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.mark.parametrize(
    ("call", "args", "options", "method", "path", "body"),
    [
        ("users.get", ("u",), {}, "GET", "/users/u", None),
        ("phones.set_primary", ("u", "p"), {}, "POST", "/users/u/phones/p/primary", None),
        ("phones.set_verified", ("u", "p"), {}, "POST", "/users/u/phones/p/verify", None),
        ("phones.set_unverified", ("u", "p"), {}, "POST", "/users/u/phones/p/unverify", None),
        ("phones.remove", ("u", "p"), {}, "DELETE", "/users/u/phones/p", None),
        (
            "phones.add",
            ("u", "+441514960453"),
            {},
            "POST",
            "/users/u/phones",
            {"phone_number": "+441514960453", **FLAGS},
        ),
        (
            "phones.add",
            ("u", "+441514960453"),
            {"is_verified": True, "skip_restriction_checks": True},
            "POST",
            "/users/u/phones",
            {"phone_number": "+441514960453", **dict.fromkeys(FLAGS, True)},
        ),
    ],
)
async def test_what_is_asked_for(
    call: str,
    args: tuple[str, ...],
    options: dict[str, Any],
    method: str,
    path: str,
    body: dict[str, Any] | None,
) -> None:
    resource, name = call.split(".")
    url = f"{ORIGIN}/api{path}"
    with aioresponses() as mocked:
        mocked.add(url, method, payload=PAGE, response_class=Response)
        async with MonoCloudClient(ORIGIN, "key") as client:
            user = await getattr(getattr(client, resource), name)(*args, **options)
    assert user == User.from_dict(PAGE)
    ((asked, calls),) = mocked.requests.items()
    assert asked == (method, URL(url))
    (request,) = calls
    assert request.kwargs["json"] == body
    assert request.kwargs["headers"]["X-API-KEY"] == "key"
    assert request.kwargs["allow_redirects"] is False
