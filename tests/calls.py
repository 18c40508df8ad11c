"""Every operation, as a call that a test can make with any client."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from monocloud_async import MonoCloudClient, User

NUMBER = "+441514960453"

CALLS: dict[str, Callable[[MonoCloudClient], Awaitable[User]]] = {
    "get": lambda client: client.users.get("u"),
    "set_primary": lambda client: client.phones.set_primary("u", "p"),
    "set_verified": lambda client: client.phones.set_verified("u", "p"),
    "set_unverified": lambda client: client.phones.set_unverified("u", "p"),
    "remove": lambda client: client.phones.remove("u", "p"),
    "add": lambda client: client.phones.add("u", NUMBER),
}
