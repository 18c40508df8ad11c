"""The group memberships of users."""

from datetime import datetime

import attrs

from ._record import AnswerRecord


@attrs.frozen(kw_only=True)
class UserGroup(AnswerRecord):
    """A user's membership in a group.

    Attributes:
        group_id: the group's id.
        user_id: the user's id.
        group_name: the group's name.
        creation_time: when the user joined.
    """

    group_id: str
    user_id: str | None = None
    group_name: str | None = None
    creation_time: datetime | None = None
