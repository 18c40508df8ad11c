from __future__ import annotations

import re
import sys
import unicodedata
from ipaddress import ip_address
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from monocloud_async import ConfigurationError, InvalidArgumentError
from monocloud_async._address import origin, segment
from monocloud_async._characters import UNSEEN
from monocloud_async.operations.phones import SET_PRIMARY


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("acme.us.monocloud.com", "https://acme.us.monocloud.com"),
        ("acme.us.monocloud.com/", "https://acme.us.monocloud.com"),
        ("https://acme.us.monocloud.com", "https://acme.us.monocloud.com"),
        ("HTTPS://Acme.US.monocloud.com/", "https://acme.us.monocloud.com"),
        ("https://acme.com:8443", "https://acme.com:8443"),
        ("acme.com:8443", "https://acme.com:8443"),
        ("https://internal", "https://internal"),
        ("localhost:3000", "https://localhost:3000"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("http://127.3.2.1", "http://127.3.2.1"),
        ("http://[::1]:8080/", "http://[::1]:8080"),
        ("https://[2001:DB8:0:0::1]", "https://[2001:db8::1]"),
        ("https://10.1.2.3", "https://10.1.2.3"),
        ("acme.com:0443", "https://acme.com:443"),
        ("xn--mnchen-3ya.example", "https://xn--mnchen-3ya.example"),
    ],
)
def test_a_domain_becomes_an_origin(domain: str, expected: str) -> None:
    assert origin(domain) == expected


@pytest.mark.parametrize(
    "domain",
    [
        "",
        " ",
        "/",
        "https://",
        "https:",
        "http",
        "acme",
        "acme.com//",
        "acme.com/api",
        "https://acme.com/tenant",
        "acme.com?x=1",
        "acme.com/#f",
        "acme.com#f",
        " acme.com",
        "acme.com\n",
        "acme .com",
        "user:pass@acme.com",
        "https://user@acme.com",
        "https://https://acme.com",
        "ftp://acme.com",
        "//acme.com",
        "http://acme.com",
        "http://127.0.0.1.evil.com",
        "http://localhost.evil.com",
        "http://localhost@evil.com",
        "http://10.0.0.1",
        "http://0.0.0.0",
        "acme.com:0",
        "acme.com:65536",
        "acme.com:",
        "acme.com:x",
        "acme..com",
        ".acme.com",
        "acme.com.",
        "-acme.com",
        "acme.com\\evil",
        "acme%2ecom",
        "{tenant}.monocloud.com",
        "<your-domain>",
        "1.2.3",
        "256.1.1.1",
        "https://2130706433",
        "http://2130706433",
        "http://0x7f.1",
        "https://0x7f.0.0.1",
        "https://0x7f000001",
        "https://0X7F000001",
        "https://127.0.0.0x1",
        "https://127.1",
        "http://0177.0.0.1",
        "https://0177.0.0.1",
        "https://127.0.0.1.",
        "https://acme.0x",
        "http://127.0.0.1@evil.com",
        "https://acme.us.monocloud.com@evil.com",
        "https://acme.us.monocloud.com:443@evil.com",
        "https://acme.us.monocloud.com\\@evil.com",
        "https://acme.us.monocloud.com%2f@evil.com",
        "https://acme.us.monocloud.com\t.evil.com",
        "https://[fe80::1%eth0]",
        "https://[fe80::1%25eth0]",
        "https://fe80::1",
        "https://[127.0.0.1]",
        "https://[::1]evil.com",
        "http://[::2]",
        "http://[::ffff:10.0.0.1]",
        "http://localhost.",
        "http://evil.localhost",
        "acme.\u212aom",
        "http://loc\u00adalhost",
        "acme\u3002com",
        "\uff41cme.com",
        "acme.com\u2044evil",
        "acme.com:４43",
        "acme.com:-1",
        "acme.com:+443",
        "acme.com:443:443",
        "acme.com:000443",
        "acme.com,evil.com",
        "acme.com;evil.com",
        "acme.com&evil.com",
        "*.monocloud.com",
        "\u202emoc.emca",
        "https://[::1",
        "https://[:::1]",
        "münchen.example",
        "a" * 64 + ".com",
        7,
        b"acme.com",
    ],
)
def test_other_domains_are_refused_with_an_example(domain: object) -> None:
    with pytest.raises(ConfigurationError, match=r"acme\.us\.monocloud\.com") as caught:
        origin(domain)
    assert "pass" not in str(caught.value).replace("passed", "")


def test_an_ipv4_mapped_loopback_address_is_this_machine_on_every_python() -> None:
    assert origin("http://[::ffff:127.0.0.1]:8080").startswith("http://[::ffff:")


