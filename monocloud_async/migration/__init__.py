"""Exports of other systems, read and mapped to the rows of an import.

    for mapped in rows("users.json", "auth0"):
        print(mapped.source.line, mapped.result)

Nothing here sends anything. ``docs/migration.md`` has the tables of what becomes what.
"""

from __future__ import annotations

from . import auth0, clerk, cognito, firebase, keycloak, okta
from .custom import Mapper, load_mapping
from .mapping import MappedRecord, mapping_of, rows
from .options import MappingOptions
from .reading import read
from .row import Row, Skip, SourceRecord
from .summary import MappingSummary
from .systems import SYSTEMS, System

__all__ = [
    "SYSTEMS",
    "MappedRecord",
    "Mapper",
    "MappingOptions",
    "MappingSummary",
    "Row",
    "Skip",
    "SourceRecord",
    "System",
    "auth0",
    "clerk",
    "cognito",
    "firebase",
    "keycloak",
    "load_mapping",
    "mapping_of",
    "okta",
    "read",
    "rows",
]
