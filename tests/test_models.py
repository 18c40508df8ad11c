from __future__ import annotations

import copy
import gc
import json
import pickle
import time
import tracemalloc
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from types import MappingProxyType
from typing import Any

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocloud_async import InvalidRecordError, User, UserPhone, _converter, _record_builder, models
from monocloud_async.models import UserEmail
from monocloud_async.models._record import Record

from .wire import PAGE, TODAY

# Records that the API sent in other years, each with what was different then.
FORMER = {
    "2023": {
        "user_id": "u",
        "usernames": [{"id": "n", "username": "john", "idps": ["monocloud"]}],
        "phone_numbers": [{"id": "p", "primary": True, "authentication_methods": ["phone"]}],
        "idps": [{"idp": "google", "provider_user_id": "g", "claims": {}}],
        "sign_in_count": 3,
        "last_sign_in_ip": "203.0.113.7",
    },
    "July 2024": {
        "user_id": "u",
        "blocked": False,
        "username": {"id": "n", "username": "john", "idps": ["mono_cloud"]},
        "passkeys": [{"id": "k", "is_backed_up": True, "creation_time": 1640975400}],
        "idps": [{"authenticator": "google", "provider_user_id": "g"}],
    },
    "January 2025": {
        "user_id": "u",
        "blocked": True,
        "sign_in_attempts_count": 1,
        "external_providers": [{"authenticator": "acme", "provider_user_id": "g", "claims": {}}],
        "connections": [{"idp": "acme", "connection_id": "c"}],
    },
    "another shape": {
        "user_id": "u",
        "external_providers": [{"provider": "google", "provider_user_id": "g"}],
        "phone_numbers": [{"id": "p", "country": {"code": "GB"}}],
        "extra": {"response": None},
        "_keys": [],
        "response": 1,
    },
    "bare": {"user_id": "u"},
}


@pytest.mark.parametrize("record", [PAGE, TODAY, *FORMER.values()])
def test_a_record_returns_its_json_exactly(record: dict[str, Any]) -> None:
    before = json.dumps(record)
    user = User.from_dict(record)
    assert json.dumps(user.to_dict()) == before
    assert json.dumps(record) == before


def test_the_documented_record_is_read() -> None:
    user = User.from_dict(PAGE)
    assert user.user_id == "UOtBaOybB6dTpIJNrnkRw"
    assert user.creation_time == datetime(2021, 12, 31, 18, 30, tzinfo=timezone.utc)
    assert user.primary_phone is None
    assert user.phone_numbers[0].phone == "+441514960453"
    assert user.idps[0].claims["email_verified"] == "true"
    assert user.disabled is True
    assert user.extra == {}
    assert user.response is None


def test_the_current_record_is_read() -> None:
    user = User.from_dict(TODAY)
    assert user.primary_phone == user.phone_numbers[1]
    assert user.username is None
    assert user.connections[1].idp == "google"
    assert user.block_until is None
    assert user.private_data["big"] == 2**64 + 1


def test_missing_and_null_members_are_told_apart() -> None:
    assert "username" not in User.from_dict({"user_id": "u"}).to_dict()
    assert User.from_dict({"user_id": "u", "username": None}).to_dict()["username"] is None


def test_a_changed_copy_serializes_its_new_values() -> None:
    user = User.from_dict(TODAY)
    phone = attrs.evolve(user.phone_numbers[0], primary=True, source=None)
    changed = attrs.evolve(
        user,
        phone_numbers=(phone,),
        disabled=True,
        creation_time=datetime(2026, 1, 1, tzinfo=timezone(timedelta(hours=1))),
        last_activity=None,
        blocked=False,
        extra={"new": 1},
    )
    expected = TODAY | {
        "phone_numbers": [TODAY["phone_numbers"][0] | {"primary": True, "source": None}],
        "disabled": True,
        "creation_time": 1767222000,
        "last_activity": None,
        "blocked": False,
        "new": 1,
    }
    assert changed.to_dict() == expected
    assert user.to_dict() == TODAY
    without = attrs.evolve(changed, extra={}, blocked=None)
    assert "new" not in without.to_dict()


