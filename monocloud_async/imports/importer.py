"""Imports rows exactly once each, however often the import is interrupted.

Why no step is applied twice, or why that is harmless:

- **create**: the API keeps email addresses, phone numbers and usernames unique, and each row has
  at least one of them. After a creation whose response was lost, or that a killed process may have
  sent, the user is looked up by these before the creation is sent again. If the first creation is
  applied late after all, the API rejects the second. The user found counts as created by this
  import if it has what the creation sends, was created no earlier than five minutes before the
  import started (the server's clock may be behind), and belongs to no other row. Otherwise it
  existed before.
- **emails, phones**: unique too. What the user already has is not added again. After a lost
  response or a rejection, the user is read first.
- **claims, private_data, public_data**: only missing keys are set, so concurrent changes by others
  survive. Setting a key to the same value twice changes nothing.
- **groups**: memberships are read before, and after a lost response. A user is in a group or not.
- **disable**: sets a flag, and is skipped if the flag is set.
- **reset**: emails a person, so it is sent at most once. The journal records it before it is sent.
  If its response is lost, the outcome says so, and it is not sent again.

A row that resumes after a crash reads its user first, and then takes the missing steps.
"""

from __future__ import annotations

import sys
from typing import cast

from .._call import Caller
from ..bulk.row_pace import RowPace
from ..bulk.run import is_fatal
from ..errors import MonoCloudError
from ..outcome import ImportDifference, ImportOutcome
from .api import Api
from .compare import differences
from .creation import Creation
from .feed import Work
from .journal import EXISTED, JournalError
from .recorder import Recorder
from .settling import Progress, Settings, refused, settled_before
from .steps import Steps

if sys.version_info >= (3, 11):
    from typing import Self
else:
    from typing_extensions import Self


class Importer:
    """Imports rows, one call of ``settle`` per row.

    Args:
        caller: executes the operations.
        settings: the settings shared by all rows.
        recorder: writes the journal.
        began_at: when the import started, in seconds since 1970.
    """

    def __init__(
        self, caller: Caller, settings: Settings, recorder: Recorder, began_at: float
    ) -> None:
        self._caller = caller
        self._settings = settings
        self._recorder = recorder
        self._began_at = began_at
        self._api = Api(caller, settings)
        self._creation = Creation(self._api, recorder, began_at)
        self._steps = Steps(self._api, settings, recorder, self._attempts)

    # A run needs _caller and _with_caller, as on a resource.
    def _with_caller(self, caller: Caller) -> Self:
        return type(self)(caller, self._settings, self._recorder, self._began_at)

    def _attempts(self) -> int:
        pace = cast("RowPace", self._caller.pace)
        return pace.tries.attempts

    async def settle(self, key: int | None, work: Work) -> ImportOutcome:  # noqa: ARG002
        """Import a row, record it in the journal, and return its outcome.

        Args:
            key: the ordering key of the row.
            work: the row.
        """
        if work.row is None:
            return refused(work)
        if work.before and work.before.settled:
            return settled_before(work, work.before)
        row = Progress(work, work.row)
        try:
            await self._settle(row)
        except MonoCloudError as error:
            if is_fatal(error) or isinstance(error, JournalError):
                raise
            # Otherwise the outcome would keep the traceback's frames alive.
            row.error = error.with_traceback(None)
        # Keep the journal's entry if it may belong to another row.
        if not row.unproved:
            await self._recorder.add(row.last_entry(self._attempts(), self._recorded))
        return row.outcome(self._attempts())

    @staticmethod
    def _recorded(difference: ImportDifference) -> str:
        # A journal contains no personal data.
        return difference.name

    async def _settle(self, row: Progress) -> None:
        row.user = user = await self._creation.user_of(row)
        if row.status != EXISTED:
            row.user = await self._steps.take(row, user)
            return
        if self._settings.existing == "complete":
            row.user = user = await self._steps.take(row, user)
        groups = await self._api.groups_of(user.user_id) if row.row.groups else None
        row.differences = tuple(differences(row.row, user, groups))
