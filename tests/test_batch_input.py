"""The input of a batch: the rows that are read from it, and the mistakes that are reported."""

from __future__ import annotations

import csv
import gzip
import io
import json
import os
import re
import subprocess
import sys
import tracemalloc
from collections.abc import Iterable
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monocloud_async._characters import UNSEEN
from monocloud_async.cli.batch import content
from monocloud_async.cli.batch.content import Content, InputChangedError, open_content
from monocloud_async.cli.batch.csv_rows import _cells
from monocloud_async.cli.batch.reports import harmless
from monocloud_async.cli.batch.rows import MOST_MISTAKES, Input, MistakesError, Row
from monocloud_async.errors import ConfigurationError

IDS = "user_id,identifier_id\n"
ONE = [Row(1, 2, "u-1", "p-1")]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "rows.csv"


def read(path: Path, text: str | bytes) -> list[Row]:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with open_content(str(path)) as opened:
        source = Input(opened)
        rows = list(source.rows())
    assert source.count == len(rows)
    return rows


def mistakes(path: Path, text: str | bytes) -> list[tuple[int, str]]:
    with pytest.raises(MistakesError) as raised:
        read(path, text)
    return [tuple(mistake) for mistake in raised.value.mistakes]


@pytest.mark.parametrize(
    "text",
    [
        "user_id,identifier_id\nu-1,p-1\n",
        "user_id;identifier_id\nu-1;p-1",
        "user_id\tidentifier_id\r\nu-1\tp-1\r\n",
        "user_id,identifier_id\ru-1,p-1\r",
        "\ufeffuser_id,identifier_id\nu-1,p-1\n",
        '\ufeff"user_id";"identifier_id"\r\n"u-1";"p-1"\r\n',
        " User ID , Identifier-Id \n u-1 ,\tp-1\n",
        "USERID,identifierId,phone\nu-1,p-1,junk\n",
        'name;identifier_id;x;user_id\n"a;b";p-1;"c ""d""";u-1\n',
        "user_id,identifier_id,,\nu-1,p-1,,\n,,,\n\n   \n",
        "user_id,identifier_id,more\nu-1,p-1\n",
        "user_id,identifier_id\nu-1,p-1,,\n",
    ],
)
def test_csv_is_read_in_all_its_variants(path: Path, text: str) -> None:
    assert read(path, text) == ONE


def test_rows_and_lines_are_counted_separately(path: Path) -> None:
    text = '\nuser_id,note,identifier_id\n\nu-1,"two\nlines",p-1\n\nu-2,,p-2\n'
    assert read(path, text) == [Row(1, 4, "u-1", "p-1"), Row(2, 7, "u-2", "p-2")]


def test_json_lines_are_read(path: Path) -> None:
    text = (
        '\ufeff{"user_id": " u-1", "identifier_id": "p-1", "phone": null}\r\n'
        "\n"
        '{"User ID": "u-2", "IdentifierID": "p\\u00e9", "nested": {"user_id": ["x"]}}'
    )
    assert read(path, text) == [Row(1, 1, "u-1", "p-1"), Row(2, 3, "u-2", "pé")]


@pytest.mark.parametrize(
    "text",
    [
        "user_id,phone\nu-1,+44 (1514) 960-453\n",
        "user_id;Phone Number\nu-1;'+44 (1514) 960-453\n",
        '{"user_id": "u-1", "phone": "+44 (1514) 960-453"}',
    ],
)
def test_phone_numbers_are_read(path: Path, text: str) -> None:
    path.write_text(text)
    with open_content(str(path)) as opened:
        source = Input(opened)
        assert source.by == "number"
        assert [row[2:] for row in source.rows()] == [("u-1", "+44 (1514) 960-453")]


def test_cells_guarded_in_results_are_read_back(path: Path) -> None:
    assert read(path, IDS + "'-u,'=p\n'u,''p\n") == [Row(1, 2, "-u", "=p"), Row(2, 3, "'u", "''p")]


_ids = st.text(st.characters(exclude_categories=("Cc", "Cs")), min_size=1).filter(
    lambda text: (
        text == text.strip()
        and text not in ("", ".", "..")
        and text[0] != "'"
        and not UNSEEN.search(text)
    )
)


