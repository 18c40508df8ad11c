"""How answers are decoded and operations are described. No I/O."""

from __future__ import annotations

import json
from typing import Any

import pytest

from monocloud_async import InvalidRecordError, User, UserGroup, UserSummary
from monocloud_async._operation import (
    Operation,
    Repeat,
    any_operation,
    nothing,
    one,
    one_or_nothing,
    page_of,
)
from monocloud_async.errors import InvalidArgumentError
from monocloud_async.operations import ALL, phones, users
from monocloud_async.response import Headers

PAGING: dict[str, Any] = {
    "page_size": 2,
    "current_page": 1,
    "total_count": 3,
    "has_previous": False,
    "has_next": True,
}
NO_HEADERS = Headers()


def paging(**changes: Any) -> Headers:
    return Headers([("X-Pagination", json.dumps({**PAGING, **changes}))])


def test_one_record_is_decoded() -> None:
    assert one(User)(b'{"user_id": "u"}', NO_HEADERS) == User(user_id="u", _keys=("user_id",))
    with pytest.raises(InvalidRecordError, match="expected a string"):
        one(User)(b'{"user_id": 7}', NO_HEADERS)
    with pytest.raises(ValueError, match="empty"):
        one(User)(b"", NO_HEADERS)


def test_an_optional_record_may_be_missing() -> None:
    decode = one_or_nothing(UserGroup)
    assert decode(b"", NO_HEADERS) is None
    group = decode(b'{"group_id": "g"}', NO_HEADERS)
    assert group is not None
    assert group.group_id == "g"


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
def test_an_empty_body_is_accepted(body: bytes) -> None:
    nothing(body, NO_HEADERS)


@pytest.mark.parametrize("body", [b"<html>Sign in</html>", b"{}", b"null"])
def test_unexpected_content_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="body should be empty"):
        nothing(body, NO_HEADERS)


def test_a_page_is_decoded() -> None:
    page = page_of(UserSummary)(b'[{"user_id": "a"}, {"user_id": "b"}]', paging())
    assert [user.user_id for user in page.items] == ["a", "b"]
    assert (page.page_size, page.current_page, page.total_count) == (2, 1, 3)
    assert (page.has_previous, page.has_next) == (False, True)


def test_unknown_paging_members_are_ignored() -> None:
    assert page_of(UserSummary)(b"[]", paging(cursor="abc")).items == ()


def test_the_error_names_the_path_of_a_wrong_item() -> None:
    with pytest.raises(InvalidRecordError) as caught:
        page_of(UserSummary)(b'[{"user_id": "a"}, {"user_id": null}]', paging())
    assert caught.value.path == "$[1].user_id"


@pytest.mark.parametrize(
    "headers",
    [
        NO_HEADERS,
        Headers([("x-pagination", "")]),
        Headers([("x-pagination", "null")]),
        Headers([("x-pagination", "[]")]),
        Headers([("x-pagination", "{}")]),
        Headers([("x-pagination", "page 1 of 3")]),
        Headers([("x-pagination", json.dumps(PAGING))] * 2),
        paging(has_next="false"),
        paging(has_next=None),
        paging(total_count=3.5),
        paging(current_page=True),
    ],
)
def test_a_page_without_valid_paging_is_refused(headers: Headers) -> None:
    with pytest.raises(ValueError, match="x-pagination"):
        page_of(UserSummary)(b"[]", headers)


def test_names_and_paths_are_unique() -> None:
    assert len({operation.name for operation in ALL}) == len(ALL)
    assert len({(operation.method, operation.path) for operation in ALL}) == len(ALL)


def test_an_operation_has_its_parameters_and_address() -> None:
    assert phones.SET_PRIMARY.parameters == ("user_id", "identifier_id")
    assert phones.SET_PRIMARY.address("u", "p/1") == "/api/users/u/phones/p%2F1/primary"
    assert users.LIST.address() == "/api/users"


@pytest.mark.parametrize(
    ("method", "path", "repeat", "expected"),
    [
        ("GET", "/users", None, Repeat.SAFE),
        ("POST", "/users/{user_id}/enable", None, Repeat.ONCE),
        ("DELETE", "/users/{user_id}", Repeat.GONE, Repeat.GONE),
        ("PUT", "/.well-known/a.b~c_d-e", None, Repeat.ONCE),
    ],
)
def test_a_caller_can_define_an_operation(
    method: str, path: str, repeat: Repeat | None, expected: Repeat
) -> None:
    operation: Operation[Any] = any_operation(method, path, repeat)
    assert operation.repeat is expected
    assert operation.name == f"{method} {path}"


@pytest.mark.parametrize(
    ("method", "path", "repeat", "named"),
    [
        ("get", "/users", None, "method"),
        ("GET\r\nX: y", "/users", None, "method"),
        (None, "/users", None, "method"),
        ("GET", "users", None, "path"),
        ("GET", "", None, "path"),
        ("GET", "/", None, "path"),
        ("GET", "/users/", None, "path"),
        ("GET", "//evil.example", None, "path"),
        ("GET", "/users?page=1", None, "path"),
        ("GET", "/users#x", None, "path"),
        ("GET", "/users/../groups", None, "path"),
        ("GET", "/users/.", None, "path"),
        ("GET", "/users/%2e%2e", None, "path"),
        ("GET", "/users/a b", None, "path"),
        ("GET", "/users/{user id}", None, "path"),
        ("GET", "/users\n", None, "path"),
        ("GET", 7, None, "path"),
        ("GET", "/users", True, "repeat"),
    ],
)
def test_an_invalid_operation_is_refused(method: Any, path: Any, repeat: Any, named: str) -> None:
    with pytest.raises(InvalidArgumentError, match=rf"^{named} must be .* nothing was sent$"):
        any_operation(method, path, repeat)
