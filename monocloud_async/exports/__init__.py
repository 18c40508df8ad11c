"""Exports: read every user of a tenant at the pace of a run, even while others change users."""

from .export import Export
from .exported import ExportedUser, ExportReport

__all__ = ["Export", "ExportReport", "ExportedUser"]
