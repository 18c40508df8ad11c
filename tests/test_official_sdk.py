"""The requests of the official JavaScript SDK (official_sdk.json) match the API table."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from .api_table import ROWS, members

SENT: dict[str, Any] = json.loads((Path(__file__).parent / "official_sdk.json").read_text())
BY_NAME = {row["name"]: row for row in ROWS}
# Names that the release before 0.2.11 gave to members of a body.
FORMER_MEMBERS = {"0.2.7": {"authenticator": "provider"}}


def test_the_official_sdk_sends_every_operation() -> None:
    assert {case["operation"] for case in SENT["cases"]} == set(BY_NAME)


@pytest.mark.parametrize("case", SENT["cases"] + SENT["refusals"], ids=lambda case: case["js"])
def test_each_request_matches_the_documented_operation(case: dict[str, Any]) -> None:
    row = BY_NAME[case["operation"]]
    assert (case["js"], case["method"]) == (row["js"], row["method"])
    path, _, query = case["target"].partition("?")
    assert re.fullmatch("/api" + re.sub(r"\{\w+\}", r"\\{\\w+\\}", row["path"]), path)
    for name, value in parse_qsl(query, strict_parsing=True) if query else ():
        kind = row["query"][name]
        assert not isinstance(kind, list) or re.fullmatch(f"({'|'.join(kind)}):-?1", value)
    assert (case["body"] is None) == (row["body"] is None)
    former = FORMER_MEMBERS.get(case.get("sdk", ""), {})
    sent = {former.get(name, name): value for name, value in (case["body"] or {}).items()}
    assert set(sent) <= set(members(row))
    nulls = {name for name, value in sent.items() if value is None}
    assert nulls <= set((row["body"] or {}).get("nullable", ()))


@pytest.mark.parametrize("case", SENT["cases"], ids=lambda case: case["js"])
def test_each_result_matches_the_documented_response(case: dict[str, Any]) -> None:
    row = BY_NAME[case["operation"]]
    assert case["status"] in (row["status"], None)
    assert case["result"] == ([row["answer"]] if row["paged"] else row["answer"])
    required = set((row["body"] or {}).get("required", ()))
    assert "sdk" in case or required <= set(case["body"] or {})
