"""How records are displayed, in logs and in notebooks."""

from __future__ import annotations

import re
from datetime import datetime
from html.parser import HTMLParser
from typing import Any

import attrs
import pytest
import rich.pretty
from hypothesis import given
from hypothesis import strategies as st

from monocloud_async import User, UserPhone, models
from monocloud_async.models._record import AnswerRecord, Record, secret_text
from monocloud_async.response import Headers, Response

from .wire import PAGE, TODAY


@attrs.frozen(kw_only=True)
class Reset(AnswerRecord):
    id: str | None = None
    link: str | None = secret_text()
    token_id: str | None = secret_text()
    expires_at: datetime | None = None


SECRET = "https://acme.example/reset?code=xyzzy"


class Tables(HTMLParser):
    """Parses tables, and refuses any other tag and any attribute."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.cells: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        assert tag in ("table", "tr", "th", "td")
        assert not given
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        assert self.open[-1] in ("th", "td")
        self.cells.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    handle_decl = unknown_decl = handle_pi = handle_comment


def shown(record: Record) -> list[str]:
    return Tables(record._repr_html_()).cells


def test_a_repr_shows_the_class_the_ids_and_counts() -> None:
    assert repr(User.from_dict(TODAY)) == (
        "User(user_id='UOtBaOybB6dTpIJNrnkRw', emails=<1>, phone_numbers=<2>, passkeys=<1>, "
        "connections=<2>, external_providers=<1>)"
    )
    assert repr(UserPhone(id="p", phone="+441514960453")) == "UserPhone(id='p')"
    assert repr(User.from_dict({"user_id": "u"})) == str(User(user_id="u")) == "User(user_id='u')"


@pytest.mark.parametrize("width", [20, 500])
def test_rich_shows_the_same_as_the_repr(width: int) -> None:
    for record in (User.from_dict(TODAY), UserPhone(id="p", phone="+441514960453")):
        shown = rich.pretty.pretty_repr([record], max_width=width)
        assert re.sub(r"\s+", "", shown) == re.sub(r"\s+|,(?=\))", "", repr([record]))
    reset = Reset(id="r", link=SECRET, extra={"ticket": SECRET})
    assert SECRET not in rich.pretty.pretty_repr({"answers": (reset,)})


@pytest.mark.parametrize("record", [PAGE, TODAY])
def test_a_repr_shows_nothing_private(record: dict[str, Any]) -> None:
    text = repr(User.from_dict({**record, "new": "secret"}))
    assert len(text) <= 200
    for private in ("+44", "user@example", "John", "claims", "premium", "Mozilla", "new", "secret"):
        assert private not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("x" * 1_000_000, f"'{'x' * 39}…'"),
        ("x" * 40, f"'{'x' * 40}'"),
        ("a\r\nFAKE LOG\x1b[31m\x00", r"'a\r\nFAKE LOG\x1b[31m\x00'"),
        ("\u202egnp.exe", r"'\u202egnp.exe'"),
        ("it's", '"it\'s"'),
        ("john@example.com", "…"),
        ("+441514960453", "…"),
    ],
)
def test_an_id_is_shown_safely_and_briefly(value: str, text: str) -> None:
    assert repr(User(user_id=value)) == f"User(user_id={text})"


KINDS = [getattr(models, name) for name in models.__all__]


@given(st.sampled_from(KINDS), st.text(max_size=300) | st.sampled_from(["\U000e0001" * 50]))
def test_a_repr_is_always_one_short_line(kind: type[Any], value: str) -> None:
    members = {a.name: value for a in attrs.fields(kind) if a.type in (str, str | None)}
    text = repr(kind(**members))
    assert len(text) <= 200
    assert text.isprintable()


def test_a_repr_with_many_ids_is_cut() -> None:
    members = {f"{letter}_id": attrs.field(type=str, default="x" * 40) for letter in "abcdefghij"}
    many = attrs.make_class("Many", members, bases=(Record,), frozen=True, repr=False)()
    assert len(repr(many)) <= 200
    assert repr(many).endswith(", …)")


def test_a_subclass_inherits_the_repr_or_defines_its_own() -> None:
    @attrs.frozen(kw_only=True)
    class Mine(UserPhone):
        note: str = ""

    @attrs.frozen(kw_only=True)
    class Custom(UserPhone):
        def __repr__(self) -> str:
            return "custom"

    assert repr(Mine(id="p", note="private")) == "Mine(id='p')"
    assert repr(Custom(id="p")) == "custom"


def test_only_to_dict_shows_a_secret() -> None:
    reset = Reset.from_dict({"id": "r", "link": SECRET, "token_id": "t0k3n", "link2": SECRET})
    assert repr(reset) == "Reset(id='r')"
    assert "xyzzy" not in f"{reset} {reset!r} {[reset]}"
    assert shown(reset) == ["id", "r", "link", "***", "token_id", "***", "extra", "link2"]
    assert reset.link == reset.to_dict()["link"] == SECRET
    assert Reset.from_dict({"link": None}).to_dict() == {"link": None}
    assert Reset.from_dict({}).to_dict() == {}


def test_a_table_shows_the_members_that_are_set() -> None:
    cells = shown(User.from_dict(TODAY))
    for text in ("user_id", "+441632960961", "user@example.com", "monochrome", "false"):
        assert text in cells
    assert "2021-12-31 18:30:00+00:00" in shown(User.from_dict(PAGE))
    assert "blocked" not in cells


HOSTILE = '<img src=x onerror="alert(1)">&\'</td></table><script>\x00\x1b[31m\n'


def test_a_table_is_escaped() -> None:
    record = {
        "user_id": HOSTILE,
        "claims": {HOSTILE: HOSTILE, "list": [HOSTILE, {HOSTILE: None}]},
        "emails": [{"id": HOSTILE, "email": HOSTILE, HOSTILE: HOSTILE}],
        "phone_numbers": [{"id": "p", "idps": [HOSTILE]}],
        HOSTILE: HOSTILE,
    }
    text = User.from_dict(record)._repr_html_()
    assert Tables(text).cells.count(HOSTILE.replace("\x00\x1b[31m\n", r"\x00\x1b[31m\n")) == 9
    assert text.isprintable()


def test_a_table_is_always_small() -> None:
    deep: Any = []
    for _ in range(190):
        deep = {"deep": [deep]}
    record = {
        "user_id": "u" * 1_000_000,
        "claims": {"deep": deep, "long": list(range(10_000))},
        "private_data": {str(n): n for n in range(10_000)},
        "emails": [{"id": str(n)} for n in range(10_000)],
    }
    text = User.from_dict(record)._repr_html_()
    Tables(text)
    assert len(text) < 10_000
    assert len(re.findall("… 9980 more", text)) == 2


def test_the_response_is_not_part_of_the_record() -> None:
    response = Response(status=200, headers=Headers(), attempts=1, elapsed=0.1)
    made = Reset.from_dict({"id": "r", "response": 7})
    assert made.response is None
    answered = attrs.evolve(made, response=response)
    assert answered.response is response
    assert answered == made
    assert hash(answered) == hash(made)
    assert answered.to_dict() == {"id": "r", "response": 7}
    assert repr(answered) == repr(made)
    assert shown(answered) == ["id", "r", "extra", "response"]
    assert isinstance(User.from_dict(TODAY), AnswerRecord)
