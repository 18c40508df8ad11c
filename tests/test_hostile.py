"""Responses that no sound server sends: each ends in one clear error, soon, in little memory."""

from __future__ import annotations

import asyncio
import copy
import gzip
import json
import logging
import pickle
import random
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest

from monocloud_async import (
    APIError,
    MonoCloudClient,
    MonoCloudError,
    NotFoundError,
    RequestTimeoutError,
    ResponseDecodeError,
    RetryPolicy,
    ServerError,
    TransportError,
    User,
)

from .conftest import FAST
from .wire import PAGE, Step, Wire, Writer, answer, raw, then_close

KEY = "canary-6d1f3c"
RECORD = json.dumps(PAGE).encode()
PACKED = gzip.compress(RECORD)
MB = 1 << 20


def head(status: int, *lines: str, body: bytes = b"", length: int | None = None) -> bytes:
    size = len(body) if length is None else length
    every = (f"HTTP/1.1 {status} Whatever", *lines, *([f"Content-Length: {size}"] * (size >= 0)))
    return "".join(f"{line}\r\n" for line in every).encode("latin-1") + b"\r\n" + body


def coded(coding: str, body: bytes) -> Step:
    return answer(200, body, Content_Encoding=coding)


def chunked(*chunks: bytes, status: int = 200) -> bytes:
    return head(status, "Transfer-Encoding: chunked", length=-1) + b"".join(chunks)


# A success that cannot be read: the change was applied, and is not sent again.

UNREADABLE = {
    "204": (raw(head(204, length=-1)), "it is empty"),
    "205": (raw(head(205)), "it is empty"),
    "empty": (answer(200, b""), "it is empty"),
    "blank": (answer(200, b" \r\n "), "it is empty"),
    "deep arrays": (answer(200, b"[" * 100_000 + b"]" * 100_000), "nested deeper than 200"),
    "deep objects": (answer(200, b'{"a":' * 100_000 + b"1" + b"}" * 100_000), "nested deeper"),
    "deep and cut off": (answer(200, b"[" * 100_000), "nested deeper|it is not JSON"),
    "deep within claims": (
        answer(200, b'{"user_id": "u", "claims": {"a": %s%s}}' % (b"[" * 300, b"]" * 300)),
        "nested deeper than 200 levels",
    ),
    "NaN": (answer(200, b'{"user_id": "u", "claims": {"a": NaN}}'), "NaN is not JSON"),
    "Infinity": (answer(200, b'{"user_id": "u", "claims": {"a": -Infinity}}'), "is not JSON"),
    "1e999": (answer(200, b'{"user_id": "u", "claims": {"a": 1e999}}'), "out of range"),
    "long integer": (answer(200, b'{"user_id": "u", "failure_count": %s}' % (b"9" * 9999)),
                     "out of range"),
    "name twice": (answer(200, b'{"user_id": "u", "user_id": "v"}'), "repeats a name"),
    "name twice, deep": (
        answer(200, b'{"user_id": "u", "claims": {"role": "admin", "role": "user"}}'),
        "an object in it repeats a name",
    ),
    "invalid UTF-8": (answer(200, b'{"user_id": "\xff"}'), "it is not JSON"),
    "Latin-1": (answer(200, '{"user_id": "ü"}'.encode("latin-1")), "it is not JSON"),
    "BOM": (answer(200, b"\xef\xbb\xbf" + RECORD), "it is not JSON"),
    "UTF-16": (answer(200, RECORD.decode().encode("utf-16")), "it is not JSON"),
    "two documents": (answer(200, RECORD + RECORD), "it is not JSON"),
    "cut off": (answer(200, RECORD[:-1]), "it is not JSON"),
    "page": (answer(200, b"<html>", Content_Type="text/html"), "it is not JSON"),
    "oversize": (answer(200, b" " * (17 * MB)), "longer than 16 MiB"),
    "oversize in chunks": (raw(chunked(*[b"100000\r\n" + b" " * MB + b"\r\n"] * 17)), "16 MiB"),
    "gzip corrupt": (coded("gzip", PACKED[:50] + b"xxxx" + PACKED[54:]), "cannot be decompressed"),
    "gzip bad sum": (coded("gzip", PACKED[:-8] + b"x" * 8), "cannot be decompressed"),
    "gzip cut off": (coded("gzip", PACKED[:-20]), "compressed content is truncated"),
    "gzip in name only": (coded("gzip", RECORD), "cannot be decompressed"),
    "gzip and junk": (coded("gzip", PACKED + b"junk"), "cannot be decompressed"),
    "gzip of empties": (coded("gzip", gzip.compress(b"") * 100_000), "cannot be decompressed"),
    "gzip empty": (coded("gzip", b""), "it is empty"),
    "deflate junk": (coded("deflate", b"xjunk"), "cannot be decompressed"),
    "br not asked for": (coded("br", b"\x0b\x02\x80junk"), "it is not JSON"),
    "zstd not asked for": (coded("zstd", b"\x28\xb5\x2f\xfdjunk"), "it is not JSON"),
    "gzip twice": (coded("gzip, gzip", gzip.compress(PACKED)), "it is not JSON"),
}  # fmt: skip


