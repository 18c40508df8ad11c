"""Both example records with members removed, set to null, given another type, or added.

Each mutant is either given back exactly or refused with its JSON path. No value is coerced.
"""

from __future__ import annotations

import copy
import json
import re
import time
from collections.abc import Iterator
from typing import Any

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monocloud_async import InvalidRecordError, MonoCloudClient, ResponseDecodeError, User
from monocloud_async._json import parse
from monocloud_async.models import UserUsername

from .conftest import FAST
from .wire import PAGE, TODAY, Wire, Writer, answer

RECORDS = {"page": PAGE, "today": TODAY}
Path = tuple[Any, ...]

# What the API promises, independent of the SDK's models: the name of a type, or a list of one item.
# A mark after a member's name: "?" may be null, "!" is required.
IDENTIFIER = {"id!": "string", "primary": "boolean", "verified": "boolean", "source?": "string",
              "verification_source?": "string", "authenticators": ["string"],
              "idps": ["string"]}  # fmt: skip
PROVIDER = {"provider_user_id!": "string", "authenticator": "string", "claims": "object"}
USER: dict[str, Any] = {
    "user_id!": "string", "disabled": "boolean", "claims": "object", "public_data": "object",
    "private_data": "object", "emails": [{**IDENTIFIER, "email": "string"}],
    "phone_numbers": [{**IDENTIFIER, "phone": "string"}],
    "username?": {"id!": "string", "username": "string", "source?": "string",
                  "authenticators": ["string"], "idps": ["string"]},
    "passkeys": [{"passkey_id": "string", "name?": "string", "public_key": "string",
                  "aa_guid": "string", "backup_state": "boolean", "backup_eligibility": "boolean",
                  "user_present": "boolean", "user_verified": "boolean", "user_agent": "string"}],
    "connections": [{"connection_id!": "string", "idp": "string"}],
    "external_providers": [PROVIDER], "idps": [PROVIDER], "creation_time": "time",
    "last_updated?": "time", "password_updated_at?": "time", "block_until?": "time",
    "last_sign_in_attempt?": "time", "last_sign_in_success?": "time", "last_activity?": "time",
    "has_password": "boolean", "force_password_reset": "boolean", "failure_count": "integer",
    "sign_in_attempts_count": "integer", "sign_in_success_count": "integer",
    "last_sign_in_attempt_ip?": "string", "last_sign_in_success_ip?": "string",
    "last_known_city?": "string", "last_known_region?": "string", "last_known_country?": "string",
}  # fmt: skip
TYPES = {"string": str, "boolean": bool, "integer": int, "object": dict}
FIRST_SECOND, LAST_SECOND = -62_135_596_800, 253_402_300_799  # of years 1 and 9999

VALUES: list[Any] = [
    None, True, False, 0, 1, -1, 1640975400, 2**64, 0.0, 1.5, -1e-300, 1e300, "", "text", "0", "1",
    "null", "true", "false", "1640975400", "2021-12-31T18:30:00Z", "\ud800", [], [None], [1],
    [[]], [{}], ["text"], {}, {"id": "x"}, {"a": None}, {"": {"": []}},
]  # fmt: skip


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """Yield the path of every member and item of a record, at every depth."""
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield (*path, key)
            yield from places(item, (*path, key))


def objects(record: Any) -> Iterator[Path]:
    yield ()
    yield from (path for path in places(record) if isinstance(at(record, path), dict))


def at(record: Any, path: Path) -> Any:
    for key in path:
        record = record[key]
    return record


def changed(record: Any, path: Path, value: Any) -> Any:
    record = copy.deepcopy(record)
    at(record, path[:-1])[path[-1]] = value
    return record


def without(record: Any, path: Path) -> Any:
    record = copy.deepcopy(record)
    del at(record, path[:-1])[path[-1]]
    return record


def json_path(path: Path) -> str:
    return "$" + "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path)


def flaws(value: Any, promised: Any, path: str = "$", *, nullable: bool = False) -> list[str]:
    """Return the JSON paths that break the promise; for a list, those of its first bad item."""
    if nullable and value is None:
        return []
    if isinstance(promised, list):
        if type(value) is not list:
            return [path]
        found = [flaws(item, promised[0], f"{path}[{n}]") for n, item in enumerate(value)]
        found = [several for several in found if several][:1]
    elif isinstance(promised, dict):
        if type(value) is not dict:
            return [path]
        found = [_member_flaws(value, mark, kind, path) for mark, kind in promised.items()]
    elif promised == "time":
        return [] if _is_time(value) else [path]
    else:
        return [] if type(value) is TYPES[promised] else [path]
    return [flaw for several in found for flaw in several]


def _is_time(value: Any) -> bool:
    # No finer than a microsecond, because a datetime holds no more.
    if type(value) not in (int, float) or round(value, 6) != value:
        return False
    return FIRST_SECOND <= value < LAST_SECOND + 1


def _member_flaws(value: dict[str, Any], mark: str, kind: Any, path: str) -> list[str]:
    name = mark.rstrip("?!")
    where = f"{path}.{name}"
    if name not in value:
        return [where] if mark.endswith("!") else []
    return flaws(value[name], kind, where, nullable=mark.endswith("?"))


def same(one: Any, other: Any) -> bool:
    """Return whether two records are the same JSON in the same order; 1, 1.0 and true differ."""
    return json.dumps(_with_whole_times(one)) == json.dumps(_with_whole_times(other))


