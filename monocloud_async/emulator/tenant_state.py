"""The state of an emulated tenant."""

from __future__ import annotations

import attrs

from .account import GRANTS, Account, Json
from .json_copy import copied


@attrs.define(eq=False)
class TenantState:
    """Users and groups, by their ids."""

    accounts: dict[str, Account]
    groups: dict[str, Json]

    def copy(self) -> TenantState:
        """Return a mutable copy."""
        return TenantState(
            {user_id: account.copy() for user_id, account in self.accounts.items()},
            copied(self.groups),
        )

    def to_dict(self) -> Json:
        """Return the state as a seed, without passwords."""
        return {
            "users": [account.record for account in self.accounts.values()],
            "groups": [
                {**group, "members": self._members(group)} for group in self.groups.values()
            ],
            "sessions": self._rows("sessions"),
            "grants": {kind: self._rows(kind) for kind in GRANTS},
            "blocked_ips": self._rows("blocked_ips"),
        }

    def _members(self, group: Json) -> list[Json]:
        return [
            {"user_id": account.user_id, "creation_time": membership["creation_time"]}
            for account in self.accounts.values()
            for membership in account.memberships
            if membership["group_id"] == group["group_id"]
        ]

    def _rows(self, kind: str) -> list[Json]:
        return [
            {"user_id": account.user_id, **row}
            for account in self.accounts.values()
            for row in getattr(account, kind)
        ]
