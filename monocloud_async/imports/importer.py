"""Carries out import rows, each of them exactly once, however often the import is cut off.

Why no step is applied twice, or why that is harmless:

- **create**: the API keeps email addresses, numbers and usernames unique, and each row has one of
  them. A creation whose answer is lost, or that a killed process may have sent, is followed by a
  look-up by these before it is sent again; if the first one is carried out late after all, the
  second is refused. The user found counts as created by this import if it has what the creation
  sends, was created no earlier than five minutes before the import began (the server's clock may
  be behind), and belongs to no other row; else it existed.
- **emails, phones**: the same uniqueness. What the user has already is not added; after a lost
  answer or a refusal the user is read first.
- **claims, private_data, public_data**: only keys that the user lacks are set, so what someone
  changed meanwhile stays; to set a key to the same value twice changes nothing.
- **groups**: memberships are read before, and after a lost answer; a user is in a group or not.
- **disable**: sets a flag, and is left out where it is set.
- **reset**: mails a person, so it is sent once at most. The journal knows that it was begun before
  it is sent; where its answer is lost, the outcome says so, and it is not sent again.

A row that goes on after a kill reads its user first, and takes the steps that are missing.
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
    """Carries out rows, one call of ``settle`` each.

    Args:
        caller: carries out the operations.
        settings: what holds for all rows.
        recorder: keeps the journal.
        began_at: when the import began, in seconds since 1970.
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

    # A run asks for these two, as it does of a resource.
    def _with_caller(self, caller: Caller) -> Self:
        return type(self)(caller, self._settings, self._recorder, self._began_at)

    def _attempts(self) -> int:
        pace = cast("RowPace", self._caller.pace)
        return pace.tries.attempts

    async def settle(self, key: int | None, work: Work) -> ImportOutcome:  # noqa: ARG002
        """Return what became of a row, and have the journal keep it.

        Args:
            key: what rows share that are done in their order.
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
            # Its frames would be kept for as long as the outcome is.
            row.error = error.with_traceback(None)
        # What the journal has of another row stays.
        if not row.unproved:
            await self._recorder.add(row.last_entry(self._attempts(), self._told))
        return row.outcome(self._attempts())

    @staticmethod
    def _told(difference: ImportDifference) -> str:
        # A journal holds nothing of a person.
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
