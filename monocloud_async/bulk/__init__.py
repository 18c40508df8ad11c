"""Bulk runs: a fixed number of workers, one shared pace, one outcome per row."""

from ..outcome import Outcome, PhoneOutcome
from .phones import phone_outcomes
from .run import Run, start

__all__ = ["Outcome", "PhoneOutcome", "Run", "phone_outcomes", "start"]