@given(
    pairs=st.lists(st.tuples(_ids, _ids), max_size=5),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    end=st.sampled_from(["\n", "\r\n"]),
    bom=st.booleans(),
)
def test_written_csv_is_read_back(
    pairs: list[tuple[str, str]], delimiter: str, quoting: Literal[0, 1], end: str, bom: bool
) -> None:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator=end)
    writer.writerow(["identifier_id", "note", "user_id"])
    writer.writerows([harmless(phone), "=1\n2", harmless(user_id)] for user_id, phone in pairs)
    content = Content(io.BytesIO(text.getvalue().encode("utf-8-sig" if bom else "utf-8")), "x")
    assert [row[2:] for row in Input(content).rows()] == pairs


@given(
    row=st.lists(st.text("ab\" ,;|\t\r\n'", max_size=4), min_size=1, max_size=4),
    delimiter=st.sampled_from(",;\t|"),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_cells_are_split_as_python_wrote_them(
    row: list[str], delimiter: str, quoting: Literal[0, 1]
) -> None:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter, quoting=quoting).writerow(row)
    lines = iter(re.findall(r"[^\r\n]*(?:\r\n|\r|\n)", text.getvalue()))
    assert _cells(next(lines), delimiter, lines) == row
    assert not list(lines)


def test_a_header_alone_has_no_rows(path: Path) -> None:
    assert read(path, IDS) == []


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "the input is empty"),
        ("\n \n", 1, "the input is empty"),
        ("u-1,p-1\n", 1, "header must have the columns user_id and identifier_id, or"),
        ("\nuser_id,phones\nu,p\n", 2, "header must have the columns"),
        ("identifier_id,phone\nu,p\n", 1, "header must have the columns"),
        ("user_id,identifier_id,User Id\nu,p,v\n", 1, "column user_id more than once"),
        ('[{"user_id": "u"}]', 1, "JSON Lines"),
        ('{"user_id": "u"}', 1, "members user_id and"),
        ('{"user_id": ', 1, "invalid JSON"),
        (IDS + "u\n", 2, "only 1 cells"),
        (IDS + "u,a,p\n", 2, "3 cells, but the header has 2"),
        (IDS + "u,p\n,p\n", 3, "user_id must be a non-empty string"),
        (IDS + "u,\n", 2, "identifier_id must be a non-empty string"),
        (IDS + "u,..\n", 2, "identifier_id must be an id, not '..'"),
        (IDS + "u,a\x00b\n", 2, ""),
        (IDS + '\nu,"p\nq', 3, "invalid CSV"),
        (IDS + 'u,"p"q\n', 2, "invalid CSV"),
        (IDS.encode() + b"u,p\n\xe9,p\n", 3, "not UTF-8"),
        ((IDS + "u,p\n").encode("utf-16"), 1, "UTF-16"),
        (IDS + "u," + "p" * content.MAX_LINE * 2, 2, "longer than 1024 KiB"),
        ("user_id,phone\nu,4.91E+11\n", 2, "phone must be"),
        ("user_id,phone\nu,0151 123\n", 2, "phone must be"),
        ('{"user_id": "u", "phone": "+441514960453"}\n{"user_id": "u"}', 2, "missing member phone"),
        ('{"user_id": "u", "phone": "+441514960453"}\n7', 2, "not a JSON object"),
        ('{"user_id": "u", "phone": "+441514960453"}\n' + "[" * 99999, 2, "nested too deeply"),
        ('{"user_id": "u", "phone": 441514960453}', 1, "phone must be a string"),
        ('{"user_id": "u", "USER-ID": "v", "phone": "+441514960453"}', 1, "duplicate member"),
    ],
)
def test_a_mistake_names_its_line(path: Path, text: str | bytes, line: int, what: str) -> None:
    [(found, message)] = mistakes(path, text)
    assert (found, what in message) == (line, True), message


def test_mistakes_are_reported_up_to_a_limit(path: Path) -> None:
    bad = [f"u-{n},{'' if n % 2 else 'p'}" for n in range(100)]
    found = mistakes(path, IDS + "\n".join(bad))
    assert [line for line, _ in found] == [2 * n + 3 for n in range(MOST_MISTAKES)]


