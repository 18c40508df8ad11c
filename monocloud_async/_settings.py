"""The settings of a client: where each one comes from, and its validation."""

from __future__ import annotations

import os
import re
import ssl
from collections.abc import Mapping
from typing import Any, TypeVar

import aiohttp
import attrs
from yarl import URL

from . import _address
from ._call import Caller, Observer, Telemetry
from ._call.observer import default_telemetry
from ._http import RequestHeaders, Sessions, checked_headers, proxy_for
from ._secret import Secret, concealed
from .errors import ConfigurationError
from .hooks import RequestHook, ResponseHook
from .logs import enable_logging_from_environment
from .retry import RetryPolicy, is_number

DOMAIN_VARIABLE = "MONOCLOUD_MANAGEMENT_DOMAIN"
API_KEY_VARIABLE = "MONOCLOUD_MANAGEMENT_API_KEY"
TIMEOUT_VARIABLE = "MONOCLOUD_MANAGEMENT_TIMEOUT"
_DEFAULT_TIMEOUT = 10.0
F = TypeVar("F")
_KEY = re.compile(r"[\x21-\x7e]+")


def caller_for(
    domain: str | None,
    api_key: Secret | None,
    *,
    timeout: float | None,
    retry: RetryPolicy,
    max_connections: int,
    ssl_context: ssl.SSLContext | None,
    proxy: Secret | None,
    session: aiohttp.ClientSession | None,
    allow_insecure_http: bool,
    observer: Observer | None,
) -> Caller:
    """Return the caller for a client with these settings.

    Raises:
        ConfigurationError: a setting is missing or invalid; the message names it.
    """
    given = _setting("domain", domain, DOMAIN_VARIABLE)
    origin = _address.origin(*given, allow_http=allow_insecure_http is True)
    _check_instance("session", session, aiohttp.ClientSession)
    _check_instance("ssl_context", ssl_context, ssl.SSLContext)
    if session is not None and ssl_context is not None:
        raise ConfigurationError("pass the ssl_context to your session's connector instead")
    route = proxy_for(origin, proxy)
    key = checked_key(*_setting("api_key", api_key, API_KEY_VARIABLE))
    # Without a tunnel, the proxy receives each request itself.
    headers = RequestHeaders(key, route if origin.startswith("http:") else None)
    sessions = Sessions(
        max_connections=_count(max_connections),
        secure=origin.startswith("https:"),
        ssl_context=ssl_context,
        lent=session,
        direct=proxy == "",
    )
    seconds = _environment_timeout() if timeout is None else checked_timeout(timeout)
    enable_logging_from_environment()
    return Caller(
        sessions,
        URL(origin),
        headers,
        route,
        seconds,
        checked_policy(retry),
        observer=observer,
    )


def changed(
    caller: Caller,
    timeout: float | None,
    retry: RetryPolicy | None,
    headers: Mapping[str, str] | None,
    on_request: RequestHook | None,
    on_response: ResponseHook | None,
) -> Caller:
    """Return a caller with other options, on the same connections; None keeps the current value.

    Raises:
        ConfigurationError: an option is invalid.
    """
    current = caller.headers
    return attrs.evolve(
        caller,
        timeout=caller.timeout if timeout is None else checked_timeout(timeout),
        policy=caller.policy if retry is None else checked_policy(retry),
        headers=current if headers is None else current.extended(checked_headers(headers)),
        observer=with_hooks(caller.observer, on_request, on_response),
    )


def new_observer(
    on_request: RequestHook | None, on_response: ResponseHook | None, telemetry: Telemetry | None
) -> Observer | None:
    """Return the observer of a new client, or None if there is nothing to notify.

    Raises:
        ConfigurationError: a hook cannot be called, or telemetry cannot record.
    """
    recorder = default_telemetry() if telemetry is None else telemetry
    return with_hooks(None, on_request, on_response, recorder)


