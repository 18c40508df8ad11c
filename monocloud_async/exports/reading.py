"""What the workers of an export do: each reads a page, or a user, when its turn has come."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timezone
from typing import Any

import attrs

from .._call import Caller
from .._operation import Operation, page_with
from ..errors import MonoCloudError
from ..models import UserGroup
from ..operations import groups, users
from ..pages import Page, Pages
from . import raw
from .exported import ExportedUser
from .raw import ExportedLine, Listed
from .row import Exported, Row
from .windows import Window

_SORT = "creation_time:1"
_GROUPS_PAGE = 50


def _list(read: Callable[[bytes], tuple[Listed, ...]]) -> Operation[Page[Listed]]:
    return Operation(users.LIST.name, "GET", users.LIST.path, page_with(read))


_IDS, _USERS, _RAW_USERS = _list(raw.ids), _list(raw.users), _list(raw.raw_users)
_RAW_USER = Operation(users.GET.name, "GET", users.GET.path, raw.raw_user)


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
    page: Page[Listed] | None = None
    error: MonoCloudError | None = None
    read_at: datetime | None = None


@attrs.frozen(eq=False)
class Complete:
    """Users for whom nothing has to be read any more."""

    rows: Sequence[Row]
    read_at: datetime


Task = Asked | Complete | Row


@attrs.define(eq=False)
class Read:
    """A user that was read."""

    row: Row
    exported: Exported


class Reading:
    """Reads pages and users.

    Args:
        caller: carries out the operations.
        details: whether users are read one by one.
        groups: whether their groups are read.
        filter: which users, in the API's own words; None for all.
        as_sent: whether users are kept as they are sent, and not made records of.
    """

    def __init__(
        self,
        caller: Caller,
        *,
        details: bool,
        groups: bool,
        filter: str | None,  # noqa: A002  (the API's name)
        as_sent: bool = False,
    ) -> None:
        self._caller = caller
        self._call = caller.call
        self.details = details
        self.groups = groups
        self.filter = filter
        self.as_sent = as_sent
        self._list = _IDS if details else _RAW_USERS if as_sent else _USERS
        self._get: Operation[Any] = _RAW_USER if as_sent else users.GET
        self._exported: Any = ExportedLine if as_sent else ExportedUser

    def _with_caller(self, caller: Caller) -> Reading:
        return Reading(
            caller,
            details=self.details,
            groups=self.groups,
            filter=self.filter,
            as_sent=self.as_sent,
        )

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
        return [Read(row, self._exported(user=row.user, read_at=task.read_at)) for row in task.rows]

    async def _read_page(self, asked: Asked) -> None:
        window = asked.window
        query: Mapping[str, str | int | None] = {
            "page": window.page,
            "size": window.size,
            "sort": _SORT,
            "filter": self.filter,
        }
        try:
            asked.page = await self._call(self._list, query=query)
        except MonoCloudError as error:
            # It is for the one who waits for the page to raise.
            asked.error = error
        asked.read_at = _now()
        asked.came.set()

    async def _read_user(self, row: Row) -> Exported:
        user_id, user = row.user_id, row.user
        # Of those that could not be read in an earlier run, no more is known.
        if self.details or user is None:
            user = await self._call(self._get, user_id)
        read_at = _now()
        exported: Exported = self._exported(
            user=user,
            groups=await self._groups_of(user_id) if self.groups else None,
            read_at=read_at,
        )
        return exported

    async def _groups_of(self, user_id: str) -> tuple[UserGroup, ...]:
        pages = Pages(
            lambda number: self._call(
                groups.LIST, user_id, query={"page": number, "size": _GROUPS_PAGE}
            )
        )
        return tuple(await pages.collect())


def _now() -> datetime:
    return datetime.now(timezone.utc)
