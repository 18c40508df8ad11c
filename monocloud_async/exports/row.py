"""A user on the way through an export: in the list, and then done."""

from __future__ import annotations

from typing import Any

import attrs

from ..errors import MonoCloudError
from .exported import ExportedUser
from .seen import Key


@attrs.frozen(eq=False)
class Row:
    """A user in the list.

    Attributes:
        user: the user, as the list has it.
        key: what the user is known by.
        position: where in the list.
        number: which of the new ones it is, 0 for the first of all.
    """

    user: Any = attrs.field(repr=False)
    key: Key
    position: int
    number: int


@attrs.frozen(eq=False)
class Done:
    """What became of a user in the list.

    Attributes:
        row: the user in the list.
        exported: the user; None where there is nothing to be exported.
        error: why the user could not be read; a NotFoundError where the user has vanished; None
            also where the user was exported before.
    """

    row: Row
    exported: ExportedUser | None = None
    error: MonoCloudError | None = None
