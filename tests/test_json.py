from __future__ import annotations

import json

import pytest

from monocloud_async import _json


@pytest.fixture(params=["orjson", "json"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers; the first is what the `speed` extra brings."""
    if request.param == "json":
        monkeypatch.setattr(_json, "orjson", None)
    else:
        pytest.importorskip("orjson")
    return str(request.param)


@pytest.mark.usefixtures("parser")
@pytest.mark.parametrize(
    "text",
    [
        '{"a": [1, 2.5, null, true, "ü"]}',
        '{"n": 18446744073709551616}',
        '{"n": -18446744073709551616}',
        '{"n": 123456789012345678901234567890}',
        '{"n": 9223372036854775807, "m": 0.1}',
        '"\\ud800"',
        "[" * 600 + "]" * 600,
    ],
)
def test_every_value_is_read_as_it_was_sent(text: str) -> None:
    assert _json.parse(text.encode()) == json.loads(text)


@pytest.mark.usefixtures("parser")
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
        b"[" * 100_000,
    ],
)
def test_what_is_no_json_is_refused(body: bytes) -> None:
    with pytest.raises((ValueError, RecursionError)):
        _json.parse(body)
