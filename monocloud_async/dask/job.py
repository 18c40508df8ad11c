"""Job: what a batch on a cluster does, without any secret."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import attrs

from .._address import origin
from .._secret import Secret
from .._settings import API_KEY_VARIABLE, checked_key, checked_timeout
from ..bulk.run import check_limits
from ..errors import ConfigurationError
from ..imports.settling import Settings
from ..retry import RetryPolicy

DEFAULT_SOURCE = f"env:{API_KEY_VARIABLE}"
# The names of buckets have five digits.
# Rows are staged by slot. It is also the most buckets of a tenant.
SLOTS = 1024
_MOST_SLOTS = 100_000
_SOURCE = re.compile(r"env:[A-Za-z_][A-Za-z0-9_]*|file:.+", re.DOTALL)


def checked_key_source(source: object) -> str:
    """Return where an API key comes from.

    Args:
        source: ``env:NAME`` or ``file:PATH``.

    Raises:
        ConfigurationError: it is something else, perhaps a key. The message does not show it.
    """
    if isinstance(source, str) and _SOURCE.fullmatch(source):
        return source
    raise ConfigurationError(
        "a tenant's API key must be given as env:NAME or file:PATH, which each worker reads; "
        "nothing was sent: a key itself would be visible in the cluster"
    )


def read_key(source: str) -> Secret:
    """Return the API key from a source, in the process that uses it.

    Args:
        source: ``env:NAME`` or ``file:PATH``.

    Raises:
        ConfigurationError: there is no key; the message names the variable or the file.
    """
    kind, _, place = checked_key_source(source).partition(":")
    if kind == "env":
        key = os.environ.get(place)
        if not key:
            raise ConfigurationError(
                f"{place} is not set on a worker; nothing was sent: set it in the environment of "
                "all workers, or use file:PATH"
            )
        return checked_key(key, place)
    return checked_key(_content(place), f"{place}: the key")


def _content(place: str) -> Secret:
    try:
        return Secret(Path(place).read_text(encoding="utf-8").strip())
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not a text file"
        raise ConfigurationError(
            f"cannot read the API key from {place} on a worker: {why}; nothing was sent: put the "
            "file on all workers, or use env:NAME"
        ) from None


def _check_different(domains: Iterable[str]) -> None:
    origins: dict[str, str] = {}
    for domain in domains:
        found = origin(domain, allow_http=True)
        if other := origins.get(found):
            raise ConfigurationError(
                f"{other} and {domain} are the same tenant; nothing was sent: remove one"
            )
        origins[found] = domain


def _sorted(tenants: Mapping[str, str]) -> Mapping[str, str]:
    return {name: checked_key_source(source) for name, source in sorted(tenants.items())}


@attrs.frozen
class UserImport:
    """What an import does with its rows.

    Attributes:
        settings: the settings shared by all rows.
        groups: group ids by name.
    """

    settings: Settings = attrs.field(factory=Settings)
    groups: Mapping[str, str] = attrs.field(factory=dict[str, str])


@attrs.frozen(kw_only=True)
class Job:
    """What a batch on a cluster does; it holds no API key and can be pickled.

    Attributes:
        operation: the operation, such as ``users.disable``.
        tenants: where each tenant's API key comes from, by domain; sorted by domain.
        by_domain: whether each row names its tenant in a column ``domain``.
        journal: the URL of the journal's directory.
        storage_options: the options of the journal's file system.
        slots: the number of slots that each tenant's rows are staged in.
        fixed: arguments for all rows, as ``name=value``.
        null: the cell text that clears a value.
        ignored: columns to ignore silently.
        concurrency: the maximum number of calls in flight for one bucket.
        rate: the maximum number of calls per second and tenant. None discovers the limit.
        timeout: the timeout of one attempt in seconds. None for the default.
        max_attempts: the maximum number of attempts per call.
        retry_unknown: whether to resend rows that may have been applied.
        answers: whether to keep what each call returned.
        show_secrets: whether that includes secrets such as password reset links.
        allow_insecure_http: whether the key may go to other machines unencrypted.
        only_checks: whether to check the rows and stage none.
        began_at: when the first run of the job started, in seconds since 1970.
        staging: the directory in the journal where this run's rows are staged.
        key: the hexadecimal key of the digests of personal data.
        user_import: what the import does with its rows, if the job is an import.

    Raises:
        ConfigurationError: a value is invalid.
        InvalidArgumentError: the same for ``concurrency`` and ``rate``.
    """

    operation: str
    tenants: Mapping[str, str] = attrs.field(converter=_sorted)
    by_domain: bool = False
    journal: str
    storage_options: Mapping[str, Any] = attrs.field(factory=dict[str, Any], repr=False)
    slots: int = SLOTS
    fixed: Sequence[str] = ()
    null: str | None = None
    ignored: Sequence[str] = ()
    concurrency: int = 32
    rate: float | None = None
    timeout: float | None = None
    max_attempts: int = 8
    retry_unknown: bool = False
    answers: bool = False
    show_secrets: bool = False
    allow_insecure_http: bool = False
    only_checks: bool = False
    began_at: float = 0.0
    staging: str = "rows"
    key: str = attrs.field(default="", repr=False)
    user_import: UserImport | None = None

    def __attrs_post_init__(self) -> None:
        check_limits(self.concurrency, self.rate)
        if not self.tenants:
            raise ConfigurationError("a job needs a tenant's domain; nothing was sent: pass one")
        RetryPolicy(max_attempts=self.max_attempts)
        if self.timeout is not None:
            checked_timeout(self.timeout)
        if type(self.slots) is not int or not 0 < self.slots <= _MOST_SLOTS:
            raise ConfigurationError(
                f"slots must be a whole number from 1 to {_MOST_SLOTS:,}, not "
                f"{self.slots!r}; nothing was sent"
            )
        if self.show_secrets and not self.answers:
            raise ConfigurationError("show_secrets needs answers=True; nothing was sent")
        _check_different(self.tenants)

    @property
    def domains(self) -> tuple[str, ...]:
        """The tenants' domains; a tenant's number is its position."""
        return tuple(self.tenants)
