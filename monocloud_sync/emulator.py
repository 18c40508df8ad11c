"""The emulator for code without async: a local MonoCloud for tests and demos."""

from __future__ import annotations

from types import TracebackType
from typing import Any, Final, TypeVar

import monocloud_async.emulator as aio
from monocloud_async import User
from monocloud_async._secret import concealed
from monocloud_async.emulator import PHONE_ID, USER_ID, RecordedRequest
from monocloud_async.emulator.seed import Seed

from ._blocking import blocking

__all__ = ["PHONE_ID", "USER_ID", "Emulator", "RecordedRequest"]

E = TypeVar("E", bound="Emulator")


class Emulator:
    """A local MonoCloud: ``with Emulator() as emulator``.

    Args:
        users: the users to begin with, as the API's JSON; or the path of a JSON file with a list
            of them, or with an object that has such a list as its member ``users``; None for two
            users of its own, see ``USER_ID`` and ``PHONE_ID``.
        api_key: the key that it asks for.
        port: where it listens, on 127.0.0.1; 0 for a free port, another one at each start.

    It serves from a thread of its own, and any thread may use it. Stopping keeps the users and
    the record of requests; ``reset()`` does not.

    Raises:
        ConfigurationError: an argument cannot work; the message says why.
    """

    def __init__(
        self, users: Seed | None = None, *, api_key: str = "emulator-key", port: int = 0
    ) -> None:
        api_key = concealed(api_key) or ""
        self._async = aio.Emulator(users, api_key=api_key, port=port)

    start: Final = blocking(aio.Emulator.start)
    close: Final = blocking(aio.Emulator.aclose)

    @property
    def url(self) -> str:
        """Where it listens, such as ``http://127.0.0.1:50123``."""
        return self._async.url

    @property
    def api_key(self) -> str:
        """The key that it asks for."""
        return self._async.api_key

    @property
    def requests(self) -> list[RecordedRequest]:
        """The requests that it answered, the oldest first; the list grows, and may be cleared."""
        return self._async.requests

    @property
    def executions(self) -> int:
        """How many changes it carried out; what was refused or only read is none."""
        return self._async.executions

    def executions_of(self, operation: str) -> int:
        """Return how often it carried out one operation, such as ``phones.set_primary``."""
        return self._async.executions_of(operation)

    def export(self) -> list[dict[str, Any]]:
        """Return all users as the API's JSON; it is a copy, and can be the seed of another."""
        return self._async.export()

    def user(self, user_id: str) -> User:
        """Return a user.

        Raises:
            KeyError: there is no such user.
        """
        return self._async.user(user_id)

    def reset(self) -> None:
        """Go back to the users of the beginning, and forget all requests and executions."""
        self._async.reset()

    def __enter__(self: E) -> E:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return repr(self._async) if "_async" in vars(self) else "Emulator(not started)"