@pytest.mark.parametrize("case", UNREADABLE)
async def test_an_unreadable_success_counts_as_applied_and_is_never_sent_again(case: str) -> None:
    step, reason = UNREADABLE[case]
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        with pytest.raises(ResponseDecodeError, match=reason) as caught:
            await client.phones.set_primary("u", "p")
        assert len(wire.requests) == 1
        with pytest.raises(ResponseDecodeError, match=reason):
            await client.phones.add("u", "+441514960453")
        assert len(wire.requests) == 2
        with pytest.raises(ResponseDecodeError, match=reason) as read:
            await client.users.get("u")
    error = caught.value
    assert str(error).startswith(
        f"phones.set_primary: the server responded with {error.status}, so"
    )
    assert "so the change was applied" in str(error)
    assert "applied" not in str(read.value)
    assert (error.attempts, error.path, len(error.body) <= 500) == (1, None, True)


# Unusual but valid responses

READABLE = {
    "gzip": coded("gzip", PACKED),
    "GZip": coded(" GZip ", PACKED),
    "gzip in parts": coded("gzip", gzip.compress(RECORD[:99]) + gzip.compress(RECORD[99:])),
    "deflate": coded("deflate", zlib.compress(RECORD)),
    "raw deflate": coded("deflate", zlib.compress(RECORD)[2:-4]),
    "identity": coded("identity", RECORD),
    "a meaningless coding": coded("utf-8", RECORD),
    "no content type": raw(head(200, body=RECORD)),
    "another content type": answer(200, RECORD, Content_Type="text/plain; charset=utf-16"),
    "chunks": raw(chunked(b"%x;a=b\r\n" % len(RECORD), RECORD, b"\r\n0\r\nTrailer: x\r\n\r\n")),
    "to the end": then_close(raw(head(200, length=-1) + RECORD)),
    "a name of another case": raw(head(200, body=RECORD).replace(b"Length", b"LENGTH")),
    "early hints": raw(head(103, "Link: <x>", length=-1) + head(200, body=RECORD)),
    "1,000 times 100": raw(head(100, length=-1) * 1000 + head(200, body=RECORD)),
    "201": answer(201, RECORD),
    "cookies": raw(head(200, "Set-Cookie: a=\x01; expires=x", "Set-Cookie: =", body=RECORD)),
    "headers that are not ASCII": raw(head(200, "X-Request-Id: \xff\x85\xad", body=RECORD)),
    "8,000 bytes in a header": raw(head(200, "X: " + "x" * 8000, body=RECORD)),
}


@pytest.mark.parametrize("case", READABLE)
async def test_an_unusual_success_is_still_read(case: str) -> None:
    async with Wire(READABLE[case]) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST) as client:
            user = await client.phones.set_primary("u", "p")
    assert user.to_dict() == PAGE
    assert user.response
    assert user.response.attempts == len(wire.requests) == 1


