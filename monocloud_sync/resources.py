"""The blocking twins of the async resources: one line a method."""

from __future__ import annotations

import monocloud_async.resources as aio

from ._blocking import blocking


class UsersResource:
    """The users of a tenant."""

    def __init__(self, resource: aio.UsersResource) -> None:
        self._async = resource

    get = blocking(aio.UsersResource.get)


class PhonesResource:
    """The phones that users sign in with."""

    def __init__(self, resource: aio.PhonesResource) -> None:
        self._async = resource

    set_primary = blocking(aio.PhonesResource.set_primary)
    add = blocking(aio.PhonesResource.add)
    remove = blocking(aio.PhonesResource.remove)
    set_verified = blocking(aio.PhonesResource.set_verified)
    set_unverified = blocking(aio.PhonesResource.set_unverified)
