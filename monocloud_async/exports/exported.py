"""The users that an export yields, and its report."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import attrs

from .._converter import epoch
from ..models import User, UserGroup


@attrs.frozen(kw_only=True)
class ExportedUser:
    """An exported user.

    Attributes:
        user: the complete user. If the export has no details, private and public data are empty.
        groups: the user's groups. None if the export does not include groups.
        read_at: when the user was read.
    """

    user: User
    groups: tuple[UserGroup, ...] | None = None
    read_at: datetime

    def to_dict(self) -> dict[str, Any]:
        """Return the user's JSON as the API sent it, with ``groups`` and ``read_at`` added.

        ``groups`` is a list of ids, and ``read_at`` is in whole seconds since 1970.
        """
        json = self.user.to_dict()
        if self.groups is not None:
            json["groups"] = [group.group_id for group in self.groups]
        json["read_at"] = int(epoch(self.read_at))
        return json


@attrs.define(kw_only=True)
class ExportReport:
    """The counts of an export; ``str()`` makes one line of them.

    Attributes:
        exported: users exported.
        vanished: users deleted after they were listed and before they were read.
        failed: users that could not be read for another reason.
        total_at_start: the size of the list when its first page was read. None before that.
        total_at_end: the size of the list when its last page was read.
        unlisted: how many more users the API counted than listed when its last page was read.
        gaps_closed: how often the export went back in the list because users were deleted.
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
        """Return further remarks, each preceded by a semicolon."""
        start, end = self.total_at_start, self.total_at_end
        moved = start is not None and end is not None and start != end
        parts = {
            f"{self.vanished:,} deleted before being read": self.vanished,
            f"{self.failed:,} could not be read": self.failed,
            f"the list had {start or 0:,} users at the start and {end or 0:,} at the end": moved,
            f"the API counts {self.unlisted:,} more than it lists": self.unlisted,
        }
        return "".join(f"; {part}" for part, applies in parts.items() if applies)
