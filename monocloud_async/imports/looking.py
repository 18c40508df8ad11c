"""What an import would do: it only looks users up, and says of each row what would become of it."""

from __future__ import annotations

import json

from ..errors import InvalidArgumentError
from ..outcome import ImportDifference
from .compare import differences
from .find import find
from .importer import Importer
from .journal import CREATED, EXISTED
from .settling import Progress


class Looking(Importer):
    """Looks up the users of rows: a row counts as ``created`` where nobody is found."""

    async def _settle(self, row: Progress) -> None:
        found = await find(self._api, row.row, thorough=False)
        if len(found) > 1:
            raise InvalidArgumentError(
                f"its identifiers are those of {len(found)} users; nothing was sent"
            )
        row.status = EXISTED if found else CREATED
        if found:
            row.user = user = found[0]
            row.user_id = user.user_id
            groups = await self._api.groups_of(user.user_id) if row.row.groups else None
            row.differences = tuple(differences(row.row, user, groups))

    @staticmethod
    def _told(difference: ImportDifference) -> str:
        # Its journal is gone with its end.
        wanted, found = json.dumps(difference.wanted), json.dumps(difference.found)
        return f"{difference.name}: {wanted}, and the user has {found}"
