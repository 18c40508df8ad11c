"""Exports: every user of a tenant, read at the pace of a run, while others change them."""

from .export import Export
from .exported import ExportedUser, ExportReport

__all__ = ["Export", "ExportReport", "ExportedUser"]
