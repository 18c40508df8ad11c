"""Trials of where the key and other secrets are sent."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import quote

import attrs

from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .bench import Bench, Trial, each, fresh
from .contenders import Contender
from .run import call_for, users

_IDS = ("..", ".", "../..", "a/b", "a?b", "a#b", "%2e%2e", "a%2Fb", "ü", "a b", "a;b", "")
_REDIRECTS = (301, 302, 303, 307, 308)


async def addresses(_: int) -> Trial:
    """Use ids with characters that have a meaning in URLs."""

    async def measure(contender: Contender) -> str:
        async with fresh(contender) as bench:
            for phone_id in _IDS:
                await call_for(attrs.evolve(bench.calls, set_primary=_to(bench, phone_id)), "", "u")
            meant = {f"/api/users/u/phones/{quote(i, safe='')}/primary" for i in _IDS if i}
            misdirected = [r for r in bench.emulator.requests if r.path not in meant]
        return f"{len(misdirected)} misdirected"

    def _to(bench: Bench, phone_id: str) -> Callable[[str, str], Awaitable[object]]:
        return lambda user_id, _: bench.calls.set_primary(user_id, phone_id)

    return Trial(f"{len(_IDS)} ids", await each(measure))


async def redirects(_: int) -> Trial:
    """Redirect calls to another server."""

    async def measure(contender: Contender) -> str:
        with Emulator(users(1), api_key="other") as other:
            where = {"Location": f"{other.url}/api/users/user-0"}
            faults = [Fault(status=status, headers=where, times=1) for status in _REDIRECTS]
            async with fresh(contender, *faults) as bench:
                await bench.call(1)
                for _ in _REDIRECTS[1:]:
                    await bench.call(1)
            keys = [request for request in other.requests if "X-API-KEY" in request.headers]
        return f"{len(keys)} keys forwarded"

    return Trial(f"{len(_REDIRECTS)} redirects", await each(measure))


async def cookies(_: int) -> Trial:
    """Let the server set cookies."""

    async def measure(contender: Contender) -> str:
        fault = Fault(headers={"Set-Cookie": "session=1; Path=/"})
        async with fresh(contender, fault, count=10) as bench:
            await bench.call(10, workers=1)
            sent = [request for request in bench.emulator.requests if "Cookie" in request.headers]
        return f"{len(sent)} sent back"

    return Trial("10 calls", await each(measure))


async def netrc(_: int) -> Trial:
    """Put a password for the server's host into .netrc."""

    async def measure(contender: Contender) -> str:
        async with fresh(contender, count=10) as bench:
            await bench.call(10)
            kept = bench.emulator.requests
            sent = [request for request in kept if "Authorization" in request.headers]
        return f"{len(sent)} passwords sent"

    before = os.environ.get("NETRC")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "netrc"
        file.write_text("machine 127.0.0.1 login me password secret\n")
        file.chmod(0o600)
        os.environ["NETRC"] = str(file)
        try:
            return Trial("10 calls", await each(measure))
        finally:
            _restore("NETRC", before)


def _restore(name: str, value: str | None) -> None:
    if value is None:
        del os.environ[name]
    else:
        os.environ[name] = value