def test_a_record_can_be_constructed_directly() -> None:
    user = User(user_id="u", phone_numbers=(UserPhone(id="p", primary=True),), claims={"a": None})
    assert user.to_dict() == {
        "user_id": "u",
        "claims": {"a": None},
        "phone_numbers": [{"id": "p", "primary": True}],
    }
    assert user == User.from_dict(user.to_dict())


@pytest.mark.parametrize("record", [PAGE, TODAY, {"user_id": "u", "new": {"a": [1]}}])
def test_records_are_values(record: dict[str, Any]) -> None:
    user = User.from_dict(record)
    twins = (
        User.from_dict(record),
        pickle.loads(pickle.dumps(user)),
        copy.copy(user),
        copy.deepcopy(user),
    )
    for twin in twins:
        assert twin == user
        assert hash(twin) == hash(user)
        assert twin.to_dict() == record
    assert user != attrs.evolve(user, user_id="other")
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        user.user_id = "other"  # type: ignore[misc]


def test_a_record_shares_nothing_with_its_json() -> None:
    data = copy.deepcopy(TODAY)
    data["unknown"] = {"list": [1]}
    user = User.from_dict(data)
    expected = copy.deepcopy(data)
    data["claims"]["address"]["country"] = "XX"
    data["unknown"]["list"].append(2)
    given = user.to_dict()
    given["public_data"]["color_preference"].clear()
    given["unknown"]["list"].clear()
    given["phone_numbers"].clear()
    assert user.to_dict() == expected


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"user_id": None}, "$.user_id"),
        ({"user_id": 7}, "$.user_id"),
        ({"disabled": None}, "$.disabled"),
        ({"disabled": "false"}, "$.disabled"),
        ({"disabled": 0}, "$.disabled"),
        ({"failure_count": True}, "$.failure_count"),
        ({"failure_count": 1.0}, "$.failure_count"),
        ({"failure_count": "3"}, "$.failure_count"),
        ({"claims": None}, "$.claims"),
        ({"claims": []}, "$.claims"),
        ({"emails": None}, "$.emails"),
        ({"emails": {}}, "$.emails"),
        ({"emails": ""}, "$.emails"),
        ({"emails": [{}]}, "$.emails[0].id"),
        ({"emails": [None]}, "$.emails[0]"),
        ({"phone_numbers": [{"id": "p"}, {"id": "q", "primary": "true"}]},
         "$.phone_numbers[1].primary"),
        ({"phone_numbers": [{"id": "p", "idps": "google"}]}, "$.phone_numbers[0].idps"),
        ({"phone_numbers": [{"id": "p", "idps": [1]}]}, "$.phone_numbers[0].idps[0]"),
        ({"username": "john"}, "$.username"),
        ({"username": {"id": None}}, "$.username.id"),
        ({"creation_time": "1640975400"}, "$.creation_time"),
        ({"creation_time": None}, "$.creation_time"),
        ({"creation_time": True}, "$.creation_time"),
        ({"creation_time": 1640975400000}, "$.creation_time"),
        ({"creation_time": 1e300}, "$.creation_time"),
        ({"creation_time": float("nan")}, "$.creation_time"),
        ({"last_updated": "x"}, "$.last_updated"),
    ],
)  # fmt: skip
def test_an_invalid_record_is_refused_with_the_path(change: dict[str, Any], path: str) -> None:
    with pytest.raises(InvalidRecordError) as caught:
        User.from_dict(PAGE | change)
    assert caught.value.path == path
    assert path in str(caught.value)


@pytest.mark.parametrize("junk", [None, [], "u", 7, {}, {"user_ID": "u"}])
def test_junk_is_not_read_as_a_user(junk: Any) -> None:
    with pytest.raises(InvalidRecordError, match="User: "):
        User.from_dict(junk)


def test_an_error_does_not_show_the_value() -> None:
    with pytest.raises(InvalidRecordError) as caught:
        User.from_dict({"user_id": "u", "disabled": "+441514960453"})
    assert "+44" not in str(caught.value)


