"""How a command calls a method: for a list, for one answer, or after a yes."""

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
AsJson = Annotated[bool, typer.Option("--json", help="Print the API's whole record, for a pipe.")]
AsTable = Annotated[
    bool | None,
    typer.Option(
        "--table/--json",
        help="Print a table of some members, or whole records as JSON Lines; otherwise a table "
        "on a terminal, and JSON Lines elsewhere.",
    ),
]
Limit = Annotated[
    int | None, typer.Option(min=1, metavar="NUMBER", help="How many records to print, at most.")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask first.")]
IsDryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only read, and show what would be affected.")
]


@attrs.frozen
class CommandCall:
    """A call of a resource's method, before it is made.

    Attributes:
        client: the client that makes it.
        operation: the resource and its method, such as ``users.get``.
        does: what it does, as a sentence.
        arguments: the method's arguments, by name.
    """

    client: MonoCloudClient
    operation: str
    does: str
    arguments: Mapping[str, Any] = attrs.field(repr=False)

    @property
    def resource(self) -> Any:
        """The resource that has the method."""
        return getattr(self.client, self.operation.partition(".")[0])

    def made(self) -> Any:
        """Return what the method returns: a coroutine, or the pages of a list."""
        return getattr(self.resource, self.operation.partition(".")[2])(**self.arguments)

    def reading(self) -> Awaitable[Record]:
        """Return the call that reads what this one affects: its own record, or its user."""
        get = getattr(self.resource, "get", self.client.users.get)
        if set(inspect.signature(get).parameters) == set(self.arguments):
            return get(**self.arguments)
        return self.client.users.get(self.arguments["user_id"])


def call_one(call: CommandCall, *, as_json: AsJson = False) -> None:
    """Make a call, and print what it answers."""
    record = asyncio.run(answer_of(call.client, call.made()))
    with after_call():
        _show(call, record, as_json=as_json)


def call_list(call: CommandCall, *, limit: Limit = None, as_table: AsTable = None) -> None:
    """Read a list, and print each page when it is there."""
    show = _table() if (sys.stdout.isatty() if as_table is None else as_table) else _show_lines
    asyncio.run(_stream(call, limit, show))


def destroy(
    call: CommandCall, *, yes: Yes = False, dry_run: IsDryRun = False, as_json: AsJson = False
) -> None:
    """Make a call that cannot be undone, once a person or ``--yes`` says so."""
    if dry_run:
        return _preview(call, as_json=as_json)
    if not yes:
        ids = ", ".join(f"{name} {value}" for name, value in call.arguments.items())
        confirm(f"{call.does} ({ids}) Go on?")
    return call_one(call, as_json=as_json)


def _preview(call: CommandCall, *, as_json: bool) -> None:
    """Show what a call would affect, as far as the API lets it be read."""
    record = asyncio.run(answer_of(call.client, call.reading()))
    found = [record]
    if isinstance(record, User) and (resource := call.operation.partition(".")[0]) in PARTS:
        wanted = [value for name, value in call.arguments.items() if name != "user_id"]
        parts = [(part, part.to_dict().values()) for part in part_of(record, resource)]
        found = [part for part, values in parts if all(value in values for value in wanted)]
    if not found:
        fail(f"{call.operation}: the user has no such record; nothing was changed")
    for one in found:
        _show(call, one, as_json=as_json)
    typer.echo(f"Nothing was changed. Without --dry-run: {call.does}", err=True)


def _show(call: CommandCall, record: Record | None, *, as_json: bool) -> None:
    if record is not None and as_json:
        show_json(record.to_dict())
    elif record is not None:
        # Rich takes a while to import, which JSON need not wait for.
        from .tables import show_record

        show_record(call.operation, record)
    elif not as_json:
        typer.echo("Done.")


async def _stream(
    call: CommandCall, limit: int | None, show: Callable[[Sequence[Record]], None]
) -> None:
    async with call.client, aclosing(call.made().pages()) as pages:
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
    """Make a call, and close the client."""
    async with client:
        return await call
