"""Outcome: what became of one row."""

from __future__ import annotations

import attrs

from ..errors import MonoCloudError
from ..models import User


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one row of a run.

    Attributes:
        index: the row's place among the rows, 0 for the first.
        user_id: the user's id, as given; empty where the row had none.
        identifier_id: the phone's id, as given, or as found by its number; None where there is
            none.
        phone: the phone's number, as given; None in rows of ids.
        user: the user as it is then; None where the row failed.
        error: why the row failed; None where it did not.
        attempts: the requests made for it, repeats and look-ups included; 0 where nothing was
            sent.
    """

    index: int
    user_id: str
    identifier_id: str | None = None
    phone: str | None = None
    user: User | None = None
    error: MonoCloudError | None = None
    attempts: int = 0
