"""Many rows: a fixed number of workers, one pace for all of them, an outcome for each row."""

from ..outcome import Outcome, PhoneOutcome
from .phones import phone_outcomes
from .run import Run, start

__all__ = ["Outcome", "PhoneOutcome", "Run", "phone_outcomes", "start"]
