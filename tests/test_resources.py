"""What each method passes to aiohttp. test_api_table.py checks what is then sent."""

from __future__ import annotations

import inspect
import json
import re
import ssl
from types import SimpleNamespace
from typing import Any
from urllib.parse import unquote

import aiohttp
import pytest
from aioresponses import aioresponses

from monocloud_async import MonoCloudClient

from .api_table import ROWS, Call, calls, content, example, paging

ORIGIN = "https://acme.us.monocloud.com"
# Members that are sent by default. For the API, they mean the same as leaving them out.
SENT_BY_DEFAULT = {"phones.add": {"is_verified": False, "skip_restriction_checks": False}}


class Response(aiohttp.ClientResponse):
    """A response for aioresponses, which does not pass an argument that aiohttp 3.14 requires."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if "stream_writer" in inspect.signature(aiohttp.ClientResponse).parameters:
            kwargs.setdefault("stream_writer", SimpleNamespace(output_size=0))
        super().__init__(*args, **kwargs)


@pytest.fixture(scope="module")
def trust() -> ssl.SSLContext:
    """Return the system's certificates, read only once because no connection here needs them."""
    return ssl.create_default_context()


@pytest.mark.parametrize(
    ("row", "call"),
    [
        pytest.param(row, call, id=f"{row['name']}-{number}")
        for row in ROWS
        for number, call in enumerate(calls(row))
    ],
)
async def test_each_method_makes_the_documented_request(
    row: dict[str, Any], call: Call, trust: ssl.SSLContext
) -> None:
    resource, name = row["name"].split(".")
    with aioresponses() as mocked:
        mocked.add(
            re.compile(re.escape(ORIGIN)),
            row["method"],
            status=row["status"],
            body=content(row),
            headers=paging(row, call),
            response_class=Response,
        )
        async with MonoCloudClient(ORIGIN, "key", ssl_context=trust) as client:
            result = getattr(getattr(client, resource), name)(*call.ids, **call.arguments)
            if row["paged"]:
                assert [item.to_dict() async for item in result] == example(row)
            else:
                record = await result
                assert (record and record.to_dict()) == example(row)
    (((method, url), (request,)),) = mocked.requests.items()
    assert method == row["method"]
    assert str(url.origin()) == ORIGIN
    assert url.raw_path == call.target
    # A list may send the number of its first page and the page size by default.
    defaults = {"page", "size"} - set(call.query) if row["paged"] else set()
    # Older versions of aioresponses quote an already quoted query again.
    query = {name: unquote(url.query[name]) for name in url.query if name not in defaults}
    assert query == {name: unquote(value) for name, value in call.query.items()}
    assert request.kwargs["headers"]["X-API-KEY"] == "key"
    assert request.kwargs["allow_redirects"] is False
    _check_body(row, call, _body(request.kwargs))


def _body(options: dict[str, Any]) -> Any:
    content = options.get("data")
    return options.get("json") if content is None else json.loads(content._value)


def _check_body(row: dict[str, Any], call: Call, body: Any) -> None:
    if call.body is None:
        assert body is None
        return
    by_default = SENT_BY_DEFAULT.get(row["name"])
    if by_default is not None:
        assert body == {**by_default, **call.body}
    assert {**call.defaults, **body} == {**call.defaults, **call.body}