# Responses that are not HTTP: nobody knows whether the change was applied.

BROKEN = {
    "length too long": then_close(raw(head(200, body=RECORD, length=9999))),
    "length too short": raw(head(200, body=RECORD, length=10)),
    "length junk": raw(head(200, "Content-Length: x", length=-1) + RECORD),
    "length signed": raw(head(200, "Content-Length: +1", length=-1) + RECORD),
    "length minus one": raw(head(200, "Content-Length: -1", length=-1) + RECORD),
    "length huge": raw(head(200, "Content-Length: " + "9" * 25, length=-1) + RECORD),
    "two lengths": raw(head(200, "Content-Length: 1", body=RECORD)),
    "length and chunks": raw(head(200, "Transfer-Encoding: chunked", body=RECORD)),
    "chunk junk": raw(chunked(b"zz\r\n", RECORD)),
    "chunk negative": raw(chunked(b"-5\r\n", RECORD)),
    "chunk huge": raw(chunked(b"f" * 25 + b"\r\n", RECORD)),
    "chunk cut off": then_close(raw(chunked(b"%x\r\n" % len(RECORD), RECORD[:-5]))),
    "chunks without end": then_close(raw(chunked(b"%x\r\n" % len(RECORD), RECORD, b"\r\n"))),
    "20 KB header": raw(head(200, "X: " + "x" * 20_000, body=RECORD)),
    "20 KB name": raw(head(200, "x" * 20_000 + ": x", body=RECORD)),
    "20 KB reason": raw(b"HTTP/1.1 200 " + b"x" * 20_000 + b"\r\n\r\n"),
    "no status": then_close(raw(RECORD)),
    "status of two digits": raw(head(99)),
    "another protocol": then_close(raw(b"SSH-2.0-OpenSSH_9.2\r\n")),
    "TLS": then_close(raw(b"\x15\x03\x01\x00\x02\x02\x28")),
    "nothing": then_close(raw(b"")),
    "half a head": then_close(raw(b"HTTP/1.1 200 OK\r\nContent-Le")),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
async def test_a_response_that_is_not_http_leaves_the_change_in_doubt(
    case: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    async with Wire(BROKEN[case]) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=FAST, timeout=2) as client:
            with pytest.raises((TransportError, ResponseDecodeError), match="applied"):
                await client.phones.add("u", "+441514960453")
            assert len(wire.requests) == 1
            with pytest.raises((TransportError, ResponseDecodeError)) as again:
                await client.phones.set_primary("u", "p")
    # If only the body is broken, the parser decides which error it is.
    is_in_doubt = isinstance(again.value, TransportError)
    assert is_in_doubt or case in ("length too short", "two lengths")
    assert (again.value.attempts, len(wire.requests)) == ((3, 4) if is_in_doubt else (1, 2))
    assert again.value.__context__ is again.value.__cause__ is None
    # The error quotes nothing from the response: it may be personal data of any length.
    shown = str(again.value) + "".join(record.getMessage() for record in caplog.records)
    assert "\n" not in str(again.value)
    assert len(str(again.value)) < 250
    assert not any(secret in shown for secret in ("441514960453", "creation_time", "xxxx", KEY))


@pytest.mark.parametrize("status", [101, 102, 199])
async def test_an_interim_response_alone_leaves_the_change_in_doubt(status: int) -> None:
    step = then_close(raw(head(status, "Upgrade: x", "Connection: Upgrade", length=-1)))
    async with Wire(step) as wire, MonoCloudClient(wire.url, KEY, retry=FAST) as client:
        with pytest.raises((APIError, TransportError), match="may have been applied"):
            await client.phones.add("u", "+441514960453")
    assert len(wire.requests) == 1


async def test_the_timeout_ends_a_flood_of_interim_responses() -> None:
    async def flood(writer: Writer) -> None:
        while not writer.is_closing():
            writer.write(head(100, length=-1) * 100)
            await writer.drain()
            await asyncio.sleep(0)

    async with Wire(flood) as wire:
        policy = RetryPolicy(max_attempts=1)
        async with MonoCloudClient(wire.url, KEY, timeout=0.3, retry=policy) as client:
            began = asyncio.get_running_loop().time()
            with pytest.raises(RequestTimeoutError, match="may have been applied"):
                await client.phones.set_primary("u", "p")
            assert asyncio.get_running_loop().time() - began < 2.0


async def test_the_timeout_ends_a_dripping_body() -> None:
    async def drip(writer: Writer) -> None:
        writer.write(head(200, length=10**6))
        while not writer.is_closing():
            writer.write(b" ")
            await writer.drain()
            await asyncio.sleep(0.001)

    async with Wire(drip) as wire:
        policy = RetryPolicy(max_attempts=1)
        async with MonoCloudClient(wire.url, KEY, timeout=0.3, retry=policy) as client:
            began = asyncio.get_running_loop().time()
            with pytest.raises(RequestTimeoutError, match="may have been applied"):
                await client.phones.set_primary("u", "p")
            assert asyncio.get_running_loop().time() - began < 2.0


async def test_the_deepest_allowed_record_is_fully_usable() -> None:
    deep: Any = []
    for _ in range(197):
        deep = [deep]
    async with Wire(answer(200, {"user_id": "u", "claims": {"deep": deep}})) as wire:
        async with MonoCloudClient(wire.url, KEY) as client:
            user = await client.users.get("u")
    assert user.to_dict()["claims"]["deep"] == deep
    assert pickle.loads(pickle.dumps(user)) == copy.deepcopy(user) == user
    assert User.from_dict(user.to_dict()) == user
    assert "[[[[" in repr(user.claims)
    assert repr(user) == "User(user_id='u')"
    assert "<th>deep</th>" in user._repr_html_()


# Errors keep their class, whatever the body

REFUSALS = [
    *(answer(0, body) for body in (b"", b"<html>", b"{", b"[]", b"null", b'"x"', b"\xff", b"NaN")),
    answer(0, b"[" * 100_000),
    answer(0, b'{"a":' * 100_000),
    answer(0, b'{"title": 7, "detail": [], "status": "200", "traceId": {}, "errors": 0}'),
    answer(0, b'{"title": "a", "title": "b"}'),
    answer(0, b'{"errors": [1, null, [], {"code": 7}], "type": []}'),
    answer(0, b'{"status": %s}' % (b"9" * 9999)),
    answer(0, b" " * (17 * MB)),
    answer(0, b"junk", Content_Encoding="gzip"),
    answer(0, b"junk", Content_Encoding="br"),
    answer(0, gzip.compress(b" " * (64 * MB)), Content_Encoding="gzip"),
    then_close(raw(head(0, body=b"{", length=100))),
    then_close(raw(head(0, "Transfer-Encoding: chunked", length=-1))),
]


@pytest.mark.parametrize("status", [404, 500])
@pytest.mark.parametrize("number", range(len(REFUSALS)))
async def test_an_error_keeps_the_class_of_its_status(status: int, number: int) -> None:
    kind = {404: NotFoundError, 500: ServerError}[status]

    async def step(writer: Writer) -> None:
        await REFUSALS[number](_Restatused(writer, status))

    async with Wire(step) as wire:
        async with MonoCloudClient(wire.url, KEY, retry=RetryPolicy(max_attempts=1)) as client:
            with pytest.raises(kind) as caught:
                await client.phones.set_primary("u", "p")
    assert caught.value.status == status
    assert caught.value.may_have_been_applied is (status == 500)
    assert "\n" not in str(caught.value)


class _Restatused:
    """Writes a response with another status than it was created with."""

    def __init__(self, writer: Writer, status: int) -> None:
        self._writer = writer
        self._status = b"HTTP/1.1 %d " % status

    def write(self, data: bytes) -> None:
        self._writer.write(data.replace(b"HTTP/1.1 0 ", self._status, 1))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._writer, name)


