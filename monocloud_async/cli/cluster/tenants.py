"""The tenants of a run, and where workers find their API keys."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from ..._address import origin
from ..._json import parse
from ..._settings import domain_of
from ...dask.job import DEFAULT_SOURCE, checked_key_source, read_key
from ...errors import ConfigurationError
from ..settings import allows_insecure_http, make_client
from .options import ClusterOptions


def tenants_of(options: ClusterOptions) -> Mapping[str, str]:
    """Return where the API key of each tenant comes from, by domain.

    Raises:
        ConfigurationError: a setting is missing or invalid. The message shows no key.
    """
    tenants = _of_one(options) if options.tenants is None else _of_file(options)
    if options.scheduler is None and options.tenants is not None:
        # The workers inherit the environment and the files of this machine.
        for source in tenants.values():
            read_key(source)
    return tenants


def _of_one(options: ClusterOptions) -> Mapping[str, str]:
    if options.scheduler is None:
        # Checks the same settings as a run on one machine, with the same messages.
        make_client(options.domain, options.api_key_file, options.timeout, options.max_attempts)
    domain = domain_of(options.domain, allow_http=allows_insecure_http())
    if options.api_key_file is None:
        return {domain: DEFAULT_SOURCE}
    return {domain: f"file:{options.api_key_file.absolute()}"}


def _of_file(options: ClusterOptions) -> Mapping[str, str]:
    if options.domain is not None or options.api_key_file is not None:
        raise ConfigurationError(
            "--tenants names domains and keys; nothing was sent: remove --domain and --api-key-file"
        )
    path = cast("Path", options.tenants)
    given = _read(path)
    if not isinstance(given, dict) or not given:
        raise _refusal(path, 'it must be an object such as {"acme.us.monocloud.com": "env:ACME"}')
    for domain, source in cast("dict[str, Any]", given).items():
        try:
            origin(domain, allow_http=allows_insecure_http())
            checked_key_source(source)
        except ConfigurationError as error:
            raise _refusal(path, f"{domain}: {error}") from None
    return cast("dict[str, str]", given)


def _read(path: Path) -> object:
    try:
        return cast("object", parse(path.read_bytes()))
    except OSError as error:
        raise _refusal(path, str(error.strerror)) from None
    except (ValueError, RecursionError):
        # The reason might quote a key.
        raise _refusal(path, "it is not JSON") from None


def _refusal(path: Path, why: str) -> ConfigurationError:
    ending = "" if "nothing was sent" in why else "; nothing was sent"
    return ConfigurationError(f"--tenants {path}: {why}{ending}")