def with_hooks(
    observer: Observer | None,
    on_request: RequestHook | None,
    on_response: ResponseHook | None,
    telemetry: Telemetry | None = None,
) -> Observer | None:
    """Return the observer with these hooks added, or None if there is nothing to notify.

    Raises:
        ConfigurationError: a hook cannot be called.
    """
    if on_request is None and on_response is None and telemetry is None:
        return observer
    _check_telemetry(telemetry)
    before = observer or Observer()
    return Observer(
        (*before.on_request, *_hooks("on_request", on_request)),
        (*before.on_response, *_hooks("on_response", on_response)),
        before.telemetry if telemetry is None else telemetry,
    )


def _check_telemetry(telemetry: object) -> None:
    wanted = ("client_made", "call_began", "run_began")
    if telemetry is not None and not all(callable(getattr(telemetry, n, None)) for n in wanted):
        raise ConfigurationError(
            "telemetry must be an object that records calls, such as "
            f"monocloud_async.telemetry.OpenTelemetry(), not {type(telemetry).__name__}"
        )


def _hooks(name: str, hook: F | None) -> tuple[F, ...]:
    if hook is None:
        return ()
    if not callable(hook):
        raise ConfigurationError(f"{name} must be a function, not {type(hook).__name__}")
    return (hook,)


def _setting(name: str, given: object, variable: str) -> tuple[object, str]:
    """Return a setting, and the name of its source."""
    found, source = (os.environ.get(variable), variable) if given is None else (given, name)
    if found is None or found == "":
        raise ConfigurationError(f"{name} is missing: pass one, or set {variable}")
    return found, source


def domain_of(domain: str | None, *, allow_http: bool = False) -> str:
    """Return the tenant's origin, from the argument or the environment.

    Raises:
        ConfigurationError: it is missing or invalid.
    """
    return _address.origin(*_setting("domain", domain, DOMAIN_VARIABLE), allow_http=allow_http)


def checked_key(key: object, source: str) -> Secret:
    """Return a valid API key.

    Args:
        key: the key.
        source: where the key comes from, for the error message, which does not show the key.

    Raises:
        ConfigurationError: the key cannot be sent in a header.
    """
    key = concealed(key)
    if key is None or not _KEY.fullmatch(key):
        raise ConfigurationError(
            f"{source} must be a string of printable ASCII without spaces or line breaks; a key "
            "read from a file may need strip()"
        )
    return key


def _environment_timeout() -> float:
    text = os.environ.get(TIMEOUT_VARIABLE, "")
    if not text:
        return _DEFAULT_TIMEOUT
    if not re.fullmatch(r"[0-9]{1,9}", text) or int(text) == 0:
        raise ConfigurationError(
            f"{TIMEOUT_VARIABLE} must be a whole number of milliseconds, more than 0, not {text!r}"
        )
    return int(text) / 1000


def checked_timeout(value: object) -> float:
    """Return a valid timeout.

    Raises:
        ConfigurationError: the timeout is invalid.
    """
    if not is_number(value) or value <= 0:
        raise ConfigurationError(
            f"timeout must be a finite number of seconds, more than 0, not {value!r}"
        )
    return float(value)


def checked_policy(value: object) -> RetryPolicy:
    """Return a retry policy.

    Raises:
        ConfigurationError: the value is not a RetryPolicy.
    """
    if not isinstance(value, RetryPolicy):
        raise ConfigurationError(f"retry must be a RetryPolicy, not {type(value).__name__}")
    return value


def _count(value: object) -> int:
    if type(value) is not int or value < 1:
        raise ConfigurationError(f"max_connections must be 1 or more, not {value!r}")
    return value


def _check_instance(name: str, value: object, kind: type[Any]) -> None:
    if value is not None and not isinstance(value, kind):
        raise ConfigurationError(
            f"{name} must be of type {kind.__name__}, not {type(value).__name__}"
        )