@given(st.text() | st.from_regex(r"(https?://)?[a-zA-Z0-9.:@/\\\[\]%x-]{1,30}", fullmatch=True))
def test_a_domain_never_leads_to_another_host(text: str) -> None:
    try:
        found = origin(text)
    except ConfigurationError:
        return
    url = URL(found + "/api/users/u", encoded=True)
    host = text.lower().removeprefix("https://").removeprefix("http://").removesuffix("/")
    host = host.rpartition(":")[0] if re.search(r":[0-9]+$", host) else host
    assert (url.scheme, url.raw_path, url.user) == (found.partition(":")[0], "/api/users/u", None)
    assert url.raw_host in (host, str(ip_address(host.strip("[]"))) if ":" in host else host)
    if re.fullmatch(r"[0-9a-fx.]+", host) and re.fullmatch(r"\d+|0x[0-9a-f]*", host.split(".")[-1]):
        assert str(ip_address(host)) == host


@given(st.text())
def test_an_id_is_exactly_one_segment_or_refused(text: str) -> None:
    unfit = not text.strip() or text in (".", "..")
    unfit = unfit or any(ord(c) < 32 or 127 <= ord(c) < 160 for c in text)
    unfit = unfit or any(0xD800 <= ord(c) < 0xE000 for c in text)
    unfit = unfit or UNSEEN.search(text) is not None
    if unfit:
        with pytest.raises(InvalidArgumentError, match="identifier_id"):
            SET_PRIMARY.address("u", text)
        return
    path = SET_PRIMARY.address("u", text)
    url = URL("https://host" + path, encoded=True)
    parts = url.raw_path.split("/")
    assert parts[:5] == ["", "api", "users", "u", "phones"]
    assert parts[6:] == ["primary"]
    assert unquote(parts[5]) == text
    assert not url.raw_query_string
    assert not url.raw_fragment


@pytest.mark.parametrize("bad", ["", " ", "\t", ".", "..", "a\nb", "a\x00", "\x7f", "\ud800"])
def test_an_id_that_is_not_one_path_segment_is_refused(bad: str) -> None:
    with pytest.raises(InvalidArgumentError, match=r"user_id must be .*nothing was sent"):
        segment("user_id", bad)


@pytest.mark.parametrize("bad", [".", ".."])
def test_dots_are_refused_with_the_reason(bad: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        segment("user_id", bad)
    assert str(caught.value) == (
        f"user_id must be an id, not {bad!r} (dots alone would change the URL's path); "
        "nothing was sent"
    )


@pytest.mark.parametrize(("bad", "shown"), [("a\nb", r"'\n'"), ("a\ud800", r"'\ud800'")])
def test_a_character_that_cannot_be_sent_is_shown(bad: str, shown: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        segment("user_id", bad)
    assert str(caught.value).endswith(f"but it contains {shown}; nothing was sent")


def test_every_format_character_counts_as_invisible() -> None:
    formats = [c for c in map(chr, range(sys.maxunicode + 1)) if unicodedata.category(c) == "Cf"]
    assert [c for c in formats if not UNSEEN.fullmatch(c)] == []


@pytest.mark.parametrize(
    ("bad", "description"),
    [
        ("u\u200b", "U+200B ZERO WIDTH SPACE"),
        ("\ufeffu", "U+FEFF ZERO WIDTH NO-BREAK SPACE"),
        ("u\u00adv", "U+00AD SOFT HYPHEN"),
        ("\u202eu", "U+202E RIGHT-TO-LEFT OVERRIDE"),
        ("u\u180e", "U+180E MONGOLIAN VOWEL SEPARATOR"),
        ("u\u00a0", "U+00A0 NO-BREAK SPACE"),
        ("u\u2028v", "U+2028 LINE SEPARATOR"),
        ("u\U000e0041", "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("u\u3164", "U+3164 HANGUL FILLER"),
        ("u\ufe0f", "U+FE0F VARIATION SELECTOR-16"),
    ],
)
def test_an_invisible_character_in_an_id_is_named(bad: str, description: str) -> None:
    with pytest.raises(InvalidArgumentError) as caught:
        SET_PRIMARY.address("u", bad)
    assert f"identifier_id must not contain invisible characters, but it has {description}; " in (
        str(caught.value)
    )
    assert str(caught.value).isascii()


@pytest.mark.parametrize("bad", [None, 7, b"u", ["u"], True])
def test_an_id_that_is_not_a_string_is_refused(bad: object) -> None:
    with pytest.raises(InvalidArgumentError, match=f"of type {type(bad).__name__}"):
        segment("user_id", bad)


@pytest.mark.parametrize(
    ("plain", "quoted"),
    [
        ("a/b", "a%2Fb"),
        ("../x", "..%2Fx"),
        ("%2e%2e", "%252e%252e"),
        ("a?b#c", "a%3Fb%23c"),
        ("ü ", "%C3%BC%20"),
        ("...", "..."),
        ("a;b:c@d", "a%3Bb%3Ac%40d"),
    ],
)
def test_an_id_is_percent_encoded(plain: str, quoted: str) -> None:
    assert segment("user_id", plain) == quoted
