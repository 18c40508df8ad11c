"""The file that ties a journal to its job."""

from __future__ import annotations

import hashlib
import json
import secrets
from collections.abc import Mapping, Sequence
from typing import Any

import attrs

from .._address import origin
from ..errors import ConfigurationError
from .job import Job
from .kinds import kind_of
from .plan import bucket_counts
from .staging import StagedPiece
from .storage import Storage

_NAME = "job.json"
_FORMAT = 1


@attrs.frozen
class JobFile:
    """What a journal belongs to.

    Attributes:
        operation: the operation.
        origins: the tenants' origins.
        settings: a digest of what changes the meaning of a row, such as ``fixed``.
        pieces: the name, number of rows and digest of each piece of the input.
        buckets: the number of buckets of each tenant that has rows.
        began_at: when the first run started, in seconds since 1970.
        key: the hexadecimal key of the digests of personal data.
    """

    operation: str
    origins: Sequence[str]
    settings: str
    pieces: Sequence[tuple[str, int, str]]
    buckets: Mapping[int, int]
    began_at: float
    key: str = ""

    def to_json(self) -> bytes:
        """Return its content."""
        return json.dumps({"format": _FORMAT, **attrs.asdict(self)}, indent=1).encode()


def began_at(storage: Storage, now: float) -> float:
    """Return when the job started: now, if the journal is new.

    Raises:
        ConfigurationError: it is not a journal.
        JournalError: it cannot be read.
    """
    found = _read(storage)
    return found.began_at if found else now


def key_of(storage: Storage) -> str:
    """Return the hexadecimal key of the job's digests: a random one, if the journal is new.

    Raises:
        ConfigurationError: it is not a journal.
        JournalError: it cannot be read.
    """
    found = _read(storage)
    return found.key if found else secrets.token_hex(32)


def kept(storage: Storage, job: Job, pieces: Sequence[StagedPiece]) -> JobFile:
    """Write the file of a new journal, or check that an earlier one is of the same job.

    Raises:
        ConfigurationError: the journal belongs to another job, or another run has begun it since
            this one read its key.
        JournalError: it cannot be read or written.
    """
    wanted = JobFile(
        job.operation,
        [origin(domain, allow_http=True) for domain in job.domains],
        _settings(job),
        [(piece.name, piece.rows, piece.digest) for piece in pieces],
        bucket_counts(pieces),
        job.began_at,
        job.key,
    )
    found = _read(storage)
    if found is None:
        storage.write(_NAME, wanted.to_json())
        return wanted
    _compare(storage, job, found, wanted)
    if found.key != job.key:
        raise ConfigurationError(
            f"another run began this job in the journal {storage.url} while this run checked its "
            "rows; nothing was sent: run the same job again to resume that run"
        )
    return found


def _compare(storage: Storage, job: Job, found: JobFile, wanted: JobFile) -> None:
    if found.operation != wanted.operation:
        raise _refusal(storage, f"it belongs to {found.operation}, not {wanted.operation}")
    if found.origins != wanted.origins:
        given = ", ".join(found.origins[:5])
        raise _refusal(storage, f"it belongs to other tenants: {given}")
    if found.settings != wanted.settings:
        what = "an import with other settings"
        if not job.user_import:
            what = "the same operation with other fixed arguments"
        raise _refusal(storage, f"it belongs to {what}")
    # A file may have been moved, but its rows must be the same.
    if [piece[1:] for piece in found.pieces] != [piece[1:] for piece in wanted.pieces]:
        raise _refusal(storage, "it belongs to another input, or to an earlier version of this one")


def _refusal(storage: Storage, why: str) -> ConfigurationError:
    return ConfigurationError(
        f"the journal {storage.url} cannot be used: {why}; nothing was sent: use another journal "
        "directory, or what the first run was given"
    )


def _settings(job: Job) -> str:
    given = json.dumps(kind_of(job).settings, sort_keys=True)
    return hashlib.sha256(given.encode()).hexdigest()


def _read(storage: Storage) -> JobFile | None:
    if not storage.exists(_NAME):
        return None
    try:
        found: dict[str, Any] = json.loads(storage.read(_NAME))
        kind = found.pop("format")
        pieces = [(name, rows, digest) for name, rows, digest in found.pop("pieces")]
        buckets = {int(tenant): count for tenant, count in found.pop("buckets").items()}
        if kind == _FORMAT:
            return JobFile(pieces=pieces, buckets=buckets, **found)
    except (ValueError, TypeError, KeyError, AttributeError):
        pass
    raise _refusal(storage, f"{_NAME} is not that of a journal of this version")
