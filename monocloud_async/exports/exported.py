"""What an export yields, and what it has come to."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from .._converter import epoch
from ..models import User, UserGroup


@attrs.frozen(kw_only=True)
class ExportedUser:
    """A user of an export.

    Attributes:
        user: the user, whole; without details, as lists have it: both kinds of data are empty.
        groups: the groups that the user is in; None where they were not asked for.
        read_at: when the user was read.
    """

    user: User
    groups: tuple[UserGroup, ...] | None = None
    read_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return the user's JSON as the API sent it, with ``groups`` and ``read_at``.

        The groups are their ids, and the time is whole seconds since 1970.
        """
        json = self.user.to_dict()
        if self.groups is not None:
            json["groups"] = [group.group_id for group in self.groups]
        json["read_at"] = int(epoch(self.read_at))
        return json


@attrs.define(kw_only=True)
class ExportReport:
    """What an export has come to.

    Attributes:
        exported: users that were exported.
        vanished: users that were in the list, and were gone when they were to be read.
        failed: users that could not be read for another reason.
        total_at_start: how many users the list had when its first page was read; None before.
        total_at_end: how many it had when its last page was read.
        unlisted: how many users more than it listed the API counted when its last page was read.
        gaps_closed: how often users that were removed made the export go back in the list.
    """

    exported: int = 0
    vanished: int = 0
    failed: int = 0
    total_at_start: int | None = None
    total_at_end: int | None = None
    unlisted: int = 0
    gaps_closed: int = 0

    def __str__(self) -> str:
        return f"{self.exported:,} users exported{self.remarks()}"

    def remarks(self) -> str:
        """Return what else is to be said, each after a semicolon."""
        start, end = self.total_at_start, self.total_at_end
        moved = start is not None and end is not None and start != end
        parts = {
            f"{self.vanished:,} were removed before they could be read": self.vanished,
            f"{self.failed:,} could not be read": self.failed,
            f"the list had {start or 0:,} users at the start and {end or 0:,} at the end": moved,
            f"the API counts {self.unlisted:,} more than it lists": self.unlisted,
        }
        return "".join(f"; {part}" for part, told in parts.items() if told)
