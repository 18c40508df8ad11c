"""A user's way through an export: listed, then done."""

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
        key: the key that identifies the user.
        position: the position in the list.
        number: the user's number among those exported, counting from 0.
        user: the user, if no further request is needed.
    """

    user_id: str
    key: Key
    position: int
    number: int
    user: Any = attrs.field(default=None, repr=False)


@attrs.define(eq=False)
class Done:
    """A finished user.

    Attributes:
        row: the user in the list.
        exported: the exported user. None if there is nothing to export.
        error: why the user could not be read; a NotFoundError if the user vanished. None if the
            user was exported, now or earlier.
    """

    row: Row
    exported: Exported | None = None
    error: MonoCloudError | None = None
