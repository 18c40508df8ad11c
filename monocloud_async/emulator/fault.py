"""Fault: an injected failure, and which requests it hits."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any, Literal, cast, get_args

import attrs

from ..errors import ConfigurationError
from ..operations import ALL
from ..retry import is_number

Body = Literal["truncated", "garbage", "html", "flood"]
Connection = Literal["closed", "reset"]

_OPERATIONS = tuple(operation.name for operation in ALL)
_BODIES: tuple[str, ...] = get_args(Body)
_CONNECTIONS: tuple[str, ...] = get_args(Connection)
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
# The emulator writes the headers that frame the body; ``body`` can break them on purpose.
_FRAMING = ("content-length", "transfer-encoding", "connection")
_RESPONSE = ("status", "headers", "problem", "body", "body_delay", "drip")
_EFFECTS = ("status", "headers", "delay", "body_delay", "drip", "body", "connection", "outage")
_WITHOUT_BODY = (204, 304)


def _choice(choices: Sequence[str]) -> Any:
    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is not None and value not in choices:
            names = ", ".join(choices)
            raise ConfigurationError(
                f"a fault's {attribute.name} must be one of {names}, not {value!r}"
            )

    return check


def _whole(lowest: int, highest: int | None = None) -> Any:
    def check(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
        if value is None and attribute.default is None:
            return
        if type(value) is not int or value < lowest or (highest is not None and value > highest):
            bound = f"{lowest} or more" if highest is None else f"from {lowest} to {highest}"
            raise ConfigurationError(
                f"a fault's {attribute.name} must be a whole number, {bound}, not {value!r}"
            )

    return check


def _seconds(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_number(value) or value < 0:
        raise ConfigurationError(
            f"a fault's {attribute.name} must be a number of seconds, 0 or more, not {value!r}"
        )


def _share(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if not is_number(value) or not 0 <= value <= 1:
        raise ConfigurationError(
            f"a fault's {attribute.name} must be a number from 0 to 1, not {value!r}"
        )


def _headers(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    for name, text in _mapping(attribute.name, value).items():
        if not isinstance(text, str) or not _HEADER_VALUE.fullmatch(text):
            raise ConfigurationError(
                f"a fault's header {name!r} must be a string of printable ASCII, not {text!r}"
            )
        if not _HEADER_NAME.fullmatch(name):
            raise ConfigurationError(f"a fault cannot have a header named {name!r}")
        if name.lower() in _FRAMING:
            raise ConfigurationError(
                f"a fault cannot set the header {name}: use its body or its connection"
            )


def _members(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    try:
        json.dumps(_mapping(attribute.name, value), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        if isinstance(error, ConfigurationError):
            raise
        raise ConfigurationError(f"a fault's {attribute.name} must be JSON: {error}") from None


def _mapping(name: str, value: object) -> Mapping[str, object]:
    if not isinstance(value, Mapping) or not all(
        isinstance(key, str) for key in cast("Mapping[object, object]", value)
    ):
        raise ConfigurationError(
            f"a fault's {name} must be a mapping with strings as keys, not {value!r}"
        )
    return cast("Mapping[str, object]", value)


def _text(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise ConfigurationError(f"a fault's {attribute.name} must be a string, not {value!r}")


def _flag(_: object, attribute: attrs.Attribute[Any], value: object) -> None:
    if value is not None and type(value) is not bool:
        raise ConfigurationError(f"a fault's {attribute.name} must be true or false, not {value!r}")


def _own(value: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a copy, independent of the caller's."""
    return deepcopy(value)


def _no_headers() -> Mapping[str, str]:
    return {}


def _no_members() -> Mapping[str, Any]:
    return {}


