"""One call engine, for single calls and for many: address, attempt, repeat, decode."""

from .address import Query
from .caller import Caller
from .pace import Pace

__all__ = ["Caller", "Pace", "Query"]
