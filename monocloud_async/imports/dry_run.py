"""The dry run of an import: looks up users without changing anything, and reports on each row."""

from __future__ import annotations

import json

from ..errors import InvalidArgumentError
from ..outcome import ImportDifference
from .compare import differences
from .find import find
from .importer import Importer
from .journal import CREATED, EXISTED
from .settling import Progress


class DryRun(Importer):
    """Looks up the users of rows; a row counts as ``created`` if no user is found."""

    async def _settle(self, row: Progress) -> None:
        found = await find(self._api, row.row, thorough=False)
        if len(found) > 1:
            raise InvalidArgumentError(
                f"its identifiers belong to {len(found)} users; nothing was sent"
            )
        row.status = EXISTED if found else CREATED
        if found:
            row.user = user = found[0]
            row.user_id = user.user_id
            groups = await self._api.groups_of(user.user_id) if row.row.groups else None
            row.differences = tuple(differences(row.row, user, groups))

    @staticmethod
    def _recorded(difference: ImportDifference) -> str:
        # The journal of a dry run is not kept, so it may contain values.
        wanted, found = json.dumps(difference.wanted), json.dumps(difference.found)
        return f"{difference.name}: the row has {wanted}, the user has {found}"