# Random bytes


async def test_random_bytes_end_in_a_record_or_an_sdk_error() -> None:
    chance = random.Random(20261124)
    sound = [head(200, body=RECORD), chunked(b"%x\r\n" % len(RECORD), RECORD, b"\r\n0\r\n\r\n"),
             head(200, "Content-Encoding: gzip", body=PACKED), head(404, body=b'{"title": "x"}'),
             head(100, length=-1) + head(200, "Connection: close", body=RECORD)]  # fmt: skip

    async def step(writer: Writer) -> None:
        data = bytearray(chance.choice(sound))
        for _ in range(chance.randint(1, 4)):
            at = chance.randrange(min(len(data), chance.choice([80, 4000])))
            junk = bytes(chance.choices(b'\0\r\n :;{}[]"0129aZ\xff', k=chance.randint(0, 3)))
            data[at : at + chance.randint(0, 2)] = junk
        writer.write(bytes(data[: chance.randint(1, 2 * len(data))]))
        await writer.drain()
        writer.close()

    outcomes: dict[str, int] = {}
    async with Wire(step) as wire:
        policy = RetryPolicy(max_attempts=1)
        async with MonoCloudClient(wire.url, KEY, timeout=5, retry=policy) as client:
            for _ in range(600):
                outcome = await _outcome(client)
                outcomes[outcome] = outcomes.get(outcome, 0) + 1
    assert len(wire.requests) == 600
    assert {"User", "NotFoundError", "TransportError", "ResponseDecodeError"} <= outcomes.keys()


