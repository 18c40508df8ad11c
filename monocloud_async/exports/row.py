"""A user on the way through an export: in the list, and then done."""

from __future__ import annotations

from typing import Any

import attrs

from ..errors import MonoCloudError
from .exported import ExportedUser
from .raw import ExportedLine
from .seen import Key

Exported = ExportedUser | ExportedLine


@attrs.define(eq=False)
class Row:
    """A user in the list.

    Attributes:
        user_id: the user's id.
        key: what the user is known by.
        position: where in the list.
        number: which of the new ones it is, 0 for the first of all.
        user: the user, if nothing more has to be read of it.
    """

    user_id: str
    key: Key
    position: int
    number: int
    user: Any = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class Done:
    """What became of a user in the list.

    Attributes:
        row: the user in the list.
        exported: the user; None where there is nothing to be exported.
        error: why the user could not be read; a NotFoundError where the user has vanished; None
            also where the user was exported before.
    """

    row: Row
    exported: Exported | None = None
    error: MonoCloudError | None = None
