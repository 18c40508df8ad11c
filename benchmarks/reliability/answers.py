"""Trials with malformed responses."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

from monocloud_async import InvalidRecordError, User
from monocloud_async.emulator import Fault
from monocloud_sync.emulator import Emulator

from .bench import Trial
from .contenders import ASYNC, CONTENDERS, KEY, SYNC
from .run import users


async def flood(_: int) -> Trial:
    """Send 1 MiB that decompresses to 256 MiB; each client has its own process."""
    found: dict[str, str] = {}
    with Emulator(users(1), api_key=KEY, faults=[Fault(body="flood", after=1)]) as emulator:
        for name in CONTENDERS:
            emulator.reset()
            command = [sys.executable, "-m", f"{__package__}.flooded", name, emulator.url]
            grown = await asyncio.to_thread(subprocess.check_output, command)
            found[name] = f"{int(grown)} MB"
    return Trial("256 MiB", found)


async def records(_: int) -> Trial:
    """Replace each value of a record with values of other types."""
    wrong = [changed for user in Emulator().export() for changed in _changed(user, user)]
    coerced = sum(not _refused_or_kept(text) for text in wrong)
    found = dict.fromkeys((ASYNC, SYNC), f"{coerced} coerced")
    return Trial(f"{len(wrong)} changes", {**dict.fromkeys(CONTENDERS, "no records"), **found})


def _changed(user: object, part: object) -> list[str]:
    """Return the record as JSON, once for each change of a single value."""
    found: list[str] = []
    for key, value in list(part.items() if isinstance(part, dict) else enumerate(part)):  # type: ignore[arg-type]
        other: object
        for other in (None, 7, "false", True, 1.5, [], {}, [None]):
            part[key] = other  # type: ignore[index]
            found.append(json.dumps(user))
        part[key] = value  # type: ignore[index]
        if isinstance(value, (dict, list)):
            found += _changed(user, value)
    return found


def _refused_or_kept(text: str) -> bool:
    try:
        return json.dumps(User.from_dict(json.loads(text)).to_dict()) == text
    except InvalidRecordError:
        return True
