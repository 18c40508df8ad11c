"""The emulator for code without async: a local MonoCloud for tests and demos."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, Final, TypeVar

import monocloud_async.emulator as aio
from monocloud_async import User
from monocloud_async._secret import concealed
from monocloud_async.emulator import (
    PHONE_ID,
    USER_ID,
    Counts,
    Fault,
    Faults,
    RateLimit,
    RecordedRequest,
)
from monocloud_async.emulator.seed import Seed

from ._blocking import blocking, close

__all__ = [
    "PHONE_ID",
    "USER_ID",
    "Counts",
    "Emulator",
    "Fault",
    "Faults",
    "RateLimit",
    "RecordedRequest",
]

E = TypeVar("E", bound="Emulator")


class Emulator:
    """A local MonoCloud: ``with Emulator() as emulator``.

    Args:
        users: the users to begin with, as the API's JSON; or the path of a JSON file with a list
            of them, or with an object that has such a list as its member ``users``; None for two
            users of its own, see ``USER_ID`` and ``PHONE_ID``.
        api_key: the key that it asks for.
        port: where it listens, on 127.0.0.1; 0 for a free port, another one at each start.
        faults: what goes wrong from the beginning.
        rate_limit: how many calls a second it serves; None for any number.
        journal: how many requests ``requests`` keeps; ``counts`` counts them all.
        clock: tells the time in seconds, from any start, for the rate limit.

    It serves from a thread of its own, and any thread may use it. Stopping keeps the users and
    the record of requests; ``reset()`` does not.

    Raises:
        ConfigurationError: an argument cannot work; the message says why.
    """

    def __init__(
        self,
        users: Seed | None = None,
        *,
        api_key: str = "emulator-key",
        port: int = 0,
        faults: Iterable[Fault] = (),
        rate_limit: RateLimit | None = None,
        journal: int = 10_000,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        api_key = concealed(api_key) or ""
        self._async = aio.Emulator(
            users,
            api_key=api_key,
            port=port,
            faults=faults,
            rate_limit=rate_limit,
            journal=journal,
            clock=clock,
        )

    start: Final = blocking(aio.Emulator.start)
    pause: Final = blocking(aio.Emulator.pause)
    resume: Final = blocking(aio.Emulator.resume)

    def close(self) -> None:
        """Stop listening, and end what is open; nothing happens if it is stopped already."""
        close(self._async.aclose)

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:50123``."""
        return self._async.url

    @property
    def api_key(self) -> str:
        """The key that it asks for."""
        return self._async.api_key

    @property
    def faults(self) -> Faults:
        """What goes wrong: ``emulator.faults.add(Fault(status=503, times=2))``."""
        return self._async.faults

    @property
    def rate_limit(self) -> RateLimit | None:
        """The limit of calls a second; it can be set, and begins with a whole burst then."""
        return self._async.rate_limit

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._async.rate_limit = limit

    @property
    def requests(self) -> list[RecordedRequest]:
        """The last requests that came, the oldest first; the list may be cleared."""
        return self._async.requests

    @property
    def counts(self) -> Counts:
        """How many requests came and changes were carried out, also beyond the last requests."""
        return self._async.counts

    @property
    def executions(self) -> int:
        """How many changes it carried out; what was refused or only read is none."""
        return self._async.executions

    def executions_of(self, operation: str) -> int:
        """Return how often it carried out one operation, such as ``phones.set_primary``."""
        return self._async.executions_of(operation)

    def export(self) -> list[dict[str, Any]]:
        """Return all users as the API's JSON; it is a copy, and can be the seed of another."""
        return self._async.export()

    def user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            KeyError: there is no such user.
        """
        return self._async.user(user_id)

    def reset(self) -> None:
        """Go back to the beginning: its users, its faults, its rate limit, and nothing counted."""
        self._async.reset()

    def __enter__(self: E) -> E:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._async) if "_async" in vars(self) else "Emulator(not started)"