def test_an_invalid_number_is_not_repeated(path: Path) -> None:
    [(_, message)] = mistakes(path, "user_id,phone\nu,0151-7654321\n")
    assert "7654321" not in message


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(ConfigurationError, match=str(path)), open_content(str(path)):
            pass


# A file that changes.


def changing(path: Path, change: bytes, at: int) -> Iterable[int]:
    """Change a file after some of its rows were read; yield the numbers of the rows read."""
    path.write_bytes(IDS.encode() + b"".join(b"u-%07d,p-%07d\n" % (n, n) for n in range(50_000)))
    size = path.stat().st_size
    with open_content(str(path)) as opened:
        rows = Input(opened).rows()
        yield next(rows).number
        with path.open("r+b") as file:
            if change:
                file.seek(at % size if at else size)
                file.write(change)
            else:
                file.truncate(at)
        for row in rows:
            assert (row.user_id, row.phone) == (f"u-{row.number - 1:07}", f"p-{row.number - 1:07}")
            yield row.number


@pytest.mark.parametrize(
    ("change", "at", "most"),
    [
        (b"X", 900_000, 900_000 // 20),
        (b"X", -5, 50_000),
        (b"\nu,p\n", 0, 50_000),
        (b"", 700_000, 700_000 // 20),
        (b"", 10 * content._BLOCK, content._BLOCK),
    ],
)
def test_no_changed_row_is_read(path: Path, change: bytes, at: int, most: int) -> None:
    read: list[int] = []
    with pytest.raises(InputChangedError, match=r"rows\.csv has changed"):
        read.extend(changing(path, change, at))
    assert 0 < len(read) <= most


def test_a_replaced_file_is_read_in_its_old_version(path: Path, tmp_path: Path) -> None:
    path.write_text(IDS + "u-1,p-1\n")
    other = tmp_path / "other"
    other.write_text(IDS + "u-2,p-2\n")
    with open_content(str(path)) as opened:
        source = Input(opened)
        other.replace(path)
        assert list(source.rows()) == ONE


def test_a_pipe_can_be_read_twice(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    code = f"open({str(pipe)!r}, 'w').write('user_id,identifier_id\\nu-1,p-1\\n')"
    with subprocess.Popen([sys.executable, "-c", code]):
        with open_content(str(pipe)) as opened:
            source = Input(opened)
            assert list(source.rows()) == list(source.rows()) == ONE


@pytest.mark.parametrize(("shape", "few"), [("csv", 10_000), ("json", 4_000)])
def test_memory_does_not_grow_with_the_number_of_rows(path: Path, shape: str, few: int) -> None:
    def lines(count: int) -> Iterable[str]:
        for n in range(count):
            row = {"user_id": f"user-{n}", "identifier_id": f"phone-{n}"}
            yield json.dumps(row) if shape == "json" else ",".join(row.values())

    peaks = []
    for count in (few, 3 * few):
        path.write_text((IDS if shape == "csv" else "") + "\n".join(lines(count)))
        tracemalloc.start()
        with open_content(str(path)) as opened:
            assert sum(1 for _ in Input(opened).rows()) == count
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] + 100_000


def test_a_closed_standard_input_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    why = "standard input is closed; nothing was sent: pass a file"
    with pytest.raises(ConfigurationError, match=why), open_content("-"):
        pass


# Files as programs and people really write them.


@pytest.mark.parametrize(
    "text",
    [
        "user_id|identifier_id\nu-1|p-1\n",
        # Whitespace, or what looks like it, around quotes.
        'user_id, identifier_id\n"u-1", "p-1"\n',
        '"user_id" , "identifier_id"\r\n "u-1" ,  "p-1" \r\n',
        'user_id;\t"identifier_id"\nu-1;\t"p-1"\t\n',
        'user_id\t "identifier_id"\n "u-1"\t\u00a0"p-1"\n',
        'user_id,identifier_id\n\u200b"u-1","p-1"\ufeff\n',
        'note, user_id, identifier_id\n"a, ""b""\nc", "u-1", "p-1"\n',
        'user_id,identifier_id,note\nu-1,p-1,5" nails\n',
        'user_id,identifier_id\n="u-1","=""p-1"""\n',
        'user_id,identifier_id\n"u-1",p-1\n',
        'user_id,identifier_id\nu-1,"p-1"\n',
        'note,user_id,identifier_id\n"a,b","u-1","p-1"\n',
        'note,user_id,identifier_id\n"a"",""b","u-1","p-1"\n',
        'note,user_id,identifier_id\n"a"",","u-1","p-1"\n',
        # An ignored column.
        f'user_id,identifier_id,profile\nu-1,p-1,"{"x" * 140_000}"\n',
        f"user_id,profile,identifier_id\nu-1,{'x' * 900_000},p-1\n",
        f'profile,user_id,identifier_id\n"{("x" * 99 + chr(10)) * 5_000}",u-1,p-1\n',
        "user_id,identifier_id,note\nu-1,p-1,a\x00b\n",
        # Whitespace and invisible characters.
        "\u200buser_id,identifier_id\u00a0\n\u202au-1\u202c,\u2060\u00a0p-1\u200e\n",
        "user_id,identifier_id\n\ufeffu-1,p-1\u00ad\n\u200b,\u00a0\n",
        "\tuser_id\tidentifier_id\n0\tu-1\tp-1\n",
        "user_id;identifier_id;\nu-1;p-1; ;\n;;\n",
        "\r\ruser_id,identifier_id\r\r\nu-1,p-1\r\r\n",
    ],
)
def test_real_world_csv_is_read(path: Path, text: str) -> None:
    assert [row[2:] for row in read(path, text)] == [("u-1", "p-1")]


@pytest.mark.parametrize(
    ("declaration", "delimiter"),
    [
        *(("sep=;", ";"), ('"sep=;"', ";"), ("sep=,", ","), ("SEP=|", "|"), ("sep=\t", "\t")),
        *(("sep=\\t", "\t"), ("sep = ;", ";"), ("sep=;;", ";"), ("sep=^", "^"), ("sep=,", ";")),
        *(("sep=,,,", ","), ("sep=~", "~"), ("sep=\t\t", "\t")),
    ],
)
@pytest.mark.parametrize("bom", ["", "\ufeff"])
def test_a_sep_line_declares_the_delimiter(
    path: Path, declaration: str, delimiter: str, bom: str
) -> None:
    rows = [["name", "user_id", "identifier_id"], ["n", "u-1", "p-1"]]
    text = bom + declaration + "\r\n" + "".join(f"{delimiter.join(row)}\r\n" for row in rows)
    assert read(path, text) == [Row(1, 3, "u-1", "p-1")]


@pytest.mark.parametrize(
    "again",
    [
        "user_id,identifier_id",
        "\ufeffuser_id,identifier_id",
        '"user_id", "identifier_id"',
        "\ufeffsep=,\r\nuser_id,identifier_id\r",
    ],
)
def test_a_repeated_header_is_skipped(path: Path, again: str) -> None:
    text = f"{IDS}u-1,p-1\n{again}\nu-2,p-2\n{again}\n"
    line = text[: text.index("u-2")].count("\n") + 1
    assert read(path, text) == [Row(1, 2, "u-1", "p-1"), Row(2, line, "u-2", "p-2")]


@pytest.mark.parametrize(
    "other", ["identifier_id,user_id", "User ID,Identifier ID", "user_id,phone", "x,user_id,phone"]
)
def test_a_different_second_header_is_refused(path: Path, other: str) -> None:
    message = "a header that differs from the one on line 1"
    assert mistakes(path, f"{IDS}u-1,p-1\n{other}\np-2,u-2\n") == [(3, message)]


def test_an_id_may_start_with_a_column_name(path: Path) -> None:
    assert read(path, IDS + "user_id-1,phone\n") == [Row(1, 2, "user_id-1", "phone")]


CP1252 = "user_id,identifier_id,name\nu,p,Zoë\n".encode("cp1252")
NEEDED = "the header must have the columns user_id and identifier_id, or user_id and phone, but it "


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        (
            IDS + "u\u200bv,p\n",
            2,
            "user_id must not contain invisible characters, but it has U+200B ZERO",
        ),
        (IDS + "u,p\u00a0q\n", 2, "U+00A0 NO-BREAK SPACE"),
        (IDS + "u,p\u2066q\n", 2, "U+2066 LEFT-TO-RIGHT ISOLATE"),
        (IDS + "\u202eu,p\n", 2, "U+202E RIGHT-TO-LEFT OVERRIDE"),
        (IDS + "u,p\U000e0041\n", 2, "U+E0041 TAG LATIN CAPITAL LETTER A"),
        ("user_id,phone\nu,+44\u200b1632960961\n", 2, "U+200B ZERO WIDTH SPACE"),
        ("user_id,phone\nu,+4401632960961\n", 2, "the 0 after +44"),
        ('{"user_id": "u\\u200bv", "identifier_id": "p"}', 1, "U+200B ZERO WIDTH SPACE"),
        (IDS + 'u, "p" q\n', 2, "invalid CSV: unexpected text between"),
        (IDS + 'u,p\nu, "p\nq\n', 3, "invalid CSV: unclosed quote"),
        (
            IDS + 'u,"' + ("p" * 1023 + "\n") * 1200,
            2,
            "invalid CSV: a cell is longer than 1024 KiB",
        ),
        (CP1252, 2, "the line is not UTF-8 (byte 0xEB after 6 others): save it as 'CSV UTF-8', or"),
        ((IDS + "u,p\n").encode("utf-16-le"), 1, "UTF-16"),
        ((IDS + "u,p\n").encode("utf-16-be"), 1, "UTF-16"),
        (("\ufeff" + IDS).encode("utf-16-be"), 1, "UTF-16, such as Excel's 'Unicode Text'"),
        ((IDS + "u,p\n").encode("utf-32"), 1, "UTF-32"),
        ((IDS + "u,p\n").encode("utf-32-be"), 1, "UTF-32"),
        (b"PK\x03\x04\x14\x00\x06\x00", 1, "Excel workbook"),
        (
            "[\n",
            1,
            "JSON Lines, one object per line, but this is an array; convert it with jq -c '.[]'",
        ),
        ('[{"user_id": "u", "identifier_id": "p"}]', 1, "this is an array"),
        ('{\n  "user_id": "u",\n', 1, "JSON Lines, one object per line; convert it with jq -c ."),
        ('{"user_id": "u",\n  "identifier_id": "p"}', 1, "jq -c ."),
        ('{"user_id": "u", "identifier_id": "p"},\n', 1, "jq -c ."),
        ('{"users": [{"user_id": "u"}]}', 1, "user_id and phone, but it has users"),
        ("id,mobile\nu,p\n", 1, NEEDED + "has id, mobile"),
        ("user_id^identifier_id\nu^p\n", 1, NEEDED + "has user_id^identifier_id"),
        ("sep=;\n", 1, NEEDED + "has nothing"),
        ("UserRef,+441632960961\n", 1, NEEDED + "has UserRef, +…"),
    ],
)
def test_unreadable_input_is_refused_with_advice(
    path: Path, text: str | bytes, line: int, what: str
) -> None:
    [(found, message)] = mistakes(path, text)
    assert (found, what in message) == (line, True), message


@pytest.mark.parametrize("cut", [2, 4, 15, -9])
def test_a_gzip_file_is_read_only_if_it_is_complete(path: Path, cut: int) -> None:
    content = IDS + "u-1,p-1\n"
    whole = gzip.compress(content.encode()[:20]) + gzip.compress(content.encode()[20:])
    assert read(path, whole) == ONE
    for damaged in (whole[:cut], whole[:cut] + b"\0" + whole[cut:]):
        with pytest.raises(ConfigurationError, match="truncated; nothing was sent: pass"):
            read(path, damaged)


def test_many_cells_and_quotes_in_a_line_are_read_fast(path: Path) -> None:
    wide = ',"x"' * 150_000
    assert read(path, f"user_id,identifier_id{',' * 150_000}\nu-1,p-1{wide}\n") == ONE
