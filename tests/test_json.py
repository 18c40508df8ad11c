from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocloud_async import _json


@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2.5, null, true, "ü"]}',
        '{"n": 18446744073709551616}',
        '{"n": -18446744073709551616}',
        '{"n": 123456789012345678901234567890}',
        '{"n": 9223372036854775807, "m": 0.1}',
        '"\\ud800"',
        "[" * 200 + "]" * 200,
        '{"a": ":", "b": "\\u003a", ":": {"a": "http://[::1]:8080/"}}',
        json.dumps([[]] * 1000),
    ],
)
def test_each_value_is_read_exactly_as_it_was_sent(text: str) -> None:
    assert _json.parse(text.encode()) == json.loads(text)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"{",
        b"<html>",
        b"NaN",
        b'{"a": Infinity}',
        b'{"a": 1e400}',
        b"\xef\xbb\xbf{}",
        b'"\xff"',
        '"ü"'.encode("utf-16"),
        b"{} {}",
    ],
)
def test_invalid_json_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError):
        _json.parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b'{"a": 1, "a": 1}',
        b'{"a": "u", "a": "v"}',
        b'[{"b": {"a": {}, "c": 0, "a": []}}]',
        b'{"a": 1, "\\u0061": 2}',
        b'{"a": "\\u003a", "a": 1}',
        b'{"a": "\\u003A:", "a": "::"}',
        b'{"a": 18446744073709551617, "a": 1}',
    ],
)
def test_a_repeated_member_name_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="an object in it repeats a name"):
        _json.parse(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 201 + b"]" * 201,
        b'{"a": ' * 150 + b"[" * 51 + b"]" * 51 + b"}" * 150,
        b"[" * 2000 + b"]" * 2000,
        b"[" * 100_000 + b"]" * 100_000,
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    ],
)
def test_excessive_nesting_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="nested deeper than 200 levels"):
        _json.parse(body)


def test_too_many_values_are_refused() -> None:
    with pytest.raises(ValueError, match="more than 100000 values"):
        _json.parse(b"[" + b"{}," * 100_001 + b"0]")
    assert len(_json.parse(b"[" + b"0," * 100_000 + b"0]")) == 100_001


@pytest.mark.parametrize("digits", [b"9" * 5000, b"1e400", b"-1e400"])
def test_numbers_out_of_range_are_refused(digits: bytes) -> None:
    with pytest.raises(ValueError, match="a number in it is out of range"):
        _json.parse(b'{"n": %s}' % digits)


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(json_values, st.booleans())
def test_any_value_is_read_exactly_as_it_was_sent(value: object, escaped: bool) -> None:
    assert _json.parse(json.dumps(value, ensure_ascii=escaped).encode()) == value
