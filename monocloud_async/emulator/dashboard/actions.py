"""The actions of the dashboard's forms."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs

from ..._json import parse
from ...errors import ConfigurationError
from ..fault import Fault
from ..rate_limit import RateLimit
from ..seed import document_seed
from ..service import Service
from .fault_form import fault_of

Form = Mapping[str, str]


@attrs.frozen
class Action:
    """A form's action.

    Attributes:
        name: its name in paths.
        done: the message that the page shows afterwards.
        section: the id of the section that has the form.
        act: carries out the action; raises ConfigurationError, and changes nothing, if the form is
            invalid.
    """

    name: str
    done: str
    section: str
    act: Callable[[Service, Form], None]


def _add_fault(service: Service, form: Form) -> None:
    service.faults.add(fault_of(form))


def _remove_fault(service: Service, form: Form) -> None:
    service.faults.remove(Fault.from_dict(_json(form.get("fault", ""), "the fault")))


def _clear_faults(service: Service, _: Form) -> None:
    service.faults.clear()


def _set_rate_limit(service: Service, form: Form) -> None:
    words = form.get("rate-limit", "").strip()
    service.rate_limit = RateLimit.parse(words) if words else None


def _reset(service: Service, _: Form) -> None:
    service.reset()


def _seed(service: Service, form: Form) -> None:
    given = form.get("file", "").strip() or form.get("seed", "").strip()
    if not given:
        raise ConfigurationError("the seed is empty: paste JSON, or choose a file")
    service.tenant.begin_with(document_seed(_json(given, "the seed")))


def _json(text: str, noun: str) -> object:
    try:
        return parse(text.encode(errors="surrogatepass"))
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{noun} is not JSON: {error}") from None


ACTIONS: Mapping[str, Action] = {
    f"/{action.name}": action
    for action in (
        Action("add-fault", "The fault was added.", "faults", _add_fault),
        Action("remove-fault", "The fault was removed.", "faults", _remove_fault),
        Action("clear-faults", "All faults were removed.", "faults", _clear_faults),
        Action("set-rate-limit", "The rate limit was changed.", "settings", _set_rate_limit),
        Action("reset", "The emulator was reset to its seed.", "settings", _reset),
        Action("seed", "The seed was loaded.", "settings", _seed),
    )
}