def _with_whole_times(record: Any) -> Any:
    # The only difference allowed: a time of 0.0 s comes back as 0, which is the same time.
    times = [mark.rstrip("?") for mark, kind in USER.items() if kind == "time"]
    whole = {k: int(v) for k, v in record.items() if k in times and v is not None and v % 1 == 0}
    return {**record, **whole}


def outcome(mutant: Any) -> str:
    """Check that a mutant is given back exactly or refused as expected; return which it was."""
    expected = flaws(mutant, USER)
    if not expected:
        user = User.from_dict(mutant)
        assert same(user.to_dict(), mutant)
        assert User.from_dict(user.to_dict()) == user
        assert attrs.evolve(user).to_dict() == mutant
        return "accepted"
    with pytest.raises(InvalidRecordError) as caught:
        User.from_dict(mutant)
    assert caught.value.path in expected
    assert caught.value.path in str(caught.value)
    more = f"(and {len(expected) - 1} more)" if len(expected) > 1 else caught.value.path
    assert str(caught.value).endswith(more)
    return "refused"


@pytest.mark.parametrize("name", RECORDS)
def test_each_member_is_tried_with_every_other_type(name: str) -> None:
    record = RECORDS[name]
    outcomes = [
        outcome(changed(record, path, value)) for path in places(record) for value in VALUES
    ]
    assert outcomes.count("accepted") > 500
    assert outcomes.count("refused") > 1000


@pytest.mark.parametrize("name", RECORDS)
def test_each_member_can_be_missing_unless_it_is_required(name: str) -> None:
    record = RECORDS[name]
    outcomes = [outcome(without(record, path)) for path in places(record)]
    ids = re.findall(r'"(?:user_id|id|provider_user_id|connection_id)"', json.dumps(record))
    assert outcomes.count("refused") == len(ids)
    assert outcomes.count("accepted") > 30


@pytest.mark.parametrize("name", RECORDS)
def test_unknown_members_are_kept_in_each_object(name: str) -> None:
    record = RECORDS[name]
    for path in objects(record):
        for number, value in enumerate(VALUES[::3]):
            for key in (f"new_{number}", "extra", "_keys", "response", "", "a.b", "$", "self"):
                mutant = changed(record, (*path, key), value)
                assert same(User.from_dict(mutant).to_dict(), mutant), (path, key, value)
                moved = {key: value, **at(record, path)}
                first = changed(record, path, moved) if path else moved
                assert same(User.from_dict(first).to_dict(), first), (path, key, value)


@pytest.mark.parametrize("name", RECORDS)
def test_each_repeated_member_is_refused(name: str) -> None:
    # As text, because a dict cannot repeat a name.
    record = RECORDS[name]
    for path in places(record):
        if isinstance(path[-1], int):
            continue
        twice = changed(record, (*path[:-1], "__twice__"), at(record, path))
        text = json.dumps(twice).replace("__twice__", path[-1])
        with pytest.raises(ValueError, match="an object in it repeats a name"):
            parse(text.encode())


@pytest.mark.parametrize("name", RECORDS)
async def test_an_invalid_response_is_reported_as_applied_with_the_path(
    name: str,
) -> None:
    record = RECORDS[name]
    mutants = [
        (mutant, expected)
        for path in places(record)
        for value in (None, [7], "7", 7, {})
        if (expected := flaws(mutant := changed(record, path, value), USER))
    ]
    served: list[Any] = []

    async def step(writer: Writer) -> None:
        await answer(200, served[-1])(writer)

    async with Wire(step) as wire, MonoCloudClient(wire.url, "key", retry=FAST) as client:
        for mutant, expected in mutants:
            served.append(mutant)
            with pytest.raises(ResponseDecodeError, match="was applied") as caught:
                await client.phones.set_primary("u", "p")
            assert caught.value.path in expected
            assert caught.value.attempts == 1
    assert len(wire.requests) == len(mutants) > 200


@pytest.mark.parametrize("item", [1, {}, {"id": 1}, None])
def test_a_long_list_of_invalid_items_is_refused_at_the_first(item: Any) -> None:
    began = time.process_time()
    with pytest.raises(InvalidRecordError) as caught:
        User.from_dict({"user_id": "u", "emails": [{"id": "e"}] * 3 + [item] * 100_000})
    assert caught.value.path.startswith("$.emails[3]")
    # Describing every item would take seconds and block the loop that all other calls share.
    assert time.process_time() - began < 2.0


def test_attributes_have_their_declared_types() -> None:
    for record in RECORDS.values():
        user = User.from_dict(record)
        for key, value in record.items():
            attribute = getattr(user, key)
            if type(value) in (str, bool, type(None)) or key.endswith("_count"):
                assert type(attribute) is type(value)
            elif isinstance(value, int):
                assert attribute.timestamp() == value
        assert user.username is None or isinstance(user.username, UserUsername)


some_json = st.recursive(
    st.sampled_from(VALUES) | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner,
                                                                 max_size=3),
    max_leaves=5,
)  # fmt: skip
changes = st.tuples(st.integers(0, 10**6), st.booleans(), some_json)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(RECORDS)), st.lists(changes, min_size=1, max_size=4))
def test_several_mutations_at_once_are_read_or_refused(
    name: str, several: list[tuple[int, bool, Any]]
) -> None:
    mutant: Any = RECORDS[name]
    for number, drops, value in several:
        every = list(places(mutant))
        path = every[number % len(every)]
        mutant = without(mutant, path) if drops else changed(mutant, path, value)
    before = copy.deepcopy(mutant)
    outcome(mutant)
    assert mutant == before
