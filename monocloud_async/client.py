"""MonoCloudClient: its settings, its resources, its opening and closing."""

from __future__ import annotations

import os
import re
import ssl
from types import TracebackType
from typing import Any, TypeVar

import aiohttp
import attrs
from yarl import URL

from . import _address
from ._http import RequestHeaders, Sessions, proxy_for
from ._secret import Secret, concealed
from ._transport import Transport
from .errors import ConfigurationError
from .resources.phones import PhonesResource
from .resources.users import UsersResource
from .retry import RetryPolicy, is_number

C = TypeVar("C", bound="MonoCloudClient")
DOMAIN_VARIABLE = "MONOCLOUD_MANAGEMENT_DOMAIN"
API_KEY_VARIABLE = "MONOCLOUD_MANAGEMENT_API_KEY"
TIMEOUT_VARIABLE = "MONOCLOUD_MANAGEMENT_TIMEOUT"
_DEFAULT_TIMEOUT = 10.0
_KEY = re.compile(r"[\x21-\x7e]+")


class MonoCloudClient:
    """A client of one tenant's API; one serves a whole process, and any number of tasks.

    Args:
        domain: the tenant's domain, such as ``acme.us.monocloud.com``, or ``https://host:port``;
            if None, the environment's MONOCLOUD_MANAGEMENT_DOMAIN.
        api_key: the tenant's API key; if None, the environment's MONOCLOUD_MANAGEMENT_API_KEY.
        timeout: seconds for one attempt, from when it has a connection to the end of the body;
            if None, the environment's MONOCLOUD_MANAGEMENT_TIMEOUT, which is in milliseconds, or
            else 10 seconds.
        retry: how to repeat what failed.
        max_connections: calls on the wire at once; more wait for their turn.
        ssl_context: what to trust and to show; if None, the system's certificates.
        proxy: the URL of a proxy, "" for none; if None, what HTTPS_PROXY, ALL_PROXY and NO_PROXY
            say.
        session: an aiohttp session to use, and never to close; for one event loop.

    Nothing is sent, and no connection is made, before the first call.

    Raises:
        ConfigurationError: a setting is missing or cannot work; the message names it.
    """

    users: UsersResource
    phones: PhonesResource

    def __init__(
        self,
        domain: str | None = None,
        api_key: str | None = None,
        *,
        timeout: float | None = None,
        retry: RetryPolicy = RetryPolicy(),
        max_connections: int = 100,
        ssl_context: ssl.SSLContext | None = None,
        proxy: str | None = None,
        session: aiohttp.ClientSession | None = None,
    ) -> None:
        api_key, proxy = concealed(api_key), concealed(proxy)
        origin = _address.origin(*_setting("domain", domain, DOMAIN_VARIABLE))
        _instance("session", session, aiohttp.ClientSession)
        _instance("ssl_context", ssl_context, ssl.SSLContext)
        if session is not None and ssl_context is not None:
            raise ConfigurationError("give the ssl_context to the connector of your session")
        route = proxy_for(origin, proxy)
        key = checked_key(*_setting("api_key", api_key, API_KEY_VARIABLE))
        # Where there is no tunnel, the proxy gets no other request.
        headers = RequestHeaders(key, route if origin.startswith("http:") else None)
        sessions = Sessions(
            max_connections=_count(max_connections),
            secure=origin.startswith("https:"),
            ssl_context=ssl_context,
            lent=session,
            direct=proxy == "",
        )
        self._use(
            Transport(
                sessions,
                URL(origin),
                headers,
                route,
                _environment_timeout() if timeout is None else _timeout(timeout),
                _policy(retry),
            ),
            owner=True,
        )

    def _use(self, transport: Transport, *, owner: bool) -> None:
        self._transport = transport
        self._owner = owner
        self.users = UsersResource(transport)
        self.phones = PhonesResource(transport)

    def with_options(
        self: C, *, timeout: float | None = None, retry: RetryPolicy | None = None
    ) -> C:
        """Return a view of this client with other limits, on the same connections.

        Args:
            timeout: seconds for one attempt; None keeps this client's.
            retry: how to repeat what failed; None keeps this client's.

        Closing the view leaves the client open.

        Raises:
            ConfigurationError: a limit cannot work.
        """
        mine = self._transport
        view = type(self).__new__(type(self))
        view._use(
            attrs.evolve(
                mine,
                timeout=mine.timeout if timeout is None else _timeout(timeout),
                policy=mine.policy if retry is None else _policy(retry),
            ),
            owner=False,
        )
        return view

    async def aclose(self) -> None:
        """Close the connections; later calls are refused, and a second close does nothing."""
        if self._owner:
            await self._transport.sessions.aclose()

    def _refuse_calls(self) -> bool:
        """Begin what ``aclose`` does, on any thread, and return whether it has more to do."""
        return self._owner and self._transport.sessions.refuse()

    async def __aenter__(self: C) -> C:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        # What shows an error of __init__ with its variables shows a client that is not set up.
        origin = str(self._transport.origin) if "_transport" in vars(self) else None
        return f"{type(self).__name__}({origin!r})"

    def __reduce__(self) -> Any:
        raise TypeError(
            "a client is neither pickled nor copied, for its API key's sake: "
            "make one in the process that uses it"
        )


def _setting(name: str, given: object, variable: str) -> tuple[object, str]:
    """Return a setting, and what to call it by: where it comes from."""
    found, source = (os.environ.get(variable), variable) if given is None else (given, name)
    if found is None or found == "":
        raise ConfigurationError(f"there is no {name}: give one, or set {variable}")
    return found, source


def checked_key(key: object, source: str) -> Secret:
    """Return an API key that can be sent.

    Args:
        key: the key.
        source: where it comes from, for the message, which does not show the key.

    Raises:
        ConfigurationError: it would break the header that it is sent in.
    """
    key = concealed(key)
    if key is None or not _KEY.fullmatch(key):
        raise ConfigurationError(
            f"{source} must be a string of printable ASCII without blanks or line breaks; one "
            "read from a file may have to be stripped"
        )
    return key


def _environment_timeout() -> float:
    said = os.environ.get(TIMEOUT_VARIABLE, "")
    if not said:
        return _DEFAULT_TIMEOUT
    if not re.fullmatch(r"[0-9]{1,9}", said) or int(said) == 0:
        raise ConfigurationError(
            f"{TIMEOUT_VARIABLE} must be a whole number of milliseconds, more than 0, not {said!r}"
        )
    return int(said) / 1000


def _timeout(value: object) -> float:
    if not is_number(value) or value <= 0:
        raise ConfigurationError(
            f"timeout must be a finite number of seconds, more than 0, not {value!r}"
        )
    return float(value)


def _policy(value: object) -> RetryPolicy:
    if not isinstance(value, RetryPolicy):
        raise ConfigurationError(f"retry must be a RetryPolicy, not {type(value).__name__}")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"max_connections must be 1 or more, not {value!r}")
    return value


def _instance(name: str, value: object, kind: type[Any]) -> None:
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(
            f"{name} must be of type {kind.__name__}, not {type(value).__name__}"
        )
