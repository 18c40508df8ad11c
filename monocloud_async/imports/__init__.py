"""Imports: create users from rows, each exactly once, in several journaled steps."""

from ..outcome import ImportDifference, ImportOutcome
from .journal import ImportJournal
from .run import Import, checked, path_of
from .settling import Settings

__all__ = [
    "Import",
    "ImportDifference",
    "ImportJournal",
    "ImportOutcome",
    "Settings",
    "checked",
    "path_of",
]