@pytest.mark.parametrize("seconds", [0, -1, 1640975400, 1640975400.5, 253402300799, 1.0])
def test_times_round_trip(seconds: float) -> None:
    user = User.from_dict({"user_id": "u", "creation_time": seconds})
    assert user.creation_time
    assert user.creation_time.tzinfo is timezone.utc
    assert user.to_dict()["creation_time"] == seconds


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)
free = st.dictionaries(st.text(), json_values, max_size=4)
times = st.integers(-62_135_596_800, 253_402_300_799)
phones = st.fixed_dictionaries(
    {"id": st.text()},
    optional={
        "phone": st.text(),
        "primary": st.booleans(),
        "verified": st.booleans(),
        "source": st.none() | st.text(),
        "verification_source": st.none() | st.text(),
        "authenticators": st.lists(st.text()),
        "idps": st.lists(st.text()),
        "unknown": json_values,
    },
)
users = st.fixed_dictionaries(
    {"user_id": st.text()},
    optional={
        "disabled": st.booleans(),
        "claims": free,
        "private_data": free,
        "phone_numbers": st.lists(phones, max_size=3),
        "username": st.none() | st.fixed_dictionaries({"id": st.text()}),
        "creation_time": times,
        "last_updated": st.none() | times,
        "failure_count": st.integers(),
        "last_known_city": st.none() | st.text(),
        "response": json_values,
        "extra": json_values,
    },
)


@given(users, st.dictionaries(st.text(), json_values, max_size=3))
def test_any_record_round_trips(known: dict[str, Any], more: dict[str, Any]) -> None:
    fields = {a.name for a in attrs.fields(User)}
    record = {k: v for k, v in more.items() if k not in fields} | known
    user = User.from_dict(record)
    assert user.to_dict() == record
    assert list(user.to_dict()) == list(record)
    assert pickle.loads(pickle.dumps(user)) == user


def test_nested_records_are_records_too() -> None:
    email = UserEmail.from_dict({"id": "e", "email": "a@example.com", "new": 1})
    assert email.extra == {"new": 1}
    assert email.to_dict() == {"id": "e", "email": "a@example.com", "new": 1}


@pytest.mark.parametrize(
    "name", ["extra", "_keys", "response", "to_dict", "made", "v0", "kind", "__class__", "a'b\n"]
)
def test_a_member_named_like_an_internal_name_is_an_unknown_member(name: str) -> None:
    sent = {name: 1, "user_id": "u", "emails": [{name: [2], "id": "e"}]}
    user = User.from_dict(sent)
    assert type(user) is User
    assert user.extra == {name: 1}
    assert user.response is None
    assert user.to_dict() == sent
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        user.user_id = "v"  # type: ignore[misc]


def test_records_of_many_shapes_are_read() -> None:
    for number in range(200):
        sent = {f"new_{number}": None, "user_id": "u", "disabled": False}
        assert User.from_dict(sent).to_dict() == sent


def builder_of(kind: type[Any]) -> _record_builder.RecordBuilder:
    """Return the record builder of a class, from a new converter."""
    make: Any = _converter._build(detailed=False).get_structure_hook(kind)
    builder = make.__self__
    assert isinstance(builder, _record_builder.RecordBuilder)
    return builder


def test_only_a_few_of_many_shapes_are_cached() -> None:
    builder = builder_of(User)
    wide = {f"new_{number}": None for number in range(1_000)} | {"user_id": "u"}
    assert builder.structure(wide, None).to_dict() == wide
    assert not builder._orders
    for number in range(200):
        sent = {f"new_{number}": None, "user_id": "u", "disabled": False}
        assert builder.structure(sent, None).to_dict() == sent
    assert len(builder._orders) == _record_builder._MOST_ORDERS
    with pytest.raises(KeyError, match="user_id"):
        builder.structure({"disabled": 7}, None)


