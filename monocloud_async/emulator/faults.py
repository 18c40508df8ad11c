"""The faults of an emulator: which one hits a request, and how many requests each has hit."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterable, Iterator

import attrs

from ..errors import ConfigurationError
from .fault import Fault


@attrs.define(eq=False)
class _Armed:
    """A fault with its counts of matching requests and hits."""

    fault: Fault
    chance: random.Random
    met: int = 0
    struck: int = 0

    def strikes(self, operation: str | None, user_id: str | None) -> bool:
        """Count a request, and return whether to hit it."""
        fault = self.fault
        if fault.operation not in (None, operation) or fault.user_id not in (None, user_id):
            return False
        self.met += 1
        turn = self.met - fault.after
        if turn <= 0 or turn % fault.every or self.struck == fault.times:
            return False
        if fault.probability < 1 and self.chance.random() >= fault.probability:
            return False
        self.struck += 1
        return True


class Faults:
    """The faults of an emulator: ``emulator.faults.add(Fault(status=503, times=2))``.

    Each request is checked against the faults in the order in which they were added, until one
    hits; later faults do not count the request. Thread-safe.

    Args:
        faults: the initial faults.
    """

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = threading.Lock()
        self._first = _checked(faults)
        self._armed: list[_Armed] = []
        self.reset()

    def add(self, *faults: Fault) -> None:
        """Append faults.

        Raises:
            ConfigurationError: an argument is not a Fault; nothing is added.
        """
        checked = _checked(faults)
        with self._lock:
            self._arm(checked)

    def remove(self, fault: Fault) -> None:
        """Remove all faults equal to this one, if any."""
        with self._lock:
            self._armed = [armed for armed in self._armed if armed.fault != fault]

    def clear(self) -> None:
        """Remove all faults."""
        with self._lock:
            self._armed = []

    def reset(self) -> None:
        """Restore the initial faults, with their counts at zero."""
        with self._lock:
            self._added = 0
            self._armed = []
            self._arm(self._first)

    def struck(self, fault: Fault | None = None) -> int:
        """Return how many requests a fault hit, or all faults together."""
        with self._lock:
            return sum(a.struck for a in self._armed if fault is None or a.fault == fault)

    def strike(self, operation: str | None, user_id: str | None) -> Fault | None:
        """Return the fault that hits the current request, or None.

        Args:
            operation: the requested operation; None if unknown.
            user_id: the user that it concerns, if any.
        """
        with self._lock:
            for armed in self._armed:
                if armed.strikes(operation, user_id):
                    return armed.fault
        return None

    def __iter__(self) -> Iterator[Fault]:
        with self._lock:
            return iter([armed.fault for armed in self._armed])

    def __len__(self) -> int:
        return len(self._armed)

    def __repr__(self) -> str:
        return f"Faults({list(self)})"

    def _arm(self, faults: Iterable[Fault]) -> None:
        for fault in faults:
            # Otherwise two faults with the same seed would make the same decisions.
            chance = random.Random(f"{fault.seed}/{self._added}")  # noqa: S311
            self._added += 1
            self._armed.append(_Armed(fault, chance))


def _checked(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    found = tuple(faults)
    for fault in found:
        if not isinstance(fault, Fault):  # pyright: ignore[reportUnnecessaryIsInstance]
            raise ConfigurationError(
                f"a fault must be a Fault, such as Fault(status=503), not {fault!r}"
            )
    return found
