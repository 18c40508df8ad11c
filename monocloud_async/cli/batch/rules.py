"""Which rows may be resent, depending on the operation."""

from __future__ import annotations

import enum

import attrs


class Older(enum.Enum):
    """What happens to a failed row once a later row of the same user is done.

    Attributes:
        SENT: it is resent, as the rows are independent.
        SUPERSEDED: it is skipped, as the later row set the same value.
        HELD: it stays failed, as it may set more than the later row, or undo it.
    """

    SENT = "sent"
    SUPERSEDED = "superseded"
    HELD = "held"


@attrs.frozen
class Rules:
    """The rules for an operation's rows.

    Attributes:
        once: whether a row that may have been applied is ``UNKNOWN``; the journal then also records
            which rows were handed out.
        gone: whether such a row is resent, and done if its target no longer exists.
        older: what happens to a failed row once a later row of the same user is done.
        retry_unknown: whether other rows that may have been applied are resent anyway.
    """

    once: bool = False
    gone: bool = False
    older: Older = Older.SUPERSEDED
    retry_unknown: bool = False

    @property
    def resends_unknown(self) -> bool:
        """Whether rows that may have been applied are resent."""
        return self.gone or self.retry_unknown


SETS_VALUES = Rules()
