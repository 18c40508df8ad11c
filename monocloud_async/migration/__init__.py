"""Reads the exports of other identity systems and maps them to import rows.

    for mapped in rows("users.json", "auth0"):
        print(mapped.source.line, mapped.result)

Nothing here sends anything. ``docs/migration.md`` has tables of how each field is mapped.
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
