"""The bulk methods of the users resource: export and import_many."""

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
    """Operations that move many users out of a tenant or into one."""

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
        """Export every user of the tenant, even while others create, change and delete users.

        Each user is exported once, nearly in order of creation. Users created before the last page
        is read are included. Users deleted during the export are not failures.

        Args:
            details: whether to fetch each user individually, one call per user. The list alone
                omits private and public data.
            groups: whether to fetch each user's groups too, one more call per user.
            filter: a Lucene-style query as in ``list``. None exports all users.
            concurrency: the maximum number of calls in flight.
            rate: the maximum number of requests per second. None discovers the tenant's rate limit
                and adapts to it.
            on_failure: called with the id of each user that cannot be read, and the error. None
                raises the error instead.

        Returns:
            An async iterable of ``ExportedUser``. Its ``report`` counts the users that were
            exported and those that vanished.

        Raises:
            ConfigurationError: the client is closed.
            UnauthorizedError, ForbiddenError: the API key may not read users.
            PagingError: the API returns contradictory pages, so the list would never end.
            InvalidArgumentError: an argument is invalid; nothing was sent.

        Example:
            ```python
            export = client.users.export(groups=True)
            async for exported in export:
                print(exported.user.user_id, [group.group_name for group in exported.groups or ()])
            print(export.report)
            ```
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
        """Create many users with all their data, each exactly once.

        A row that fails does not stop the import. To stop early, leave the loop or call
        ``aclose()``.

        Args:
            rows: mappings with the arguments of ``create``, and optionally ``claims``, ``emails``,
                ``phone_numbers``, ``private_data``, ``public_data``, ``groups`` and ``disabled``,
                as described in docs/import.md. They are read lazily. A password hash is imported as
                permanent unless the row sets ``is_temporary_password``.
            journal: the path of a SQLite file that records progress. After a crash or an abort,
                call again with the same rows to resume: nothing is done twice.
            concurrency: the maximum number of rows in flight.
            rate: the maximum number of requests per second. None discovers the tenant's rate limit
                and adapts to it.
            existing: what to do with a user who already exists: ``"skip"`` changes nothing,
                ``"complete"`` adds what the user lacks but changes and removes nothing.
            groups: group ids by the names that the rows use.
            send_reset: whether to email each created user a link to set a password.
            skip_password_policy_checks: whether to accept passwords that violate the tenant's
                password policy.
            skip_identifier_restriction_checks: whether to ignore the tenant's block list.
            skip_conformance_checks: whether to ignore the tenant's sign-up requirements.

        Returns:
            An async iterator over the outcome of each row, in order of completion.

        Raises:
            ConfigurationError: the client is closed, or the journal cannot be used.
            UnauthorizedError, ForbiddenError: all remaining rows would fail as well.
            TransportError: the failure is ``permanent``, such as an untrusted certificate.
            InvalidArgumentError: an argument is invalid; nothing was sent.
            MonoCloudError: the journal can no longer be written.

        Example:
            ```python
            rows = [{"source_id": "1", "email": "grace@example.com", "name": "Grace"}]
            async for outcome in client.users.import_many(rows, journal="import.journal"):
                print(outcome.source_id, outcome.status, outcome.error or "")
            ```
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