async def _outcome(client: MonoCloudClient) -> str:
    (result,) = await asyncio.gather(client.phones.set_primary("u", "p"), return_exceptions=True)
    assert isinstance(result, (User, MonoCloudError))
    assert getattr(result, "__context__", None) is None
    return type(result).__name__


# Memory

FLOODED = """
import asyncio, re, sys
from monocloud_async import MonoCloudClient, MonoCloudError

def peak():
    with open("/proc/self/status") as status:
        return int(re.search(r"VmHWM:\\s+(\\d+)", status.read())[1]) // 1024

async def main():
    async with MonoCloudClient(sys.argv[1], "key") as client:
        await client.phones.set_primary("u", "p")
        before = peak()
        try:
            await client.phones.set_primary("u", "p")
        except MonoCloudError as error:
            print(peak() - before, type(error).__name__)

asyncio.run(main())
"""


def flood(piece: bytes, times: int, window: int) -> bytes:
    packer = zlib.compressobj(1, zlib.DEFLATED, window)
    return b"".join([packer.compress(piece) for _ in range(times)]) + packer.flush()


OBJECTS = b'{"user_id": "u", "claims": {"a": [%s1]}}'
FLOODS = {
    "gzip": lambda: coded("gzip", flood(b" " * MB, 300, 31)),
    "deflate": lambda: coded("deflate", flood(b" " * MB, 300, 15)),
    "raw deflate": lambda: coded("deflate", flood(b" " * MB, 300, -15)),
    "plain": lambda: answer(200, b" " * (100 * MB)),
    "empty objects": lambda: coded("gzip", gzip.compress(OBJECTS % (b"{}," * (25 * MB)), 1)),
    "empty objects, 15 MB": lambda: coded("gzip", gzip.compress(OBJECTS % (b"{}," * (5 * MB)), 1)),
    "bad items": lambda: answer(200, b'{"user_id": "u", "emails": [%s1]}' % (b"1," * 99_000)),
    "brackets": lambda: coded("gzip", gzip.compress(b"[" * (60 * MB), 1)),
    "an error": lambda: answer(404, flood(b" " * MB, 300, 31), Content_Encoding="gzip"),
}


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's /proc")
@pytest.mark.parametrize("case", FLOODS)
async def test_a_flood_does_not_fill_memory(case: str) -> None:
    async with Wire(answer(), FLOODS[case]()) as wire:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", FLOODED, wire.url, stdout=subprocess.PIPE
        )
        output, _ = await process.communicate()
    grown, error = output.decode().split()
    assert error == ("NotFoundError" if case == "an error" else "ResponseDecodeError")
    assert int(grown) < 60
    assert len(wire.requests) == 2
