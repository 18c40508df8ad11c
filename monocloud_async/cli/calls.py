"""Run a command's API call: list records, print one record, or ask for confirmation first."""

from __future__ import annotations

import asyncio
import inspect
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from typing import Annotated, Any, TypeVar

import attrs
import typer

from ..client import MonoCloudClient
from ..models import Record, User
from .ending import after_call, fail, show_json
from .inputs import confirm
from .parts import PARTS, part_of

T = TypeVar("T")
AsJson = Annotated[bool, typer.Option("--json", help="Print the full record as JSON.")]
AsTable = Annotated[
    bool | None,
    typer.Option(
        "--table/--json",
        help="Print a table of the main fields, or full records as JSON Lines. Default: a table on "
        "a terminal, JSON Lines otherwise.",
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, metavar="NUMBER", help="Maximum number of records to print.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Skip the confirmation prompt.")]
IsDryRun = Annotated[
    bool, typer.Option("--dry-run", help="Show what would be affected; change nothing.")
]


@attrs.frozen
class CommandCall:
    """A pending call of a resource's method.

    Attributes:
        client: the client to call with.
        operation: the resource and its method, such as ``users.get``.
        description: one sentence that describes the call.
        arguments: the method's arguments, by name.
    """

    client: MonoCloudClient
    operation: str
    description: str
    arguments: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def resource(self) -> Any:
        """The resource that has the method."""
        return getattr(self.client, self.operation.partition(".")[0])

    def invoke(self) -> Any:
        """Return what the method returns: a coroutine, or the pages of a list."""
        return getattr(self.resource, self.operation.partition(".")[2])(**self.arguments)

    def read_affected(self) -> Awaitable[Record]:
        """Return the call that reads the affected record, or the user it belongs to."""
        get = getattr(self.resource, "get", self.client.users.get)
        if set(inspect.signature(get).parameters) == set(self.arguments):
            return get(**self.arguments)
        return self.client.users.get(self.arguments["user_id"])


def call_one(call: CommandCall, *, as_json: AsJson = False) -> None:
    """Make a call and print the result."""
    record = asyncio.run(answer_of(call.client, call.invoke()))
    with after_call():
        _show(call, record, as_json=as_json)


def call_list(call: CommandCall, *, limit: Limit = None, as_table: AsTable = None) -> None:
    """Read a list and print each page as it arrives."""
    show = _table() if (sys.stdout.isatty() if as_table is None else as_table) else _show_lines
    asyncio.run(_stream(call, limit, show))


def destroy(
    call: CommandCall, *, yes: Yes = False, dry_run: IsDryRun = False, as_json: AsJson = False
) -> None:
    """Make a call that cannot be undone, after a prompt or with ``--yes``."""
    if dry_run:
        return _preview(call, as_json=as_json)
    if not yes:
        ids = ", ".join(f"{name} {value}" for name, value in call.arguments.items())
        confirm(f"{call.description} ({ids}) Continue?")
    return call_one(call, as_json=as_json)


def _preview(call: CommandCall, *, as_json: bool) -> None:
    """Show what a call would affect, as far as the API can show it."""
    record = asyncio.run(answer_of(call.client, call.read_affected()))
    found = [record]
    if isinstance(record, User) and (resource := call.operation.partition(".")[0]) in PARTS:
        wanted = [value for name, value in call.arguments.items() if name != "user_id"]
        parts = [(part, part.to_dict().values()) for part in part_of(record, resource)]
        found = [part for part, values in parts if all(value in values for value in wanted)]
    if not found:
        fail(f"{call.operation}: the user has no such record; nothing was changed")
    for affected in found:
        _show(call, affected, as_json=as_json)
    typer.echo(f"Nothing was changed. Without --dry-run: {call.description}", err=True)


def _show(call: CommandCall, record: Record | None, *, as_json: bool) -> None:
    if record is not None and as_json:
        show_json(record.to_dict())
    elif record is not None:
        # Rich is slow to import, and JSON output does not need it.
        from .tables import show_record

        show_record(call.operation, record)
    elif not as_json:
        typer.echo("Done.")


async def _stream(
    call: CommandCall, limit: int | None, show: Callable[[Sequence[Record]], None]
) -> None:
    async with call.client, aclosing(call.invoke().pages()) as pages:
        async for page in pages:
            show(page.items[:limit])
            if limit is not None and (limit := limit - len(page.items)) <= 0:
                return


def _table() -> Callable[[Sequence[Record]], None]:
    from .tables import Rows

    return Rows().show


def _show_lines(records: Sequence[Record]) -> None:
    for record in records:
        show_json(record.to_dict(), indent=None)


async def answer_of(client: MonoCloudClient, call: Awaitable[T]) -> T:
    """Make a call, then close the client."""
    async with client:
        return await call
