"""Where a run takes place: on one machine or on a cluster, by its options and its input."""

from __future__ import annotations

import os
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from ...errors import ConfigurationError
from ..batch.content import STDIN
from .options import ClusterOptions

_MAGIC = "*?["
_PARQUET = (".parquet", ".parq", ".pq")
_PACKAGES = ("distributed", "dask", "pandas")
_HOW = "pass --workers NUMBER, or --scheduler ADDRESS; nothing was sent"


def is_on_cluster(options: ClusterOptions) -> bool:
    """Return whether the options name a cluster.

    Raises:
        ConfigurationError: they name two, or the extra is not installed.
    """
    if options.scheduler is not None and options.workers is not None:
        raise ConfigurationError(
            "--scheduler uses a cluster that exists, and --workers starts one; nothing was sent: "
            "pass one of them"
        )
    if options.scheduler is None and options.workers is None:
        return False
    if any(find_spec(name) is None for name in _PACKAGES):
        raise ConfigurationError(
            "a run on a cluster needs Dask; nothing was sent: run pip install 'monocloud[dask]'"
        )
    return True


def let_dask_log_errors_only() -> None:
    """Keep Dask's notes out of the output of a command, unless the user wants them.

    Call it before Dask is imported; its processes inherit the setting.
    """
    os.environ.setdefault("DASK_LOGGING__DISTRIBUTED", "error")


def one_file(options: ClusterOptions) -> tuple[str, Path | None]:
    """Return the input and the journal of a run on one machine.

    Raises:
        ConfigurationError: they need a cluster.
    """
    if options.tenants is not None:
        raise ConfigurationError(f"--tenants needs a cluster: {_HOW}")
    journal = options.journal
    if journal is not None and "://" in journal:
        raise ConfigurationError(
            f"--journal {journal} needs a cluster: {_HOW}. On one machine, the journal is a file"
        )
    return _one_of(options.rows), Path(journal) if journal else None


def _one_of(rows: Sequence[str]) -> str:
    if len(rows) > 1:
        raise ConfigurationError(f"{len(rows)} files need a cluster: {_HOW}")
    only = rows[0]
    path = Path(only)
    if only == STDIN:
        return only
    if path.is_file():
        if path.suffix.lower() in _PARQUET:
            raise ConfigurationError(f"{only} is a Parquet file, which needs a cluster: {_HOW}")
        return only
    if path.is_dir():
        raise ConfigurationError(
            f"{only} is a directory: pass a pattern of its files, such as '{path / '*.csv'}'. "
            f"Several files need a cluster: {_HOW}"
        )
    if "://" in only or any(character in only for character in _MAGIC):
        raise ConfigurationError(f"{only} may be several files, which need a cluster: {_HOW}")
    return only