@pytest.fixture
def written(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that collects the source of each function that a new converter writes."""
    texts: list[str] = []

    def counted(text: str, names: dict[str, Any]) -> None:
        texts.append(text)
        exec(text, names)

    monkeypatch.setattr(_record_builder, "exec", counted, raising=False)
    monkeypatch.setattr(_converter, "_converter", _converter._build(detailed=False))
    monkeypatch.setattr(_converter, "_hooks", _converter._Hooks())
    return texts


def new_class(number: int) -> type[Record]:
    members: dict[str, Any] = {"id": attrs.field(type=str)}
    members |= {f"text_{n}": attrs.field(type=str | None, default=None) for n in range(9)}
    members["parts"] = attrs.field(type=tuple[UserPhone, ...], default=())
    return attrs.make_class(f"New{number}", members, bases=(Record,), frozen=True, slots=True)


def test_a_function_is_written_once_per_class_and_at_most_one_per_call(written: list[str]) -> None:
    kinds = [new_class(number) for number in range(60)]
    sent = {"id": "i", "parts": [{"id": "p"}], "text_1": "t"}
    for turn in range(2 * _record_builder.WORTH_WRITING):
        for kind in kinds:
            before = len(written)
            shape = {f"new_{turn}": None, **sent} if turn % 2 else sent
            assert _converter.structure(shape, kind).to_dict() == shape
            assert len(written) - before <= 1
        if turn < _record_builder.WORTH_WRITING - 1:
            assert len(written) == 1  # for UserPhone, which every class contains
    assert len(written) == len(kinds) + 1
    assert not any("new_" in text for text in written)


def test_no_call_waits_long_for_a_function_to_be_written(written: list[str]) -> None:
    worst = []
    gc.disable()
    try:
        for _ in range(3):
            _converter._converter = _converter._build(detailed=False)
            _converter._hooks.clear()
            _converter.structure(TODAY, User)
            worst.append(max(processor_seconds(number) for number in range(200)))
    finally:
        gc.enable()
    assert len(written) == 3 * len({"User", "Connection", "Email", "Phone", "Passkey", "Provider"})
    # It takes 1 ms. Writing one function per shape took 37 ms.
    assert min(worst) < 0.005


def processor_seconds(number: int) -> float:
    """Return the CPU time that a user with a new shape takes to read."""
    sent = {**TODAY, f"new_{number}": None}
    started = time.thread_time()
    _converter.structure(sent, User)
    return time.thread_time() - started


def test_a_list_of_records_is_read() -> None:
    sent = [{"id": "p", "primary": True, "new": 1}, {"id": "q"}]
    made = _converter.structure(sent, tuple[UserPhone, ...])
    assert made == tuple(UserPhone.from_dict(one) for one in sent)
    assert [one.to_dict() for one in made] == sent
    assert _converter.structure([], tuple[User, ...]) == ()
    assert _converter.structure(["a", "b"], tuple[str, ...]) == ("a", "b")


@pytest.mark.parametrize(
    ("sent", "path", "reason"),
    [
        ([{"user_id": "u"}] * 3 + [{}], "$[3].user_id", "required member missing"),
        ([{"user_id": "u"}, {"user_id": 7}], "$[1].user_id", "expected a string, got an integer"),
        ([{"user_id": "u", "emails": [{}]}], "$[0].emails[0].id", "required member missing"),
        ([None], "$[0]", "expected an object, got null"),
        ({"user_id": "u"}, "$", "expected an array, got an object"),
        (None, "$", "expected an array, got null"),
    ],
)
def test_an_invalid_list_of_records_is_refused(sent: Any, path: str, reason: str) -> None:
    with pytest.raises(InvalidRecordError) as caught:
        _converter.structure(sent, tuple[User, ...])
    assert caught.value.path == path
    assert str(caught.value).startswith(f"list of User: {reason}")


def test_a_class_made_at_run_time_is_read() -> None:
    kind = new_class(7)
    sent = {"id": "i", "text_3": "t", "parts": [{"id": "p"}], "other": None}
    for data, how in ((sent, kind), ([sent], tuple[kind, ...])):  # type: ignore[valid-type]
        made: Any = _converter.structure(data, how)
        first = made if how is kind else made[0]
        assert type(first) is kind
        assert first.to_dict() == sent
    with pytest.raises(InvalidRecordError, match=r"New7: expected a string, got null at \$\.id"):
        _converter.structure({"id": None}, kind)


def test_a_class_with_string_annotations_is_read() -> None:
    kind = attrs.make_class(
        "Late", {"at": attrs.field(type="datetime | None", default=None)}, bases=(Record,)
    )
    kind.__module__ = __name__
    made: Any = _converter.structure({"at": 1640975400}, kind)
    assert made.at == datetime(2021, 12, 31, 18, 30, tzinfo=timezone.utc)


KINDS = [getattr(models, name) for name in models.__all__]
BUILDERS = {kind: builder_of(kind) for kind in KINDS}
WRITTEN = {kind: builder.written() for kind, builder in BUILDERS.items()}
VALUES = (None, True, 7, 1.5, "s", [], ["s"], [None], {}, {"id": "i"}, {"idp": "i"}, [{"id": "i"}])


def assert_same_either_way(kind: type[Any], sent: dict[str, Any]) -> None:
    """Check that the written function does what the loop does."""

    def outcome(build: Callable[[dict[str, Any], None], Any]) -> Any:
        try:
            made = build(sent, None)
        except (KeyError, ValueError) as error:
            return type(error), error.args
        values = {a.name: getattr(made, a.name) for a in attrs.fields(kind)}
        return type(made), values, repr(values), list(made.extra), json.dumps(made.to_dict())

    assert outcome(BUILDERS[kind].looped) == outcome(WRITTEN[kind])


@pytest.mark.parametrize("kind", KINDS)
def test_the_loop_and_the_function_agree_on_each_member(kind: type[Any]) -> None:
    required = {a.name: "i" for a in attrs.fields(kind) if a.default is attrs.NOTHING}
    for attribute in attrs.fields(kind):
        for value in VALUES:
            assert_same_either_way(kind, required | {attribute.name: value})


@st.composite
def shapes(draw: st.DrawFn) -> tuple[type[Any], dict[str, Any]]:
    """Draw a record class and JSON that may be valid for it, with some members in any order."""
    kind = draw(st.sampled_from(KINDS))
    known = [attribute.name for attribute in attrs.fields(kind)]
    required = [a.name for a in attrs.fields(kind) if a.default is attrs.NOTHING]
    names = st.sampled_from([*known, *required, "__class__", "v0", "kind"]) | st.text(max_size=3)
    sent = draw(st.lists(st.tuples(names, st.sampled_from(VALUES) | json_values), max_size=8))
    ids = [(name, "i") for name in required] if draw(st.integers(0, 4)) else []
    return kind, dict(draw(st.permutations(sent + ids)))


@given(shapes())
def test_the_loop_and_the_function_agree_on_any_record(
    shape: tuple[type[Any], dict[str, Any]],
) -> None:
    assert_same_either_way(*shape)


def test_records_share_no_mutable_value() -> None:
    one, other = User.from_dict({"user_id": "u"}), User.from_dict({"user_id": "u"})
    for name in ("extra", "claims", "public_data", "private_data"):
        assert getattr(one, name) == {}
        assert getattr(one, name) is not getattr(other, name)


@pytest.mark.parametrize("kind", [OrderedDict, MappingProxyType])
def test_a_record_can_be_made_from_any_mapping(kind: Any) -> None:
    assert User.from_dict(kind({"user_id": "u"})).to_dict() == {"user_id": "u"}


def test_a_record_nested_too_deeply_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(InvalidRecordError, match="nested too deeply"):
        User.from_dict({"user_id": "u", "claims": {"deep": deep}})


def test_a_value_that_is_not_json_is_named_by_its_type() -> None:
    with pytest.raises(InvalidRecordError, match="expected an array, got tuple"):
        User.from_dict({"user_id": "u", "emails": ()})


def test_long_member_names_are_not_cached() -> None:
    make = _converter._build(detailed=False).get_structure_hook(User)
    tracemalloc.start()
    try:
        for n in range(100):
            make({"user_id": "u", f"{n}{'x' * 500_000}": 1}, User)
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 2_000_000
