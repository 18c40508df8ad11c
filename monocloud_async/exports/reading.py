"""What the workers of an export do: each reads a page, or a user, when its turn has come."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from typing import cast

import attrs

from .._call import Caller
from .._operation import Operation, page_of
from ..errors import MonoCloudError
from ..models import User, UserGroup, UserSummary
from ..models._record import Record
from ..operations import groups, users
from ..pages import Page, Pages
from .exported import ExportedUser
from .row import Row
from .windows import Window

_SORT = "creation_time:1"
_GROUPS_PAGE = 50


@attrs.frozen(kw_only=True)
class _Listed(Record):
    """What has to be known of a user in the list whose details are read anyway."""

    user_id: str
    creation_time: datetime | None = None


_PATH = users.LIST.path
_IDS = Operation(users.LIST.name, "GET", _PATH, page_of(_Listed))
_USERS = Operation(users.LIST.name, "GET", _PATH, page_of(User))


@attrs.define(eq=False)
class Asked:
    """A page that was asked for.

    Attributes:
        window: which.
        came: is set when it came, or could not be read.
        page: the page, if it came.
        error: why it could not be read, if so.
        read_at: when it came.
    """

    window: Window
    came: asyncio.Event = attrs.field(factory=asyncio.Event)
    page: Page[UserSummary] | None = None
    error: MonoCloudError | None = None
    read_at: datetime | None = None


@attrs.frozen(eq=False)
class Listed:
    """Users for whom nothing has to be read any more."""

    rows: Sequence[Row]
    read_at: datetime


Task = Asked | Listed | Row


@attrs.frozen(eq=False)
class Read:
    """A user that was read."""

    row: Row
    exported: ExportedUser


class Reading:
    """Reads pages and users.

    Args:
        caller: carries out the operations.
        details: whether users are read one by one.
        groups: whether their groups are read.
        filter: which users, in the API's own words; None for all.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        details: bool,
        groups: bool,
        filter: str | None,  # noqa: A002  (the API's name)
    ) -> None:
        self._caller = caller
        self._call = caller.call
        self.details = details
        self.groups = groups
        self.filter = filter

    def _with_caller(self, caller: Caller) -> Reading:
        return Reading(caller, details=self.details, groups=self.groups, filter=self.filter)

    @property
    def one_by_one(self) -> bool:
        """Whether something has to be read for each user."""
        return self.details or self.groups

    async def read(self, task: Task) -> Sequence[Read]:
        """Read what a task is for, and return the users that are read by now."""
        if isinstance(task, Asked):
            await self._read_page(task)
            return ()
        if isinstance(task, Row):
            return [Read(task, await self._read_user(task))]
        return [Read(row, ExportedUser(user=row.user, read_at=task.read_at)) for row in task.rows]

    async def _read_page(self, asked: Asked) -> None:
        window = asked.window
        query: Mapping[str, str | int | None] = {
            "page": window.page,
            "size": window.size,
            "sort": _SORT,
            "filter": self.filter,
        }
        operation = cast("Operation[Page[UserSummary]]", _IDS if self.details else _USERS)
        try:
            asked.page = await self._call(operation, query=query)
        except MonoCloudError as error:
            # It is for the one who waits for the page to raise.
            asked.error = error
        asked.read_at = _now()
        asked.came.set()

    async def _read_user(self, row: Row) -> ExportedUser:
        user_id = row.user.user_id
        user = await self._call(users.GET, user_id) if self.details else row.user
        read_at = _now()
        return ExportedUser(
            user=user,
            groups=await self._groups_of(user_id) if self.groups else None,
            read_at=read_at,
        )

    async def _groups_of(self, user_id: str) -> tuple[UserGroup, ...]:
        pages = Pages(
            lambda number: self._call(
                groups.LIST, user_id, query={"page": number, "size": _GROUPS_PAGE}
            )
        )
        return tuple(await pages.collect())


def _now() -> datetime:
    return datetime.now(timezone.utc)
