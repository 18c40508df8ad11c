"""The map of the API: one declaration per operation, shared by the client and the emulator."""

from types import ModuleType
from typing import Any

from .._operation import Operation
from . import (
    blocked_ips,
    data,
    emails,
    external_providers,
    grants,
    groups,
    passkeys,
    passwords,
    phones,
    sessions,
    usernames,
    users,
)

__all__ = ["ALL"]


def _of(module: ModuleType) -> tuple[Operation[Any], ...]:
    declared: list[Any] = [value for value in vars(module).values() if type(value) is Operation]
    return tuple(declared)


ALL: tuple[Operation[Any], ...] = tuple(
    operation
    for module in (
        users,
        usernames,
        emails,
        phones,
        passkeys,
        passwords,
        data,
        blocked_ips,
        sessions,
        external_providers,
        groups,
        grants,
    )
    for operation in _of(module)
)
