from __future__ import annotations

import copy
import json
import pickle
import re
from typing import Any

import aiohttp
import pytest
from multidict import CIMultiDict, CIMultiDictProxy
from yarl import URL

import monocloud_async
from monocloud_async import (
    APIError,
    BadRequestError,
    ConfigurationError,
    ConflictError,
    ForbiddenError,
    Headers,
    IdentityValidationError,
    InvalidArgumentError,
    InvalidRecordError,
    KeyValidationError,
    MonoCloudClient,
    MonoCloudError,
    NotFoundError,
    PaymentRequiredError,
    RateLimitedError,
    RequestTimeoutError,
    ResponseDecodeError,
    ServerError,
    TransportError,
    UnauthorizedError,
    UnprocessableError,
)
from monocloud_async import errors as module
from monocloud_async._api_error import api_error
from monocloud_async._http.failures import reason

from .wire import Wire, problem

IDENTITY = "https://httpstatuses.io/422#identity-validation-error"
VALIDATION = "https://httpstatuses.io/422#validation-error"


def error_for(status: int, problem: object = None, **more: Any) -> APIError:
    body = problem if isinstance(problem, bytes) else json.dumps(problem).encode()
    attempts = more.pop("attempts", 1)
    error = api_error(status, Headers(), body, operation="phones.set_primary", **more)
    error.attempts = attempts
    return error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (300, APIError),
        (302, APIError),
        (400, BadRequestError),
        (401, UnauthorizedError),
        (402, PaymentRequiredError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (405, APIError),
        (409, ConflictError),
        (422, UnprocessableError),
        (429, RateLimitedError),
        (500, ServerError),
        (503, ServerError),
        (599, ServerError),
    ],
)
@pytest.mark.parametrize(
    "problem",
    [
        None,
        {},
        [],
        "text",
        7,
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        {"status": 200},
        {"status": "404", "title": 7, "detail": None, "traceId": []},
        {"type": IDENTITY},
    ],
)
def test_the_status_alone_decides_the_class(
    status: int, kind: type[APIError], problem: object
) -> None:
    error = error_for(status, problem)
    if status == 422 and isinstance(problem, dict) and "type" in problem:
        kind = IdentityValidationError
    assert type(error) is kind
    assert error.status == status
    assert str(status) in str(error)
    assert "\n" not in str(error)


def test_the_message_holds_the_problem_attempts_and_trace() -> None:
    error = error_for(
        404,
        {"title": "Not Found", "detail": "No such\nphone.", "traceId": "00-ab-cd-01"},
        attempts=2,
    )
    assert str(error) == (
        "phones.set_primary: 404 Not Found: No such phone. (after 2 attempts) (trace 00-ab-cd-01)"
    )
    assert (error.title, error.detail) == ("Not Found", "No such\nphone.")
    assert error.trace_id == "00-ab-cd-01"


def test_the_trace_id_falls_back_to_the_headers() -> None:
    headers = Headers([("TraceParent", "00-1-2-01")])
    error = api_error(502, headers, b"<html>", operation="users.get")
    assert error.trace_id == "00-1-2-01"
    assert str(error) == "users.get: 502 Bad Gateway (trace 00-1-2-01)"


@pytest.mark.parametrize("status", [404, 503])
def test_a_multiline_trace_id_stays_on_one_line(status: int) -> None:
    error = error_for(status, {"traceId": "00-ab\n\x1b[2JERROR forged" + "x" * 5000})
    assert "(trace 00-ab [2JERROR forged" in str(error)
    assert "\n" not in str(error)
    assert "\x1b" not in str(error)
    assert len(str(error)) < 1500


def test_identity_errors_are_parsed() -> None:
    error = error_for(
        422,
        {
            "type": IDENTITY,
            "title": "Invalid",
            "errors": [
                {"code": "PhoneTaken", "description": "It is taken.", "field": "phone"},
                {"description": "Other"},
                "junk",
                {"code": 7},
            ],
        },
    )
    assert isinstance(error, IdentityValidationError)
    assert error.errors[0] == ("PhoneTaken", "It is taken.")
    assert error.errors[0].code == "PhoneTaken"
    assert len(error.errors) == 3
    assert "Invalid: PhoneTaken, Other" in str(error)


def test_key_errors_are_parsed() -> None:
    error = error_for(
        422,
        {"type": VALIDATION, "title": "Invalid", "errors": {"phone_number": ["Bad.", 7], "x": "y"}},
    )
    assert isinstance(error, KeyValidationError)
    assert error.errors == {"phone_number": ("Bad.",), "x": ()}
    assert "phone_number: Bad." in str(error)


