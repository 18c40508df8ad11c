"""Which function answers which operation, and how its result becomes an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import attrs

from .._operation import Operation
from .body import Body
from .listing import Listing, Question
from .reply import Reply
from .tenant import Tenant

F = TypeVar("F", bound=Callable[..., Any])


@attrs.frozen(eq=False)
class Handler:
    """What answers an operation.

    Attributes:
        function: takes the tenant, the ids of the path, and the members of the body as keywords;
            returns what is answered: JSON, all rows of a list, or None.
        status: the status, where there is something to answer.
        body: what it takes; None if nothing.
        listing: how its rows are chosen; None for other answers.
    """

    function: Callable[..., Any]
    status: int
    body: Body | None
    listing: Listing | None

    def act(
        self, ids: tuple[str, ...], fields: Mapping[str, Any], question: Question | None
    ) -> Callable[[Tenant], Any]:
        """Return what carries it out: a list gives the rows asked for, and where they are."""

        def act(tenant: Tenant) -> Any:
            result = self.function(tenant, *ids, **fields)
            return question.answer(result) if question else result

        return act

    def reply(self, result: Any) -> Reply:
        """Return the answer for what was done."""
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
    """Return the decorator of the function that answers an operation.

    Args:
        operation: the operation's declaration.
        status: the status of its success; where there is nothing to answer, it is 204.
        body: what it takes; None for what the function takes as its keyword arguments.
        listing: how its rows are chosen, where it is a list.
    """

    def register(function: F) -> F:
        handler = Handler(function, status, body or Body.of(function), listing)
        HANDLERS[operation.name] = handler
        return function

    return register
