"""The emulated tenant as code sees it, with or without async."""

from __future__ import annotations

import ipaddress
import logging
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from aiohttp import web

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
from .listener import LOOPBACK, Listener
from .problems import ProblemError
from .rate_limit import RateLimit
from .request_log import Counts, RecordedRequest, RequestLog
from .seed import Seed, load
from .service import Service, read
from .tenant import Tenant

_log = logging.getLogger("monocloud.emulator")


class Emulation(Additions):
    """An emulated tenant behind a port: its users, what goes wrong, and what it was asked."""

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
        """Prepare it; it listens when it is started.

        Args:
            users: what to begin with: a list of users, as the API's JSON; or an object with
                ``users``, ``groups``, ``sessions``, ``grants``, ``blocked_ips`` and ``passwords``,
                as seed.schema.json describes it; or the path of a JSON file with either; None for
                two users of its own, see ``USER_ID`` and ``PHONE_ID``.
            api_key: the key that it asks for.
            port: where it listens; 0 for a free port, another one at each start.
            faults: what goes wrong from the beginning.
            rate_limit: how many calls a second it serves; None for any number.
            journal: how many requests ``requests`` keeps; ``counts`` counts them all.
            clock: tells the time in seconds, from any start, for the rate limit.
            host: the address it listens on. With any other than a loopback one, other machines
                can reach it.
            tls: whether it speaks https, with a certificate of an authority of its own, see
                ``ca_file``; that needs the extra ``tls``.
            open_control: whether other machines, and names other than this one's, may use the
                paths under ``/_emulator`` and the page at ``/``.

        Stopping keeps the users and the record of requests; ``reset()`` does not.

        Raises:
            ConfigurationError: an argument cannot work; the message says why.
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
        """Where it listens, such as ``http://127.0.0.1:50123``."""
        return self._listener.url

    @property
    def api_key(self) -> str:
        """The key that it asks for."""
        return str(self._service.api_key)

    @property
    def ca_pem(self) -> str:
        """The certificate of its authority, which clients have to trust, as PEM.

        Raises:
            ConfigurationError: it has none, since it does not speak https.
        """
        return self._own_certificate().ca_pem

    @property
    def ca_file(self) -> Path:
        """A file with the certificate of its authority; it is removed at the end.

        Python trusts it with ``ssl.create_default_context(cafile=…)``, or with the environment
        variable ``SSL_CERT_FILE``; Node with ``NODE_EXTRA_CA_CERTS``.

        Raises:
            ConfigurationError: it has none, since it does not speak https.
        """
        return self._own_certificate().ca_file

    @property
    def faults(self) -> Faults:
        """What goes wrong: ``emulator.faults.add(Fault(status=503, times=2))``."""
        return self._service.faults

    @property
    def rate_limit(self) -> RateLimit | None:
        """The limit of calls a second; it can be set, and begins with a whole burst then."""
        return self._service.rate_limit

    @rate_limit.setter
    def rate_limit(self, limit: RateLimit | None) -> None:
        self._service.rate_limit = _checked_limit(limit)

    @property
    def requests(self) -> list[RecordedRequest]:
        """The last requests that came, the oldest first; the list may be cleared."""
        return self._service.log.requests

    @property
    def counts(self) -> Counts:
        """How many requests came and changes were carried out, also beyond the last requests."""
        return self._service.log.counts()

    @property
    def executions(self) -> int:
        """How many changes it carried out; what was refused or only read does not count."""
        return self._service.log.executions()

    def executions_of(self, operation: str) -> int:
        """Return how often it carried out one operation, such as ``phones.set_primary``."""
        return self._service.log.executions(operation)

    def export(self) -> list[dict[str, Any]]:
        """Return all users as the API's JSON; it is a copy, and can be the seed of another."""
        return self._service.tenant.export()

    def export_all(self) -> dict[str, Any]:
        """Return users, groups, sessions, grants and blocked addresses: the seed of another.

        Passwords are left out: nobody can read them.
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
        """Go back to the beginning: its users, its faults, its rate limit, and nothing counted."""
        self._service.reset()

    def __repr__(self) -> str:
        # What shows an error of __init__ with its variables shows one that is not set up.
        started = "_listener" in vars(self) and self._listener.started
        return f"Emulator({self.url!r})" if started else "Emulator(not started)"

    def _own_certificate(self) -> Certificate:
        if self._certificate is None:
            raise ConfigurationError("the emulator does not speak https: make it with tls=True")
        return self._certificate

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; what it says is done before anything of the answer goes out."""
        received, began = await read(request), time.perf_counter()
        if self._dashboard.serves(received):
            return await self._dashboard.answer(received, self.url)
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
    if not _is_loopback(host):
        _log.warning("the emulator listens on %s, where other machines can reach it", host)
    return host


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


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
