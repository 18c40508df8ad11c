"""What may be done with a row again, by the operation that it is of."""

from __future__ import annotations

import enum

import attrs


class Older(enum.Enum):
    """What becomes of a row that failed, once a later one of its user is done.

    Attributes:
        SENT: it is sent again: the two have nothing to do with each other.
        SUPERSEDED: it is not: the later one set the same value, which must not change back.
        HELD: it is not, and stays failed: it may set more than the later one, or change it back.
    """

    SENT = "sent"
    SUPERSEDED = "superseded"
    HELD = "held"


@attrs.frozen
class Rules:
    """What holds for the rows of an operation.

    Attributes:
        once: whether it matters that a row may have been applied: it is ``UNKNOWN`` then, and the
            journal knows which rows were given out.
        gone: whether such a row is sent again, and done if what it removes is not there.
        older: what becomes of a row that failed, once a later one of its user is done.
        retry_unknown: whether other rows that may have been applied are sent again after all.
    """

    once: bool = False
    gone: bool = False
    older: Older = Older.SUPERSEDED
    retry_unknown: bool = False

    @property
    def resends_unknown(self) -> bool:
        """Whether rows that may have been applied are sent again."""
        return self.gone or self.retry_unknown


SETS_VALUES = Rules()
