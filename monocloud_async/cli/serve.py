"""`monocloud emulator`: serve a local MonoCloud in the foreground."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shlex
import signal
import sys
from collections.abc import Callable, Generator, Iterable
from pathlib import Path
from typing import TypeVar, cast

from rich.text import Text

from .._json import parse
from .._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE
from ..emulator import Emulator, Fault, RateLimit
from ..emulator.access_log import access_log
from ..errors import ConfigurationError
from ..models import User
from .output import show, user_view

T = TypeVar("T")
_SHOWN_USERS = 20


def build_emulator(
    seed: Path | None,
    port: int,
    faults: Iterable[str],
    rate_limit: str | None,
    journal: int,
    host: str,
    *,
    tls: bool,
    open_control: bool,
) -> Emulator:
    """Build the emulator from the command's options.

    Args:
        seed: a file with the initial users.
        port: where to listen; 0 picks a free port.
        faults: faults to inject, each as JSON or the path of a file.
        rate_limit: the rate limit, as JSON or as text such as ``200/s``.
        journal: how many recent requests to keep.
        host: the address to listen on.
        tls: whether to serve https.
        open_control: whether other machines may use ``/_emulator``.

    Raises:
        ConfigurationError: an option is invalid; the message names it.
    """
    return Emulator(
        seed,
        port=port,
        faults=[fault for given in faults for fault in _faults(given)],
        rate_limit=None if rate_limit is None else _limit(rate_limit),
        journal=journal,
        host=host,
        tls=tls,
        open_control=open_control,
    )


async def serve(emulator: Emulator, *, log: bool) -> None:
    """Serve until SIGINT or SIGTERM, which count as success.

    Args:
        emulator: the emulator to serve.
        log: whether to print a line for each request to standard output.
    """
    stop = asyncio.Event()
    _on_signals(stop)
    with _logged_requests() if log else contextlib.nullcontext():
        async with emulator:
            _introduce(emulator)
            await stop.wait()


def _faults(given: str) -> list[Fault]:
    def faults_of(document: object) -> list[Fault]:
        documents = cast("list[object]", document) if isinstance(document, list) else [document]
        return [Fault.from_dict(item) for item in documents]

    source = "--fault" if _is_json(given) else f"--fault {given}"
    return _read(source, given if _is_json(given) else _content(source, given), faults_of)


def _limit(given: str) -> RateLimit:
    text = given if _is_json(given) else json.dumps(given)
    return _read("--rate-limit", text, RateLimit.from_dict)


def _read(source: str, text: str, build: Callable[[object], T]) -> T:
    try:
        return build(parse(text.encode()))
    except ConfigurationError as error:
        reason = str(error)
    except (ValueError, RecursionError) as error:
        reason = str(error)
    raise ConfigurationError(f"{source}: {reason}")


def _is_json(given: str) -> bool:
    return given.lstrip().startswith(("{", "["))


def _content(source: str, path: str) -> str:
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        reason = f"{error.strerror} (and not a JSON object either)"
    except ValueError:
        reason = "not a text file"
    raise ConfigurationError(f"{source}: {reason}")


def _on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        # Windows does not support signal handlers on the loop.
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)


def _introduce(emulator: Emulator) -> None:
    found = [User.from_dict(user) for user in emulator.export()]
    show(
        Text(
            f"Emulator running at {emulator.url} (press Ctrl-C to stop). "
            "To use it, paste into another terminal:\n"
        ),
        Text(f"export {DOMAIN_VARIABLE}={shlex.quote(emulator.url)}"),
        Text(f"export {API_KEY_VARIABLE}={shlex.quote(emulator.api_key)}\n"),
        Text(f"To watch it and to make calls fail, open {emulator.url}/ in a browser.\n"),
    )
    _show_trust(emulator)
    _warn(emulator)
    for user in found[:_SHOWN_USERS]:
        show(*user_view(user), "")
    if len(found) > _SHOWN_USERS:
        show(f"and {len(found) - _SHOWN_USERS} more users")


def _show_trust(emulator: Emulator) -> None:
    """Print how to trust the certificate, if the emulator serves https."""
    if not emulator.url.startswith("https:"):
        return
    file = shlex.quote(str(emulator.ca_file))
    show(
        Text("The certificate comes from a private CA. To make Python and Node trust it, paste:\n"),
        Text(f"export SSL_CERT_FILE={file} NODE_EXTRA_CA_CERTS={file}\n"),
    )


@contextlib.contextmanager
def _logged_requests() -> Generator[None, None, None]:
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    access_log.addHandler(handler)
    access_log.setLevel(logging.INFO)
    access_log.propagate = False
    try:
        yield
    finally:
        access_log.removeHandler(handler)
        access_log.setLevel(logging.NOTSET)
        access_log.propagate = True


def _warn(emulator: Emulator) -> None:
    """List the injected faults, so that nobody mistakes them for real failures."""
    for fault in emulator.faults:
        show(Text(f"Fault: {json.dumps(fault.to_dict())}"))
    if limit := emulator.rate_limit:
        show(Text(f"Rate limit: {limit.per_second:g} calls a second, burst {limit.burst}"))
    if len(emulator.faults) or limit:
        show("")
