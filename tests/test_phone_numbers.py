"""Phone numbers as people write them: each is read as one number or refused with the reason."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocloud_async import InvalidArgumentError, MonoCloudClient
from monocloud_async._phone_number import number
from monocloud_async.emulator import Emulator

E164 = "+441632960961"


@pytest.fixture
async def emulator() -> AsyncIterator[Emulator]:
    async with Emulator([{"user_id": "u"}]) as emulator:
        yield emulator


@pytest.fixture
async def client(emulator: Emulator) -> AsyncIterator[MonoCloudClient]:
    async with MonoCloudClient(emulator.url, emulator.api_key) as client:
        yield client


READ = [
    (E164, E164),
    ("+44 1632 960961", E164),
    ("+44 (0)1632 960961", E164),
    ("+44(0)1632-960961", E164),
    ("(+44) (0) 1632.960961", E164),
    ("+44 [0] 1632 960961", E164),
    ("+44 ( 0 ) 1632 960961", E164),
    ("+353 (0)1 234 5678", "+35312345678"),
    ("+81 (0)90-1234-5678", "+819012345678"),
    ("+1 (555) 010-0000", "+15550100000"),
    ("+61 (8) 5550 1000", "+61855501000"),
    ("+33.1.23.45.67.00", "+33123456700"),
    ("+39 06 1234567", "+39061234567"),
    ("+39 (06) 1234567", "+39061234567"),
    ("+225 07 12 34 56 78", "+2250712345678"),
    ("\u202a+44 1632 960961\u202c", E164),
    ("\u200e+44\u00a01632\u202f960961\u200f", E164),
    ("\ufeff+441632960961\u200b", E164),
    ("\u00a0+441632960961\u00a0", E164),
    ("+44 1632 960\u2011961", E164),
    ("tel:+44-1632-960961", E164),
    ("TEL: +441632960961", E164),
    (
        "\uff0b\uff14\uff14\u3000\uff11\uff16\uff13\uff12\uff0d\uff19\uff16\uff10\uff19\uff16\uff11",
        E164,
    ),
]
REFUSED = [
    ("+4401632960961", "the 0 after +44 is dialled only within the country"),
    ("+44 01632 960961", "the 0 after +44 is dialled only within the country"),
    ("+44 (01632) 960961", "the 0 after +44 is dialled only within the country"),
    ("+44 (0)01632 960961", "the 0 after +44 is dialled only within the country"),
    ("+44 1632 (0) 960961", "a bracketed zero that may or may not be part of the number"),
    ("+44 (0)(0)1632 960961", "a bracketed zero that may or may not be part of the number"),
    ("+39 (0)6 1234567", "a bracketed zero that may or may not be part of the number"),
    ("+(0)44 1632 960961", "no country code begins with 0"),
    ("0044 1632 960961", "it begins with 00"),
    ("011 44 1632 960961", "it does not begin with +"),
    ("01632 960961", "it does not begin with +"),
    ("441632960961", "it does not begin with +"),
    ("++441632960961", "it has a second +"),
    ("+44 1632 960961 +44 1632 960962", "it has a second +"),
    ("+44 1632 960961, +44 1632 960962", "U+002C COMMA"),
    ("+44 1632 960961/2", "a slash, which may separate two numbers"),
    ("+44 1632 960961 x12", "it has an extension"),
    ("+44 1632 960961ext. 12", "it has an extension"),
    ("+44 1632 960961 extension 12", "it has an extension"),
    ("+44 1632 960961 #12", "it has an extension"),
    ("tel:+44-1632-960961;ext=12", "it has an extension"),
    ("tel:1632-960961;phone-context=+44", "U+003B SEMICOLON"),
    ("+1-800-FLOWERS", "a letter, U+0046 LATIN CAPITAL LETTER F"),
    ("+\u0664\u06641632960961", "U+0664 ARABIC-INDIC DIGIT FOUR"),
    ("+\u06f4\u06f41632960961", "U+06F4 EXTENDED ARABIC-INDIC DIGIT FOUR"),
    ("+44 1632\u200b960961", "U+200B ZERO WIDTH SPACE"),
    ("+44\u00ad1632960961", "U+00AD SOFT HYPHEN"),
    ("\u202e+441632960961", "U+202E RIGHT-TO-LEFT OVERRIDE"),
    ("4.41633E+11", "a spreadsheet has rounded it"),
    ("+4,41633e11", "a spreadsheet has rounded it"),
    ("441632960961.0", "a program has turned it into a fraction"),
    ("+441632960961.0", "a program has turned it into a fraction"),
    ("+441632960961.00", "a program has turned it into a fraction"),
    ("+44 1632 960961.0", "a program has turned it into a fraction"),
    ("+7 (8) 495 123-45-67", "a bracketed digit that is dialled only within the country"),
    ("(+370) [8] 5 212 3456", "a bracketed digit that is dialled only within the country"),
    ("+1 (1) 555 010 0000", "a bracketed digit that is dialled only within the country"),
    ("+4416329609611234", "16 digits instead of 2 to 15"),
    ("+44\n1632960961", r"it contains '\n'"),
    ("", "it is empty or blank"),
]


@pytest.mark.parametrize(("written", "read"), READ)
async def test_every_method_reads_a_number_in_the_same_way(
    written: str, read: str, client: MonoCloudClient, emulator: Emulator
) -> None:
    assert number(written) == read
    created = await client.users.create(phone_number=written)
    assert [phone.phone for phone in created.phone_numbers] == [read]
    removed = await client.phones.remove(created.user_id, created.phone_numbers[0].id)
    assert not removed.phone_numbers
    await client.phones.add("u", written)
    user = await client.phones.set_primary_by_number("u", written)
    assert user.primary_phone
    assert user.primary_phone.phone == read
    bodies = [json.loads(r.body) for r in emulator.requests if r.body]
    assert [body["phone_number"] for body in bodies] == [read, read]


@pytest.mark.parametrize(("written", "why"), REFUSED)
async def test_every_method_refuses_a_number_in_the_same_way(
    written: str, why: str, client: MonoCloudClient, emulator: Emulator
) -> None:
    calls: list[tuple[str, Any]] = [
        ("phone_number", client.phones.add("u", written)),
        ("phone", client.phones.set_primary_by_number("u", written)),
        ("phone_number", client.users.create(phone_number=written)),
    ]
    for name, call in calls:
        with pytest.raises(InvalidArgumentError) as caught:
            await call
        message = str(caught.value)
        assert message.startswith(f"{name} must be a ")
        assert why in message
        assert message.endswith("; nothing was sent")
    assert emulator.requests == []


@given(
    st.text(st.sampled_from("0123456789"), min_size=1, max_size=14),
    st.lists(st.sampled_from([*" .-()[]\u00a0\u2011", ""]), min_size=15, max_size=15),
)
def test_no_digit_is_lost_or_added(digits: str, between: list[str]) -> None:
    written = "+" + "".join(map("".join, zip(digits, between, strict=False)))
    try:
        read = number(written)
    except InvalidArgumentError:
        return
    assert read == "+" + digits or "(0)" in written.replace("[", "(").replace("]", ")")