@attrs.frozen(kw_only=True)
class Fault:
    """An injected failure, and which requests it hits: ``Fault(status=503, times=2)``.

    What it does; compatible effects can be combined:

    Args:
        status: the response's status, 200 to 599; from 300 on, with a problem document.
        headers: headers to add to the response, or to override.
        problem: members to add to the problem document, or to override.
        delay: seconds before the response begins, or before the connection breaks.
        body_delay: seconds between the headers and the body.
        drip: seconds over which the body is sent in small pieces.
        body: ``truncated``: half of what Content-Length says; ``garbage``: bytes that are not
            HTTP; ``html``: a web page; ``flood``: gzip that expands to 256 MiB.
        connection: end the connection without a response, ``closed`` or ``reset``.
        outage: seconds during which connections are refused; open ones are reset.
        executed: whether to execute the request; by default, only if the response's status is below
            300. A request is executed before the delay, and never if the emulator rejects it.

    Which requests it hits, out of those that earlier faults did not hit:

    Args:
        operation: only requests for this operation, such as ``phones.set_primary``.
        user_id: only requests for this user.
        after: how many matching requests to spare first.
        every: hit every nth request after that.
        probability: the chance of hitting each of these, 0 to 1.
        seed: the random seed; the same seed makes the same decisions.
        times: how many requests to hit in total; None for no limit.

    Faults are immutable and have a JSON form with the same names, which leaves out defaults.

    Raises:
        ConfigurationError: the fault is invalid; the message says what to change.
    """

    status: int | None = attrs.field(default=None, validator=_whole(200, 599))
    headers: Mapping[str, str] = attrs.field(
        factory=_no_headers, converter=_own, validator=_headers, hash=False
    )
    problem: Mapping[str, Any] = attrs.field(
        factory=_no_members, converter=_own, validator=_members, hash=False
    )
    delay: float = attrs.field(default=0, validator=_seconds)
    body_delay: float = attrs.field(default=0, validator=_seconds)
    drip: float = attrs.field(default=0, validator=_seconds)
    body: Body | None = attrs.field(default=None, validator=_choice(_BODIES))
    connection: Connection | None = attrs.field(default=None, validator=_choice(_CONNECTIONS))
    outage: float = attrs.field(default=0, validator=_seconds)
    executed: bool | None = attrs.field(default=None, validator=_flag)
    operation: str | None = attrs.field(default=None, validator=_choice(_OPERATIONS))
    user_id: str | None = attrs.field(default=None, validator=_text)
    after: int = attrs.field(default=0, validator=_whole(0))
    every: int = attrs.field(default=1, validator=_whole(1))
    probability: float = attrs.field(default=1, validator=_share)
    seed: int = attrs.field(default=0, validator=_whole(0))
    times: int | None = attrs.field(default=None, validator=_whole(1))

    def __attrs_post_init__(self) -> None:
        given = self.to_dict()
        if not any(name in given for name in _EFFECTS):
            raise ConfigurationError(f"a fault needs an effect: one of {', '.join(_EFFECTS)}")
        for name, others, why in self._clashes():
            for other in others:
                if other in given:
                    raise ConfigurationError(f"a fault cannot have both {name} and {other}: {why}")
        if self.problem and not self.refuses:
            raise ConfigurationError("a fault with a problem needs a status, 300 or more")

    @property
    def breaks(self) -> bool:
        """Whether the connection ends without a response."""
        return bool(self.connection or self.outage)

    @property
    def refuses(self) -> bool:
        """Whether the response's status says that nothing was changed."""
        return self.status is not None and self.status >= 300

    @property
    def executes(self) -> bool:
        """Whether the request is executed anyway."""
        if self.executed is not None:
            return self.executed
        return not (self.breaks or self.refuses or self.body == "garbage")

    def to_dict(self) -> dict[str, Any]:
        """Return the JSON form."""
        fields = attrs.fields(type(self))
        defaults = {field.name: field.default for field in fields}
        values = {field.name: getattr(self, field.name) for field in fields}
        values.update(headers=dict(self.headers), problem=dict(self.problem))
        defaults.update(headers={}, problem={})
        return {name: value for name, value in values.items() if value != defaults[name]}

    @classmethod
    def from_dict(cls, document: object) -> Fault:
        """Build a fault from its JSON form.

        Raises:
            ConfigurationError: the document is invalid; the message says what to change.
        """
        if not isinstance(document, Mapping):
            raise ConfigurationError(f"a fault must be a JSON object, not {document!r}")
        members = cast("Mapping[str, Any]", document)
        names = [field.name for field in attrs.fields(cls)]
        for name in members:
            if name not in names:
                raise ConfigurationError(f"a fault has no {name!r}, only {', '.join(names)}")
        return cls(**members)

    def _clashes(self) -> list[tuple[str, Sequence[str], str]]:
        clashes: list[tuple[str, Sequence[str], str]] = []
        if self.connection:
            clashes.append(("connection", (*_RESPONSE, "outage"), "no response is sent"))
        if self.outage:
            clashes.append(("outage", _RESPONSE, "no response is sent"))
        if self.body == "garbage":
            others = [name for name in _RESPONSE if name != "body"]
            clashes.append(("body garbage", others, "the response is not HTTP"))
        if self.body in ("html", "flood"):
            clashes.append((f"body {self.body}", ("problem",), "the body replaces it"))
        if self.status in _WITHOUT_BODY:
            others = [name for name in _RESPONSE if name not in ("status", "headers")]
            clashes.append((f"status {self.status}", others, "such a response has no body"))
        return clashes
