"""The users and groups of the emulated tenant, independent of HTTP."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any, TypeVar

from .account import Account, Json, identifier
from .json_copy import copied
from .problems import identity_refused, not_found
from .tenant_state import TenantState

T = TypeVar("T")
_CODES = {
    "email": "DuplicateEmail",
    "phone": "DuplicatePhoneNumber",
    "username": "DuplicateUserName",
}


class Tenant:
    """Users and groups in memory. Thread-safe.

    Args:
        seed: the initial state.
        clock: returns the time, in seconds since 1970.
    """

    def __init__(self, seed: TenantState, clock: Callable[[], float] = time.time) -> None:
        self._seed = seed
        self._clock = clock
        self._lock = threading.RLock()
        # Increases with each change, so that the dashboard knows when to refresh.
        self.version: int = 0
        self.reset()

    def reset(self) -> None:
        """Restore the initial state."""
        with self._lock:
            seed = self._seed.copy()
            self.version += 1
            self.groups: dict[str, Json] = seed.groups
            self.accounts: dict[str, Account] = seed.accounts
            self._holders: dict[tuple[str, str], set[str]] = defaultdict(set)
            self._keys: dict[str, set[tuple[str, str]]] = {}
            # The accounts that the current operation changes, and whether it is only simulated.
            self._changing: dict[str, Account] = {}
            self._stamped: set[str] = set()
            self._pretending = False
            self._before = self.accounts
            for user_id in self.accounts:
                self._index(user_id)

    def execute(
        self,
        act: Callable[[Tenant], Any],
        text: Callable[[Any], T],
        *,
        change: bool = True,
    ) -> T:
        """Execute an operation, completely or not at all, and return its result as text.

        Args:
            act: executes it; may return a part of the tenant.
            text: serializes that, which is faster than copying a user.
            change: whether to apply the change, or only to compute the result, which then has the
                unchanged user.

        Raises:
            ProblemError: the operation is rejected.
        """
        with self._lock, self._operation(pretending=not change):
            result = act(self)
            if change:
                self._commit()
            return text(result if change else self._as_before(result))

    def export(self) -> list[Json]:
        """Return a copy of all users."""
        with self._lock:
            return [copied(account.record) for account in self.accounts.values()]

    def read(self, view: Callable[[Tenant], T]) -> T:
        """Return a function's view of a tenant that does not change; it must copy what it keeps."""
        with self._lock:
            return view(self)

    def begin_with(self, seed: TenantState) -> None:
        """Replace the whole state, also for later resets."""
        with self._lock:
            self._seed = seed
            self.reset()

    def content(self) -> TenantState:
        """Return a copy of the whole state."""
        with self._lock:
            return TenantState(self.accounts, self.groups).copy()

    def account(self, user_id: str) -> Account:
        """Return a user, for reading.

        Raises:
            ProblemError: 404 if the user does not exist.
        """
        if user_id not in self.accounts:
            raise not_found(f"There is no user with the id {user_id!r}.")
        return self.accounts[user_id]

    def change(self, user_id: str, *, stamp: bool = True) -> Account:
        """Return a user, for the current operation to change.

        Args:
            stamp: whether to update the user's ``last_updated``.

        Raises:
            ProblemError: 404 if the user does not exist.
        """
        account = self.account(user_id)
        if self._pretending:
            account = self.accounts[user_id] = account.copy()
        self._changing[user_id] = account
        if stamp:
            self._stamped.add(user_id)
        return account

    def add(self, account: Account) -> None:
        """Add a user."""
        self.accounts[account.user_id] = self._changing[account.user_id] = account

    def remove(self, user_id: str) -> None:
        """Remove a user.

        Raises:
            ProblemError: 404 if the user does not exist.
        """
        self._changing[user_id] = self.account(user_id)
        del self.accounts[user_id]

    def group(self, group_id: str) -> Json:
        """Return a group.

        Raises:
            ProblemError: 404 if the group does not exist.
        """
        if group_id not in self.groups:
            raise not_found(f"There is no group with the id {group_id!r}.")
        return self.groups[group_id]

    def check_new(self, kind: str, value: str, *, but: str | None = None) -> None:
        """Reject an identifier that another user has.

        Args:
            kind: ``email``, ``phone`` or ``username``.
            but: a user who may have it.

        Raises:
            ProblemError: 422 if it is taken.
        """
        if self._holders.get(identifier(kind, value), set()) - {but}:
            raise identity_refused(
                (_CODES[kind], f"Another user already has the {kind} {value!r}.")
            )

    def now(self) -> int:
        """Return the time, in whole seconds since 1970."""
        return int(self._clock())

    @contextmanager
    def _operation(self, *, pretending: bool) -> Generator[None, None, None]:
        self._before = self.accounts
        self._pretending = pretending
        if pretending:
            self.accounts = dict(self._before)
        try:
            yield
        finally:
            self._pretending, self.accounts = False, self._before
            self._changing, self._stamped = {}, set()

    def _commit(self) -> None:
        self.version += 1
        for user_id in self._stamped:
            record = self._changing[user_id].record
            last = record.get("last_updated")
            record["last_updated"] = self.now() if last is None else max(self.now(), int(last) + 1)
        for user_id in self._changing:
            self._index(user_id)

    def _as_before(self, result: Any) -> Any:
        for user_id, account in self._changing.items():
            if result is account.record and user_id in self._before:
                return self._before[user_id].record
        return result

    def _index(self, user_id: str) -> None:
        account = self.accounts.get(user_id)
        now = set(account.identifiers()) if account else set[tuple[str, str]]()
        before = self._keys.get(user_id, set[tuple[str, str]]())
        if now != before:
            for key in before - now:
                self._holders[key].discard(user_id)
            for key in now - before:
                self._holders[key].add(user_id)
            self._keys[user_id] = now
