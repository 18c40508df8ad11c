"""Many rows: a fixed number of workers, one pace for all of them, an outcome for each row."""

from .outcome import Outcome

__all__ = ["Outcome"]