@pytest.mark.parametrize("kind", [IDENTITY, VALIDATION])
@pytest.mark.parametrize("errors", [None, 7, "text", [None], {"a": None}])
def test_malformed_findings_are_ignored(kind: str, errors: object) -> None:
    error = error_for(422, {"type": kind, "errors": errors})
    assert isinstance(error, (IdentityValidationError, KeyValidationError))
    assert str(error).startswith("phones.set_primary: 422")


def test_a_redirect_says_what_to_check() -> None:
    assert "check the domain" in str(error_for(302))


def test_the_message_mentions_the_wait_and_a_possible_change() -> None:
    error = error_for(429, {"title": "Slow down"}, retry_after=1.5)
    error.may_have_been_applied = True
    assert "asks to wait 1.5 s" in str(error)
    assert "may have been applied" in str(error)


@pytest.mark.parametrize(
    "error",
    [
        MonoCloudError("x"),
        ConfigurationError("x"),
        InvalidArgumentError("x"),
        InvalidRecordError("x", path="$.a"),
        TransportError("x", operation="o", attempts=3, may_have_been_applied=True),
        RequestTimeoutError("x", operation="o", attempts=3, may_have_been_applied=True),
        ResponseDecodeError(
            "x", operation="o", status=200, headers=Headers([("A", "b")]), body=b"{", path="$"
        ),
        error_for(404, {"title": "t", "traceId": "i"}, attempts=2, retry_after=3.0),
        error_for(422, {"type": IDENTITY, "errors": [{"code": "c"}]}),
        error_for(503),
    ],
    ids=lambda error: type(error).__name__,
)
def test_every_error_pickles_and_copies(error: MonoCloudError) -> None:
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is type(error)
        assert str(twin) == str(error)
        assert twin.args == error.args
        assert vars(twin).keys() == vars(error).keys()
        assert repr(vars(twin)) == repr(vars(error))


def test_errors_have_builtin_parents() -> None:
    assert issubclass(ConfigurationError, ValueError)
    assert issubclass(InvalidArgumentError, ValueError)
    assert issubclass(InvalidRecordError, ValueError)
    assert issubclass(RequestTimeoutError, (TransportError, TimeoutError))


def test_the_tree_in_the_docstring_matches_the_classes() -> None:
    drawn: dict[str, str] = {}
    above: list[str] = []
    for indent, name in re.findall(r"^([│ ├└─]*)(\w+Error)\b", str(module.__doc__), re.MULTILINE):
        del above[len(indent) // 4 :]
        drawn[name] = above[-1] if above else "Exception"
        above.append(name)
    kinds = [getattr(monocloud_async, name) for name in monocloud_async.__all__]
    errors = [k for k in kinds if isinstance(k, type) and issubclass(k, MonoCloudError)]
    assert drawn == {kind.__name__: kind.__bases__[0].__name__ for kind in errors}


def test_headers_ignore_case_and_join_repeated_values() -> None:
    headers = Headers([("X-One", "1"), ("x-one", "2"), ("Set-Cookie", "secret")])
    assert headers["X-ONE"] == "1, 2"
    assert "x-One" in headers
    assert headers == {"x-one": "1, 2", "set-cookie": "secret"}
    assert "secret" not in repr(headers)
    assert pickle.loads(pickle.dumps(headers)) == headers


@pytest.mark.parametrize("quoted", ["'GARBAGE of somebody'", "b'GARBAGE'", 'bytearray(b"GARBAGE")'])
def test_a_response_that_is_not_http_is_not_quoted(quoted: str) -> None:
    info = aiohttp.RequestInfo(
        URL("https://acme.us.monocloud.com"), "GET", CIMultiDictProxy(CIMultiDict())
    )
    error = aiohttp.ClientResponseError(info, (), status=400, message=f"Bad status line {quoted}")
    assert reason(error) == "the response is not HTTP: Bad status line"


def test_an_error_has_the_code_and_trace_id_of_newer_apis() -> None:
    body = b'{"title": "No", "error_code": "user_not_found", "trace_id": "00-ab-cd-01"}'
    error = api_error(404, Headers(), body, operation="users.get")
    assert (error.error_code, error.trace_id) == ("user_not_found", "00-ab-cd-01")
    assert api_error(404, Headers(), b"{}", operation="users.get").error_code is None


async def test_a_phone_number_given_as_an_id_gets_a_hint() -> None:
    async with Wire(problem(404)) as wire, MonoCloudClient(wire.url, "key") as client:
        with pytest.raises(NotFoundError, match="use set_primary_by_number"):
            await client.phones.set_primary("u", "+44 1632 960961")
        with pytest.raises(NotFoundError) as caught:
            await client.phones.set_primary("u", "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70")
    assert caught.value.hint == ""
