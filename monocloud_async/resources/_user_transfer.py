"""All users of a tenant: their export, and the import of many."""

from __future__ import annotations

import os
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterable, Mapping
from typing import Any, Literal

from .._arguments import flag, text
from ..errors import MonoCloudError
from ..exports import Export
from ..outcome import ImportOutcome
from ._resource import Resource


class UserTransfer(Resource):
    """What takes users out of a tenant, or into one, many at once."""

    def export(
        self,
        *,
        details: bool = True,
        groups: bool = False,
        filter: str | None = None,  # noqa: A002  (the API's name)
        concurrency: int = 32,
        rate: float | None = None,
        on_failure: Callable[[str, MonoCloudError], None] | None = None,
    ) -> Export:
        """Read every user of the tenant, also while others add, change and remove some.

        Args:
            details: whether to read each user whole, one call a user; the list leaves out both
                kinds of data.
            groups: whether to read each user's groups too, one more call a user.
            filter: which users, as for ``list``; None for all.
            concurrency: calls in flight at once, at most.
            rate: requests a second, at most; None for as many as the tenant's limit lets pass,
                which the run discovers.
            on_failure: is called with the id of a user that cannot be read, and why; None to raise
                that. A user that was removed meanwhile is not a failure.

        Returns what ``async for`` iterates over: an ``ExportedUser`` for each user, nearly in the
        order of their creation, each of them once. Users that are created before the last page is
        read are among them. Its ``report`` says how many were exported, and how many vanished.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: nothing can be read.
            PagingError: the API contradicts itself, so that the list would never end.
            InvalidArgumentError: an argument cannot be right; nothing was sent.
        """
        from ..exports.engine import export

        return export(
            self._caller,
            details=flag("details", details),
            groups=flag("groups", groups),
            filter=None if filter is None else text("filter", filter),
            concurrency=concurrency,
            rate=rate,
            on_failure=on_failure,
        )

    def import_many(
        self,
        rows: Iterable[Mapping[str, Any]] | AsyncIterable[Mapping[str, Any]],
        *,
        journal: str | os.PathLike[str] | None = None,
        concurrency: int = 32,
        rate: float | None = None,
        existing: Literal["skip", "complete"] = "skip",
        groups: Mapping[str, str] | None = None,
        send_reset: bool = False,
        skip_password_policy_checks: bool = False,
        skip_identifier_restriction_checks: bool = False,
        skip_conformance_checks: bool = True,
    ) -> AsyncGenerator[ImportOutcome, None]:
        """Create many users, each exactly once, with all that they have.

        Args:
            rows: mappings with the arguments of ``create``, and with ``claims``, ``emails``,
                ``phone_numbers``, ``private_data``, ``public_data``, ``groups`` and ``disabled``,
                as docs/import.md describes them; read as they are needed. A password hash is
                imported as permanent, unless a row's ``is_temporary_password`` is true.
            journal: a SQLite file that keeps what is done. Whatever ends the import, the same
                call with the same rows then goes on, and nothing is done twice.
            concurrency: rows in work at once, at most.
            rate: requests a second, at most; None for as many as the tenant's limit lets pass,
                which the run discovers.
            existing: what to do for a user who existed before: ``"skip"`` leaves it as it is,
                and ``"complete"`` adds what it lacks, and changes or removes nothing.
            groups: the ids of groups, by the names that rows have for them.
            send_reset: whether to mail each user that is created a link to set a password.
            skip_password_policy_checks: whether to accept passwords that the policy refuses.
            skip_identifier_restriction_checks: whether to ignore the tenant's block list.
            skip_conformance_checks: whether to ignore what the tenant asks for at sign-up.

        Returns an async iterator of what became of each row, in the order in which they are done.
        A row that fails does not end it. Leaving the loop, or ``aclose()``, stops it.

        Raises:
            ConfigurationError: the client is closed, or the journal cannot be used.
            UnauthorizedError, ForbiddenError: all further rows would fail as well.
            TransportError: it is ``permanent``, such as a certificate that is not trusted.
            InvalidArgumentError: an argument cannot be right; nothing was sent.
            MonoCloudError: the journal cannot be written any more.
        """
        from ..imports import Settings, checked, path_of

        settings = Settings(
            existing,
            send_reset,
            skip_password_policy_checks,
            skip_identifier_restriction_checks,
            skip_conformance_checks,
        )
        run = checked(self._caller, rows, settings, groups, concurrency=concurrency, rate=rate)
        return run.outcomes(path_of(journal))
