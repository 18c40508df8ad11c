"""Register handlers for operations, and turn their results into replies."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from .._operation import Operation
from .body import Body
from .listing import Listing, ListQuery
from .reply import Reply
from .tenant import Tenant

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen(eq=False)
class Handler:
    """The handler of an operation.

    Attributes:
        function: takes the tenant, the ids of the path, and the members of the body as keywords;
            returns JSON, all rows of a list, or None.
        status: the status if there is something to return.
        body: the body that it accepts, if any.
        listing: how to page, sort and filter its rows; None if it is not a list.
    """

    function: Callable[..., Any]
    status: int
    body: Body | None
    listing: Listing | None

    def act(
        self, ids: tuple[str, ...], fields: Mapping[str, Any], query: ListQuery | None
    ) -> Callable[[Tenant], Any]:
        """Return the function to execute; for a list, it returns the requested page."""

        def act(tenant: Tenant) -> Any:
            result = self.function(tenant, *ids, **fields)
            return query.page_of(result) if query else result

        return act

    def reply(self, result: Any) -> Reply:
        """Return the reply for a result."""
        if result is None:
            return Reply(204, {}, b"")
        headers = {"Content-Type": "application/json"}
        if self.listing:
            result, paging = result
            headers["x-pagination"] = json.dumps(paging)
        return Reply(self.status, headers, json.dumps(result).encode())


HANDLERS: dict[str, Handler] = {}


def answers(
    operation: Operation[Any],
    *,
    status: int = 200,
    body: Body | None = None,
    listing: Listing | None = None,
) -> Callable[[F], F]:
    """Register the decorated function as an operation's handler.

    Args:
        operation: the operation's declaration.
        status: the status on success; 204 if there is nothing to return.
        body: the body that it accepts; None to derive it from the function's keyword arguments.
        listing: how to page, sort and filter its rows, if it is a list.
    """

    def register(function: F) -> F:
        handler = Handler(function, status, body or Body.of(function), listing)
        HANDLERS[operation.name] = handler
        return function

    return register
