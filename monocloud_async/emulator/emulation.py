"""The emulator's interface for code, shared by the async and the blocking class."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

from .._address import is_loopback
from .._secret import Secret, concealed
from .._settings import checked_key
from ..errors import ConfigurationError
from ..models import User
from .access_log import note
from .additions import Additions
from .certificate import Certificate
from .control import control, is_control
from .dashboard import Dashboard
from .delivery import deliver
from .fault import Fault
from .faults import Faults
from .hint import hint, wants_hint
from .listener import LOOPBACK, Listener
from .problems import ProblemError
from .rate_limit import RateLimit
from .request_log import Counts, RecordedRequest, RequestLog
from .seed import Seed, load
from .service import Service, read
from .tenant import Tenant

_log = logging.getLogger("monocloud.emulator")


class Emulation(Additions):
    """An emulated tenant behind a port: its users, faults and recorded requests."""

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
        host: str = LOOPBACK,
        tls: bool = False,
        open_control: bool = False,
    ) -> None:
        """Create an emulator; it does not listen until it is started.

        Args:
            users: the initial users: a list in the API's JSON form; or an object with ``users``,
                ``groups``, ``sessions``, ``grants``, ``blocked_ips`` and ``passwords``, as
                described in seed.schema.json; or the path of a JSON file with either; None for two
                sample users, see ``USER_ID`` and ``PHONE_ID``.
            api_key: the API key that requests must send.
            port: the port to listen on; 0 for a free port, which differs at each start.
            faults: the initial faults.
            rate_limit: the initial rate limit; None for no limit.
            journal: how many requests ``requests`` keeps; ``counts`` counts them all.
            clock: returns a monotonic time in seconds, for the rate limit.
            host: the address to listen on. Unless it is a loopback address, other machines can
                connect.
            tls: whether to serve https, with a certificate from a private CA, see ``ca_file``;
                needs the extra ``tls``.
            open_control: whether the paths under ``/_emulator`` and the page at ``/`` are open to
                other machines and host names.

        Stopping keeps the users and the recorded requests; ``reset()`` discards them.

        Raises:
            ConfigurationError: an argument is invalid; the message says why.
        """
        api_key = concealed(api_key) or Secret()
        self._open_control = bool(open_control)
        self._service = Service(
            Tenant(load(users)),
            checked_key(api_key, "api_key"),
            Faults(faults),
            RequestLog(_checked_size(journal)),
            clock,
            _checked_limit(rate_limit),
        )
        self._dashboard = Dashboard(self._service, open_to_all=self._open_control)
        host, port = _checked_host(host), _checked_port(port)
        self._certificate = Certificate(host) if tls else None
        self._listener = Listener(self._serve, host, port, self._certificate)

    @property
    def url(self) -> str:
        """The base URL, such as ``http://127.0.0.1:50123``."""
        return self._listener.url

    @property
    def api_key(self) -> str:
        """The API key that requests must send."""
        return str(self._service.api_key)

    @property
    def ca_pem(self) -> str:
        """The certificate of its CA, which clients must trust, as PEM.

        Raises:
            ConfigurationError: the emulator does not serve https.
        """
        return self._own_certificate().ca_pem

    @property
    def ca_file(self) -> Path:
        """A file with the certificate of its CA; removed when the emulator stops.

        Python trusts it with ``ssl.create_default_context(cafile=…)``, or with the environment
        variable ``SSL_CERT_FILE``; Node with ``NODE_EXTRA_CA_CERTS``.

        Raises:
            ConfigurationError: the emulator does not serve https.
        """
        return self._own_certificate().ca_file

    @property
    def faults(self) -> Faults:
        """The faults: ``emulator.faults.add(Fault(status=503, times=2))``."""
        return self._service.faults

    @property
    def rate_limit(self) -> RateLimit | None:
        """The rate limit; setting it starts with a full burst."""
        return self._service.rate_limit

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._service.rate_limit = _checked_limit(limit)

    @property
    def requests(self) -> list[RecordedRequest]:
        """The recent requests, oldest first; you may clear the list."""
        return self._service.log.requests

    @property
    def counts(self) -> Counts:
        """The number of requests and executed changes, including requests no longer kept."""
        return self._service.log.counts()

    @property
    def executions(self) -> int:
        """The number of executed changes; rejected requests and reads do not count."""
        return self._service.log.executions()

    def executions_of(self, operation: str) -> int:
        """Return how often an operation, such as ``phones.set_primary``, was executed."""
        return self._service.log.executions(operation)

    def export(self) -> list[dict[str, Any]]:
        """Return a copy of all users in the API's JSON form, usable as a seed."""
        return self._service.tenant.export()

    def export_all(self) -> dict[str, Any]:
        """Return users, groups, sessions, grants and blocked addresses, usable as a seed.

        Passwords are left out, as only their hashes are known.
        """
        return self._service.tenant.content().to_dict()

    def user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            KeyError: the user does not exist.
        """
        try:
            return self._service.tenant.execute(
                lambda tenant: tenant.account(user_id).record, User.from_dict
            )
        except ProblemError as problem:
            raise KeyError(problem.detail) from None

    def reset(self) -> None:
        """Restore the initial users, faults and rate limit, and reset all counts."""
        self._service.reset()

    def __repr__(self) -> str:
        # A debugger may show an instance whose __init__ failed.
        started = "_listener" in vars(self) and self._listener.started
        return f"Emulator({self.url!r})" if started else "Emulator(not started)"

    def _own_certificate(self) -> Certificate:
        if self._certificate is None:
            raise ConfigurationError("the emulator does not serve https: create it with tls=True")
        return self._certificate

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Respond to one request; it is executed before any part of the response is sent."""
        received, began = await read(request), time.perf_counter()
        if self._dashboard.serves(received):
            return await self._dashboard.answer(received, self.url)
        if wants_hint(received):
            return await deliver(request, hint(self.url), None)
        if is_control(received.path):
            reply = control(self._service, received, open_to_all=self._open_control)
            return await deliver(request, reply, None)
        reply, fault = self._service.answer(received)
        try:
            response = await deliver(request, reply, fault)
        finally:
            note(received, reply, fault, time.perf_counter() - began)
        if fault is not None and fault.outage:
            self._listener.begin_outage(fault.outage)
        return response


def _checked_host(host: object) -> str:
    if not isinstance(host, str) or not host.strip() or "/" in host:
        raise ConfigurationError(f"host must be an address such as '127.0.0.1', not {host!r}")
    if not is_loopback(host):
        _log.warning("the emulator listens on %s, so other machines can connect", host)
    return host


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
