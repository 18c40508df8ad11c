"""The tasks of an export's workers: read a page, or read a user."""

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
class PageRequest:
    """A request for a page.

    Attributes:
        window: the page's window.
        arrived: set when the page has arrived, or could not be read.
        page: the page, if it arrived.
        error: why it could not be read, if it could not.
        read_at: when it arrived.
    """

    window: Window
    arrived: asyncio.Event = attrs.field(factory=asyncio.Event)
    page: Page[Listed] | None = None
    error: MonoCloudError | None = None
    read_at: datetime | None = None


@attrs.frozen(eq=False)
class Complete:
    """Users that need no further requests."""

    rows: Sequence[Row]
    read_at: datetime


Task = PageRequest | Complete | Row


@attrs.define(eq=False)
class Read:
    """A user that was read."""

    row: Row
    exported: Exported


class Reading:
    """Reads pages and users.

    Args:
        caller: executes the operations.
        details: whether to read users one by one.
        groups: whether to read their groups.
        filter: a filter in the API's syntax. None exports all users.
        as_sent: whether to keep users as raw JSON instead of records.
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
        """Whether each user needs a request of its own."""
        return self.details or self.groups

    async def read(self, task: Task) -> Sequence[Read]:
        """Perform a task, and return the users that it completes."""
        if isinstance(task, PageRequest):
            await self._read_page(task)
            return ()
        if isinstance(task, Row):
            return [Read(task, await self._read_user(task))]
        return [Read(row, self._exported(user=row.user, read_at=task.read_at)) for row in task.rows]

    async def _read_page(self, request: PageRequest) -> None:
        window = request.window
        query: Mapping[str, str | int | None] = {
            "page": window.page,
            "size": window.size,
            "sort": _SORT,
            "filter": self.filter,
        }
        try:
            request.page = await self._call(self._list, query=query)
        except MonoCloudError as error:
            # The error is raised where the page is awaited.
            request.error = error
        request.read_at = _now()
        request.arrived.set()

    async def _read_user(self, row: Row) -> Exported:
        user_id, user = row.user_id, row.user
        # Users that an earlier run could not read are known by id only.
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
