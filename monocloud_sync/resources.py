"""The blocking twins of the async resources: one line a method.

They are Final so that type checkers may rely on the type that `blocking` gives them.
"""

from __future__ import annotations

from typing import Final

import monocloud_async.resources as aio

from ._blocking import blocking
from ._iterating import iterating


class UsersResource:
    """The users of a tenant."""

    def __init__(self, resource: aio.UsersResource) -> None:
        self._async = resource

    get: Final = blocking(aio.UsersResource.get)


class PhonesResource:
    """The phones that users sign in with."""

    def __init__(self, resource: aio.PhonesResource) -> None:
        self._async = resource

    set_primary: Final = blocking(aio.PhonesResource.set_primary)
    set_primary_by_number: Final = blocking(aio.PhonesResource.set_primary_by_number)
    set_primary_many: Final = iterating(aio.PhonesResource.set_primary_many)
    add: Final = blocking(aio.PhonesResource.add)
    remove: Final = blocking(aio.PhonesResource.remove)
    set_verified: Final = blocking(aio.PhonesResource.set_verified)
    set_unverified: Final = blocking(aio.PhonesResource.set_unverified)
