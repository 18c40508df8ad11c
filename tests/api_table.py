"""The documented API (api.json) and the calls that tests make from it.

The table is written by hand: the client and the emulator share their declarations, so only a
table that no code generated can show that both are wrong. Its terms:

- ``body``: null for a request without a body. ``optional`` members alone still make a JSON object.
  Omitting a member of ``defaults`` and sending its value mean the same to the API. A request has
  exactly one of ``alternatives``. With ``not_empty``, a request without any member is refused
  before it is sent.
- ``query``: the query parameters; a list names the fields to sort by.
- ``repeat``: what a second request does after a lost answer. This is our own judgement: the API
  documentation does not say.
- ``status_inferred``: no page of the documentation shows the status; ``errors`` is null where no
  page shows them. Every operation can answer 401 and 403.
- ``may_be_empty``: older servers answer without a body.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

TABLE: dict[str, Any] = json.loads((Path(__file__).parent / "api.json").read_text())
ROWS: list[dict[str, Any]] = TABLE["operations"]
ANSWERS: dict[str, Any] = TABLE["answers"]

IDS = ("a/b c", "ü?d=1&e#f%2e", "x+y;z")
TEXT = 'ä "b" & c=d/e?+%2B'
SAMPLES: dict[str, Any] = {
    "string": TEXT,
    "integer": 7,
    "seconds": 3600,
    "email": "ada+test@example.com",
    "e164": "+441514960453",
    "ip": "2001:db8::7",
    "url": "https://example.com/a?b=c&d=%20",
    "date": "1990-05-17",
    "zone": "Europe/London",
    "locale": "en-GB",
    "algorithm": "bcrypt",
    "bcrypt": "$2b$12$R9h/cIPz0gi.URNNX3kh2OPST9/PgBkqquzi.Ss7KIUgO2t0jWMUW",
    "object": {"theme": None, "größe": [1, 2.5, {"on": True}]},
    "address": {
        "formatted": "1 High Street\nLondon",
        "street_address": "1 High Street",
        "locality": "London",
        "region": "Greater London",
        "postal_code": "N1 9GU",
        "country": "GB",
    },
}


@dataclass(frozen=True)
class Call:
    """One call of an operation, and the request that it must send.

    Attributes:
        ids: the values of the path parameters, in order.
        arguments: all other arguments, by the API's names.
        target: the path that must be sent.
        query: the query parameters that must be sent, and no others.
        body: the JSON that must be sent; None for no body.
        defaults: members of the body that may be sent even if the caller did not give them.
    """

    ids: tuple[str, ...]
    arguments: dict[str, Any]
    target: str
    query: dict[str, str]
    body: dict[str, Any] | None
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def page(self) -> int:
        return int(self.query.get("page", 1))


def calls(row: dict[str, Any]) -> Iterator[Call]:
    """Yield calls with only the required arguments, with every argument, and with None."""
    yield _call(row, {}, _smallest(row))
    for body in _fullest(row):
        yield _call(row, {name: _argument(name, kind) for name, kind in row["query"].items()}, body)
    unset = {name: None for name in row["query"] if name not in ("page", "size")}
    if unset:
        yield _call(row, unset, _smallest(row))
    if row["method"] == "PATCH" and row["body"]["nullable"]:
        yield _call(row, {}, dict.fromkeys(row["body"]["nullable"]))
    if "address" in members(row):
        yield _call(row, {}, {"address": {"locality": None, "country": "GB"}})


def members(row: dict[str, Any]) -> dict[str, Any]:
    """Return every member that the body may have, with its kind."""
    body = row["body"] or {"required": {}, "optional": {}}
    return {**body["required"], **body["optional"]}


def example(row: dict[str, Any]) -> Any:
    """Return the record that the API answers with; a list gets a second item with a new member."""
    if row["answer"] is None:
        return None
    answer = ANSWERS[row["answer"]]
    return [answer, {**answer, "added_later": {"x": [1, None]}}] if row["paged"] else answer


def content(row: dict[str, Any]) -> bytes:
    """Return the body of the API's answer."""
    return b"" if row["answer"] is None else json.dumps(example(row)).encode()


def paging(row: dict[str, Any], call: Call) -> dict[str, str]:
    """Return the header that marks the last page of a list, or no headers."""
    if not row["paged"]:
        return {}
    size, before = int(call.query.get("size", 50)), call.page - 1
    header = {
        "page_size": size,
        "current_page": call.page,
        "total_count": before * size + 2,
        "has_previous": before > 0,
        "has_next": False,
    }
    return {"X-Pagination": json.dumps(header)}


def _call(row: dict[str, Any], query: dict[str, Any], body: dict[str, Any]) -> Call:
    ids = IDS[: len(row["path_parameters"])]
    target = "/api" + row["path"]
    for name, value in zip(row["path_parameters"], ids, strict=True):
        target = target.replace(f"{{{name}}}", quote(value, safe=""))
    return Call(
        ids=ids,
        arguments={**query, **body},
        target=target,
        query={name: str(value) for name, value in query.items() if value is not None},
        body=None if row["body"] is None else body,
        defaults=row["body"]["defaults"] if row["body"] else {},
    )


def _smallest(row: dict[str, Any]) -> dict[str, Any]:
    """Return the smallest valid body."""
    body = row["body"]
    if body is None:
        return {}
    names = list(body["required"])
    if body.get("not_empty"):
        names += body.get("alternatives", [[next(iter(body["optional"]))]])[0]
    return {name: _value(row, name) for name in names}


def _fullest(row: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield bodies with every member, one for each alternative."""
    alternatives = (row["body"] or {}).get("alternatives", [[]])
    for chosen in alternatives:
        others = {name for names in alternatives for name in names} - set(chosen)
        yield {name: _value(row, name) for name in members(row) if name not in others}


def _value(row: dict[str, Any], name: str) -> Any:
    kind = members(row)[name]
    if kind == "boolean":
        return not row["body"]["defaults"].get(name, False)
    return SAMPLES[kind]


def _argument(name: str, kind: Any) -> Any:
    if isinstance(kind, list):
        return f"{kind[-1]}:-1"
    return 3 if name == "page" else SAMPLES[kind]
