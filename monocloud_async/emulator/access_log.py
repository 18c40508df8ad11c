"""The access log: one line per request, logged to ``monocloud.emulator.access``."""

from __future__ import annotations

import logging

from .fault import Fault
from .reply import Reply
from .service import Received

access_log: logging.Logger = logging.getLogger("monocloud.emulator.access")


def note(received: Received, reply: Reply, fault: Fault | None, seconds: float) -> None:
    """Log a request and its response, without headers and bodies."""
    if not access_log.isEnabledFor(logging.INFO):
        return
    broken = fault is not None and (fault.breaks or fault.body == "garbage")
    access_log.info(
        "%s %s -> %s %s %.1f ms%s",
        received.request.method,
        received.request.raw_path,
        "no response" if broken else reply.status,
        received.operation or "-",
        seconds * 1000,
        " (fault)" if fault else "",
    )
