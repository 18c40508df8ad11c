"""Emulator: the tenant behind a loopback port, and what it was asked."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any, TypeVar

from aiohttp import web

from .._secret import Secret, concealed
from .._settings import checked_key
from ..errors import ConfigurationError
from ..models import User
from .control import control, is_control
from .delivery import deliver
from .fault import Fault
from .faults import Faults
from .journal import Counts, Journal, RecordedRequest
from .listener import Listener
from .problems import ProblemError
from .rate_limit import RateLimit, TokenBucket
from .seed import Seed, load
from .service import Service, read
from .tenant import Tenant

E = TypeVar("E", bound="Emulator")


class Emulator:
    """A local MonoCloud: ``async with Emulator() as emulator``.

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

    Stopping keeps the users and the record of requests; ``reset()`` does not.

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
        api_key = concealed(api_key) or Secret()
        self._clock = clock
        self._first_limit = _checked_limit(rate_limit)
        self._service = Service(
            Tenant(load(users)),
            checked_key(api_key, "api_key"),
            Faults(faults),
            Journal(_checked_size(journal)),
            self._bucket(rate_limit),
        )
        self._listener = Listener(self._serve, _checked_port(port))

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:50123``."""
        return self._listener.url

    @property
    def api_key(self) -> str:
        """The key that it asks for."""
        return str(self._service.api_key)

    @property
    def faults(self) -> Faults:
        """What goes wrong: ``emulator.faults.add(Fault(status=503, times=2))``."""
        return self._service.faults

    @property
    def rate_limit(self) -> RateLimit | None:
        """The limit of calls a second; it can be set, and begins with a whole burst then."""
        bucket = self._service.bucket
        return bucket.limit if bucket else None

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._service.bucket = self._bucket(_checked_limit(limit))

    @property
    def requests(self) -> list[RecordedRequest]:
        """The last requests that came, the oldest first; the list may be cleared."""
        return self._service.journal.requests

    @property
    def counts(self) -> Counts:
        """How many requests came and changes were carried out, also beyond the last requests."""
        return self._service.journal.counts()

    @property
    def executions(self) -> int:
        """How many changes it carried out; what was refused or only read is none."""
        return self._service.journal.executions()

    def executions_of(self, operation: str) -> int:
        """Return how often it carried out one operation, such as ``phones.set_primary``."""
        return self._service.journal.executions(operation)

    def export(self) -> list[dict[str, Any]]:
        """Return all users as the API's JSON; it is a copy, and can be the seed of another."""
        return self._service.tenant.export()

    def user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            KeyError: there is no such user.
        """
        try:
            return User.from_dict(self._service.tenant.user(user_id))
        except ProblemError as problem:
            raise KeyError(problem.detail) from None

    def reset(self) -> None:
        """Go back to the beginning: its users, its faults, its rate limit, and nothing counted."""
        self._service.tenant.reset()
        self._service.journal.reset()
        self._service.faults.reset()
        self._service.bucket = self._bucket(self._first_limit)

    async def start(self) -> None:
        """Listen; nothing happens if it does already.

        Raises:
            ConfigurationError: the port is not to be had.
        """
        await self._listener.start()

    async def pause(self) -> None:
        """Refuse connections, and reset those that are open, until ``resume``."""
        await self._listener.pause()

    async def resume(self) -> None:
        """Listen again, on the same port; nothing happens if it does already."""
        await self._listener.resume()

    async def aclose(self) -> None:
        """Stop listening, and end what is open; nothing happens if it is stopped already."""
        await self._listener.aclose()

    async def __aenter__(self: E) -> E:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        # What shows an error of __init__ with its variables shows one that is not set up.
        started = "_listener" in vars(self) and self._listener.started
        return f"Emulator({self.url!r})" if started else "Emulator(not started)"

    def _bucket(self, limit: RateLimit | None) -> TokenBucket | None:
        return TokenBucket(limit, self._clock) if limit else None

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; what it says is done before anything of the answer goes out."""
        asked = await read(request)
        if is_control(asked.path):
            return await deliver(request, control(self, asked), None)
        answer, fault = self._service.answer(asked)
        response = await deliver(request, answer, fault)
        if fault is not None and fault.outage:
            self._listener.begin_outage(fault.outage)
        return response


def _checked_port(port: object) -> int:
    if type(port) is not int or not 0 <= port < 65536:
        raise ConfigurationError(f"port must be a whole number from 0 to 65535, not {port!r}")
    return port


def _checked_size(journal: object) -> int:
    if type(journal) is not int or journal < 0:
        raise ConfigurationError(f"journal must be a whole number, 0 or more, not {journal!r}")
    return journal


def _checked_limit(limit: object) -> RateLimit | None:
    if limit is not None and not isinstance(limit, RateLimit):
        raise ConfigurationError(
            f"rate_limit must be a RateLimit, such as RateLimit(200, burst=20), not {limit!r}"
        )
    return limit
