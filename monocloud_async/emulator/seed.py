"""The users that an emulator begins with."""

from __future__ import annotations

import codecs
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from .._address import segment
from .._json import parse
from ..errors import ConfigurationError, InvalidArgumentError, InvalidRecordError
from ..models import User

Json = dict[str, Any]
Seed = Sequence[Mapping[str, Any]] | str | os.PathLike[str]

# The first of the default users has two phones, of which this one is not the primary one.
USER_ID = "UOtBaOybB6dTpIJNrnkRw"
PHONE_ID = "ab66b6a2-df6b-4f9d-9eb2-5a7142984e70"
_DEFAULT = Path(__file__).with_name("seed.json")


def load(users: Seed | None) -> list[Json]:
    """Return the users to begin with, as JSON of their own.

    Args:
        users: the users; or the path of a JSON file with a list of them, or with an object that
            has such a list as its member ``users``; None for the default ones.

    Raises:
        ConfigurationError: they are none; the message says what is wrong, and where.
    """
    path = _DEFAULT if users is None else users
    if isinstance(path, (str, os.PathLike)):
        return _checked(_read(Path(path)), f"the seed file {os.fspath(path)!r}")
    return _checked(path, "the seed")


def _read(path: Path) -> object:
    try:
        # The file is its owner's, who may have made it as large as a whole tenant.
        return parse(path.read_bytes().removeprefix(codecs.BOM_UTF8), sys.maxsize)
    except OSError as error:
        reason = f"cannot be read: {error.strerror}"
    except (ValueError, RecursionError) as error:
        reason = f"is no JSON: {error}"
    raise ConfigurationError(f"the seed file {os.fspath(path)!r} {reason}")


def _checked(seed: object, source: str) -> list[Json]:
    users, path = seed, "$"
    if isinstance(users, Mapping):
        users, path = cast("Mapping[str, object]", users).get("users"), "$.users"
    if not isinstance(users, Sequence) or isinstance(users, (str, bytes)):
        raise ConfigurationError(f"{source} is no list of users at {path}")
    try:
        made = [_user(user, f"{path}[{n}]") for n, user in enumerate(cast("list[object]", users))]
        _check_ids(((user["user_id"], f"{path}[{n}].user_id") for n, user in enumerate(made)))
    except InvalidRecordError as error:
        raise ConfigurationError(f"{source} is wrong: {error} at {error.path}") from None
    return made


def _user(user: object, path: str) -> Json:
    try:
        made = cast("Json", json.loads(json.dumps(user, allow_nan=False)))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidRecordError(f"this is no JSON, {error},", path=path) from None
    try:
        User.from_dict(made)
    except InvalidRecordError as error:
        reason, _, _ = str(error).rpartition(" at $")
        raise InvalidRecordError(reason, path=path + error.path.removeprefix("$")) from None
    _check_phones(made.get("phone_numbers", []), f"{path}.phone_numbers")
    return made


def _check_phones(phones: list[Json], path: str) -> None:
    _check_ids((phone["id"], f"{path}[{n}].id") for n, phone in enumerate(phones))
    primary = [n for n, phone in enumerate(phones) if phone.get("primary")]
    if len(primary) > 1:
        raise InvalidRecordError("another primary phone", path=f"{path}[{primary[1]}].primary")


def _check_ids(ids: Iterable[tuple[str, str]]) -> None:
    seen: set[str] = set()
    for value, path in ids:
        try:
            segment("this", value)
        except InvalidArgumentError as error:
            reason, _, _ = str(error).rpartition("; ")
            raise InvalidRecordError(reason, path=path) from None
        if value in seen:
            raise InvalidRecordError(f"the id {value!r} again", path=path)
        seen.add(value)
