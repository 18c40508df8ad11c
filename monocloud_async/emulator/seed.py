"""Load an emulator's seed; seed.schema.json, next to this file, describes the format."""

from __future__ import annotations

import codecs
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from .._json import parse
from ..errors import ConfigurationError, InvalidRecordError
from .seed_check import checked
from .tenant_state import TenantState

Seed = Mapping[str, Any] | Sequence[Mapping[str, Any]] | str | os.PathLike[str]

# The first default user, and that user's non-primary phone.
USER_ID = "UOtBaOybB6dTpIJNrnkRw"
PHONE_ID = "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"
_PACKAGE = __name__.rpartition(".")[0]


def load(seed: Seed | None) -> TenantState:
    """Load a seed, copied.

    Args:
        seed: the users, or an object with users and more; or the path of a JSON file with either;
            None for the default users.

    Raises:
        ConfigurationError: the seed is invalid; the message says what is wrong, and where.
    """
    if seed is None:
        file = resources.files(_PACKAGE) / "seed.json"
        return _content(parse(file.read_bytes()), "the default seed")
    if isinstance(seed, (str, os.PathLike)):
        return _content(_read(Path(seed)), f"the seed file {os.fspath(seed)!r}")
    return _content(seed, "the seed")


def document_seed(document: object) -> TenantState:
    """Return the seed in a JSON document from someone else; unlike ``load``, it never reads a file.

    Raises:
        ConfigurationError: it is invalid; the message says what is wrong, and where.
    """
    return _content(document, "the seed")


def schema() -> str:
    """Return the JSON Schema of a seed file."""
    return (resources.files(_PACKAGE) / "seed.schema.json").read_text(encoding="utf-8")


def _read(path: Path) -> object:
    try:
        # No size limit: a seed may be as large as a whole tenant.
        return parse(path.read_bytes().removeprefix(codecs.BOM_UTF8), sys.maxsize)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        reason = f"cannot be read: {error}"
    raise ConfigurationError(f"the seed file {os.fspath(path)!r} {reason}")


def _content(seed: object, source: str) -> TenantState:
    try:
        return checked(seed, source)
    except InvalidRecordError as error:
        raise ConfigurationError(f"{source} is invalid: {error} at {error.path}") from None
