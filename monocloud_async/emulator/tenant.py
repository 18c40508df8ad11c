"""The users of the emulated tenant; nothing here knows HTTP."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any

from .problems import not_found
from .routes import Call

Json = dict[str, Any]


class Tenant:
    """Users in memory; any thread may ask.

    Args:
        seed: the users to begin with.
        clock: tells the time, in seconds since 1970.
    """

    def __init__(self, seed: Sequence[Json], clock: Callable[[], float] = time.time) -> None:
        self._seed = seed
        self._clock = clock
        self._lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """Go back to the users of the beginning."""
        with self._lock:
            self._users: dict[str, Json] = {user["user_id"]: deepcopy(user) for user in self._seed}

    def export(self) -> list[Json]:
        """Return all users, copied."""
        with self._lock:
            return deepcopy(list(self._users.values()))

    def user(self, user_id: str) -> Json:
        """Return a user, copied.

        Raises:
            ProblemError: 404, there is no such user.
        """
        with self._lock:
            return deepcopy(self._find(user_id))

    def execute(self, call: Call, fields: Json, *, change: bool = True) -> bytes:
        """Carry out an operation, whole or not at all, and return its user as JSON text.

        Args:
            call: the operation.
            fields: the members of its body.
            change: whether to change the user at all, or only to read it.

        Raises:
            ProblemError: it is refused.
        """
        with self._lock:
            user = self._find(call.user_id)
            if change and call.route.change is not None:
                call.route.change(user, *call.more_ids, **fields)
                user["last_updated"] = self._moment_after(user.get("last_updated"))
            # A copy of the user would take longer than its text.
            return json.dumps(user).encode()

    def _find(self, user_id: str) -> Json:
        if user_id not in self._users:
            raise not_found(f"There is no user with the id {user_id!r}.")
        return self._users[user_id]

    def _moment_after(self, last: float | None) -> int:
        now = int(self._clock())
        return now if last is None else max(now, int(last) + 1)
