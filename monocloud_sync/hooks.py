"""Hooks of the blocking client: plain functions, called on the thread of its private loop."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import TypeVar

from monocloud_async import ConfigurationError, RequestInfo, ResponseInfo

RequestHook = Callable[[RequestInfo], None]
ResponseHook = Callable[[ResponseInfo], None]
H = TypeVar("H")


def plain_hook(name: str, hook: H) -> H:
    """Return a hook that the blocking client can call.

    Raises:
        ConfigurationError: it is a coroutine function.
    """
    call_method = getattr(hook, "__call__", None)  # noqa: B004  (its kind matters, not its presence)
    if inspect.iscoroutinefunction(hook) or inspect.iscoroutinefunction(call_method):
        raise ConfigurationError(
            f"{name} must be a plain function here: monocloud_async.MonoCloudClient takes "
            "coroutine functions"
        )
    return hook
