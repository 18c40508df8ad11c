"""Exports from other systems: how they are read, which rows they become, and what is refused."""

from __future__ import annotations

import gzip
import json
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from monocloud_async.errors import ConfigurationError, InvalidArgumentError
from monocloud_async.migration import (
    SYSTEMS,
    MappedRecord,
    MappingOptions,
    MappingSummary,
    Skip,
    System,
    auth0,
    clerk,
    cognito,
    firebase,
    json_records,
    keycloak,
    load_mapping,
    mapping_of,
    okta,
    read,
    rows,
)
from monocloud_async.migration.hashes import is_bcrypt, kind
from monocloud_async.migration.providers import provider

FILES = Path(__file__).parent / "migration"
HASH = "$2b$10$" + "a" * 53

CASES: list[tuple[str, str, System, dict[str, Any]]] = [
    ("auth0", "auth0.json", "auth0", {"hashes": FILES / "auth0-hashes.json"}),
    ("auth0-csv", "auth0.csv", "auth0", {}),
    ("clerk-csv", "clerk.csv", "clerk", {}),
    ("clerk-api", "clerk-api.json", "clerk", {}),
    ("clerk-joined", "clerk-api.json", "clerk", {"hashes": FILES / "clerk.csv"}),
    ("firebase", "firebase.json", "firebase", {}),
    ("firebase-csv", "firebase.csv", "firebase", {}),
    ("firebase-admin", "firebase-admin.json", "firebase", {}),
    ("cognito", "cognito.json", "cognito", {}),
    ("cognito-csv", "cognito.csv", "cognito", {}),
    ("keycloak", "keycloak-realm.json", "keycloak", {}),
    (
        "keycloak-plain",
        "keycloak-realm.json",
        "keycloak",
        {"bcrypt_plain": True, "group_names": "last"},
    ),
    ("okta", "okta.json", "okta", {}),
    ("okta-csv", "okta.csv", "okta", {}),
]
# One file in each format, with the system that wrote it.
ONE_EACH: list[tuple[str, System]] = [(file, system) for _, file, system, _ in CASES]
RECORDS: dict[System, dict[str, Any]] = {
    "auth0": {"user_id": "auth0|1", "email": "a@example.test"},
    "clerk": {"id": "user_1", "email_addresses": [{"id": "e", "email_address": "a@example.test"}]},
    "firebase": {"localId": "Q1", "email": "a@example.test"},
    "cognito": {"Username": "ann", "Attributes": [], "UserStatus": "CONFIRMED"},
    "keycloak": {"id": "k1", "username": "ann", "enabled": True, "credentials": []},
    "okta": {"id": "00u1", "status": "ACTIVE", "profile": {"login": "ann"}},
}


def outcomes(found: Iterator[MappedRecord]) -> list[Any]:
    results = [mapped.result for mapped in found]
    return [{"skip": one.reason} if isinstance(one, Skip) else one for one in results]


def mapped(tmp_path: Path, system: System, *records: Any, **options: Any) -> list[Any]:
    path = tmp_path / "people.json"
    path.write_text("\n".join(map(json.dumps, records)))
    return outcomes(rows(path, system, options=MappingOptions(**options)))


def refusal(path: Path, system: System | None, **options: Any) -> str:
    with pytest.raises(ConfigurationError) as raised:
        list(read(path, system, options=MappingOptions(**options)))
    return str(raised.value).replace(str(path), "FILE")


@pytest.mark.parametrize(("name", "file", "system", "options"), CASES, ids=[c[0] for c in CASES])
def test_an_export_becomes_the_expected_rows(
    name: str, file: str, system: System, options: dict[str, Any]
) -> None:
    expected = json.loads((FILES / "expected" / f"{name}.json").read_text())
    assert outcomes(rows(FILES / file, system, options=MappingOptions(**options))) == expected


@pytest.mark.parametrize(("file", "system"), ONE_EACH)
@pytest.mark.parametrize("form", ["gzip", "bom", "crlf", "gzip+bom+crlf"])
def test_gzip_bom_and_line_endings_do_not_matter(
    tmp_path: Path, file: str, system: System, form: str
) -> None:
    content = (FILES / file).read_bytes()
    path = tmp_path / "other"
    plain = content.removeprefix(b"\xef\xbb\xbf")
    if "crlf" in form:
        plain = plain.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    bom = b"\xef\xbb\xbf" if "bom" in form else b""
    path.write_bytes(gzip.compress(bom + plain) if "gzip" in form else bom + plain)
    assert outcomes(rows(path, system)) == outcomes(rows(FILES / file, system))


def test_utf_16_with_a_bom_is_read(tmp_path: Path) -> None:
    """PowerShell writes UTF-16 when a command's output is redirected to a file."""
    path = tmp_path / "users.json"
    path.write_bytes((FILES / "cognito.json").read_text().encode("utf-16"))
    assert outcomes(rows(path, "cognito")) == outcomes(rows(FILES / "cognito.json", "cognito"))


@pytest.mark.parametrize("form", ["array", "lines", "indented", "one line", "container"])
@pytest.mark.parametrize("system", SYSTEMS)
def test_json_is_read_in_every_layout(tmp_path: Path, system: System, form: str) -> None:
    people = [RECORDS[system], {**RECORDS[system], "id": "2", "user_id": "2", "localId": "2"}]
    people[1]["Username"] = "2"
    path = tmp_path / "users.json"
    path.write_text(
        {
            "array": json.dumps(people, indent=2),
            "lines": "\n".join(map(json.dumps, people)) + "\n\n",
            "indented": "\n".join(json.dumps(one, indent=1) for one in people),
            "one line": json.dumps(people),
            "container": json.dumps({"a": {"users": 1}, "b": [[1], {}], "users": people, "z": 2}),
        }[form]
    )
    found = list(read(path, system))
    assert [one.record for one in found] == people
    assert [one.number for one in found] == [1, 2]


@pytest.mark.parametrize("size", [1, 2, 7, 64])
@pytest.mark.parametrize("file", [file for file, _ in ONE_EACH if file.endswith("json")])
def test_chunk_boundaries_in_json_do_not_matter(
    monkeypatch: pytest.MonkeyPatch, file: str, size: int
) -> None:
    system = next(owner for name, owner in ONE_EACH if name == file)
    expected = list(read(FILES / file, system))
    monkeypatch.setattr(json_records, "_CHUNK", size)
    assert list(read(FILES / file, system)) == expected


def test_line_numbers_match_the_file(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text('\n[\n {"user_id": "a|1"},\n\n {"user_id":\n "a|2"},\n {"user_id": "a|3"}]')
    assert [one.line for one in read(path, "auth0")] == [3, 5, 7]
    path.write_text('user_id,name\na|1,"x\ny"\n\na|2,z\n')
    assert [one.line for one in read(path, "auth0")] == [2, 5]


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize(("file", "owner"), ONE_EACH)
def test_a_file_from_another_system_is_refused_and_the_system_is_named(
    file: str, owner: System, system: System
) -> None:
    if system == owner:
        assert next(read(FILES / file, system)).number == 1
        return
    message = refusal(FILES / file, system)
    assert message.startswith("FILE, line ")
    assert message.endswith(f"use --from {owner}")


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("content", [b"", b" \r\n\n", b"\xef\xbb\xbf", gzip.compress(b"", mtime=0)])
def test_an_empty_file_is_refused(tmp_path: Path, system: System, content: bytes) -> None:
    path = tmp_path / "users.json"
    path.write_bytes(content)
    assert "the file is empty" in refusal(path, system)


@pytest.mark.parametrize("system", SYSTEMS)
@pytest.mark.parametrize("form", ["lines", "array", "container"])
def test_a_truncated_record_is_refused_with_its_line(
    tmp_path: Path, system: System, form: str
) -> None:
    one = json.dumps(RECORDS[system])
    start = {"lines": "", "array": "[\n", "container": '{"users": [\n'}[form]
    path = tmp_path / "users.json"
    path.write_text(f"{start}{one}{'' if form == 'lines' else ','}\n{one[:-9]}")
    line = 2 if form == "lines" else 3
    assert refusal(path, system).startswith(f"FILE, line {line}: the file ends in the middle")
    found = outcomes(rows(path, system, options=MappingOptions(allow_truncated=True)))
    assert found[1:] == [{"skip": "the file ends in the middle of the record"}]


@pytest.mark.parametrize("file", ["auth0.csv", "clerk.csv", "firebase.csv", "cognito.csv"])
def test_a_truncated_csv_line_is_refused(tmp_path: Path, file: str) -> None:
    system = next(owner for name, owner in ONE_EACH if name == file)
    path = tmp_path / file
    content = (FILES / file).read_bytes()
    path.write_bytes(content[: len(content) - (15 if system == "cognito" else 40)])
    assert "the file ends in the middle of this record" in refusal(path, system)


def test_a_truncated_gzip_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "users.json.gz"
    packed = gzip.compress((FILES / "auth0.json").read_bytes())
    path.write_bytes(packed[: len(packed) // 2])
    assert "the file ends in the middle of this record" in refusal(path, "auth0")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"user_id": "a|1"}\n7\n', "FILE, line 2: the record is of type int, not an object"),
        ('[{"user_id": "a|1"},\n["x"]]', "FILE, line 2: the record is of type list"),
        ('{"user_id": "a|1"},\n{"user_id": "a|2"}', "FILE, line 1: there is a comma between two"),
        ('{"user_id": "a|1"}\n{"user_id" "a|2", "name": "b", "email": "c"}', "FILE, line 2: it is"),
        (
            '[{"user_id": "a|1"}] x',
            "FILE, line 1: there is more text after the end of the document",
        ),
        ('{"user_id": NaN}', "FILE, line 1: it cannot be read"),
        ("[" * 200000, "FILE, line 1: it cannot be read"),
        ("user_id,email\na|1,b,c\n", "FILE, line 2: it has 3 cells, but the header has 2"),
        ("user_id,email\na|1\na|2,b\n", "FILE, line 2: it has 1 cells, but the header has 2"),
        ("user_id,email,email\n", "FILE, line 1: the header has the column email more than once"),
        ('user_id,email\n"a"x,b\n', "FILE, line 2: it is not valid CSV"),
        ("colour,size\nred,1\n", "FILE, line 1: this does not look like Auth0's export: the first"),
        (b"user_id\n\xff\n", "FILE, line 1: invalid UTF-8"),
        (b"PK\x03\x04", "FILE: this is a ZIP file or a workbook"),
        (b"\x1f\x8bxxxxxxxxxxxx", "FILE: invalid gzip file"),
    ],
    ids=lambda value: str(value)[:30],
)
def test_unreadable_files_are_refused(tmp_path: Path, content: str | bytes, message: str) -> None:
    path = tmp_path / "users"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert refusal(path, "auth0").startswith(message)


def test_a_missing_file_and_an_unknown_system_are_refused(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none", "auth0").startswith("FILE: No such file")
    with pytest.raises(ConfigurationError, match="unknown system 'ory'"):
        read(tmp_path, "ory")  # type: ignore[arg-type]
    with pytest.raises(ConfigurationError, match="Okta exports have no hashes file"):
        list(read(FILES / "okta.json", "okta", options=MappingOptions(hashes="x")))


def test_a_realm_without_users_is_refused(tmp_path: Path) -> None:
    """Keycloak itself imports such a file silently, without any users."""
    path = tmp_path / "acme-realm.json"
    path.write_text(json.dumps({"id": "1", "realm": "acme", "clients": [{"a": "x" * 99}] * 20000}))
    assert "the file contains no users" in refusal(path, "keycloak")
    path.write_text(json.dumps([{"realm": "acme", "users": []}]))
    assert "this is an array of realms" in refusal(path, "keycloak")


def test_the_files_of_a_realm_directory_are_read_in_numeric_order(tmp_path: Path) -> None:
    for number in (0, 1, 10, 2):
        user = {**RECORDS["keycloak"], "id": f"k{number}"}
        path = tmp_path / f"acme-users-{number}.json"
        path.write_text(json.dumps({"realm": "acme", "users": [user]}))
    (tmp_path / "acme-realm.json").write_text('{"realm": "acme"}')
    found = list(read(tmp_path, "keycloak"))
    assert [one.record["id"] for one in found] == ["k0", "k1", "k2", "k10"]
    assert found[3].file.endswith("acme-users-10.json")
    (tmp_path / "none").mkdir()
    assert "has no files such as NAME-users-0.json" in refusal_of_directory(tmp_path / "none")


def refusal_of_directory(path: Path) -> str:
    with pytest.raises(ConfigurationError) as raised:
        read(path, "keycloak")
    return str(raised.value)


def test_several_files_are_read_as_one_export(tmp_path: Path) -> None:
    found = outcomes(rows([FILES / "okta.json", FILES / "okta.json"], "okta"))
    assert found[6:] == [{"skip": "a second record with the same id"}] * 6


@pytest.mark.parametrize(
    ("text", "valid"),
    [
        ("$2a$04$" + "a" * 53, True),
        ("$2b$31$" + "./Z9" + "a" * 49, True),
        ("$2y$10$" + "a" * 53, True),
        ("$2x$10$" + "a" * 53, False),
        ("$2b$03$" + "a" * 53, False),
        ("$2b$32$" + "a" * 53, False),
        ("$2b$10$" + "a" * 52, False),
        ("$2b$10$" + "a" * 54, False),
        ("$2b$10$" + "a" * 52 + "=", False),
        ("$2b$10$" + "a" * 53 + "\n", False),
    ],
)
def test_bcrypt_is_recognised_only_in_its_complete_form(text: str, valid: bool) -> None:
    assert is_bcrypt(text) is valid
    assert kind(text).startswith(("bcrypt $2x$", "incomplete"))


@pytest.mark.parametrize(
    ("system", "name", "expected"),
    [
        ("auth0", "google-oauth2", "google"),
        ("auth0", "waad", "microsoft"),
        ("clerk", "oauth_x", "twitter"),
        ("firebase", "github.com", "github"),
        ("cognito", "SignInWithApple", "apple"),
        ("keycloak", "acme-OIDC", "acme-OIDC"),
    ],
)
def test_providers_get_their_monocloud_names(system: System, name: str, expected: str) -> None:
    assert provider(system, name) == expected


@pytest.mark.parametrize("to_row", [m.to_row for m in (auth0, clerk, firebase, keycloak)])
@pytest.mark.parametrize("value", ["yes", 1, 0, "1", [], {}])
def test_a_flag_must_be_true_or_false(to_row: Any, value: Any) -> None:
    names = ("blocked", "banned", "disabled", "enabled", "emailVerified", "email_verified")
    record = {"id": "1", "email": "a@example.test", "username": "a", **dict.fromkeys(names, value)}
    with pytest.raises(InvalidArgumentError, match="must be true or false, not"):
        to_row(record)


def test_a_mistake_in_a_record_does_not_end_the_run(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    path.write_text(
        '{"user_id": "a|1", "email": []}\n{"user_id": "a|2", "email": "b@example.test"}'
    )
    wrong, right = (one.result for one in rows(path, "auth0"))
    assert wrong == Skip("email must be text, not list", mistake=True)
    assert not isinstance(right, Skip)


def test_a_mistake_in_joined_records_does_not_end_the_run(tmp_path: Path) -> None:
    path = tmp_path / "users.json"
    users = [{**RECORDS["cognito"], "Attributes": 7}, {**RECORDS["cognito"], "Username": "b"}]
    path.write_text("\n".join(map(json.dumps, users)))
    wrong, right = (one.result for one in rows(path, "cognito"))
    assert wrong == Skip("Attributes must be a list, not int", mistake=True)
    assert not isinstance(right, Skip)
    profile = {"user_id": "a|1", "email": "a@example.test", "identities": 7}
    (found,) = mapped(tmp_path, "auth0", profile, hashes=FILES / "auth0-hashes.json")
    assert found == {"skip": "identities must be a list, not int"}
    path.write_text('{"_id": "1", "passwordHash": []}')
    found = rows(FILES / "auth0.json", "auth0", options=MappingOptions(hashes=path))
    with pytest.raises(ConfigurationError, match=r"users.json: passwordHash must be text"):
        next(found)


def test_an_identity_without_a_provider_is_kept(tmp_path: Path) -> None:
    profile = {"user_id": "a", "email": "a@example.test", "identities": [{"user_id": "1"}]}
    (row,) = mapped(tmp_path, "auth0", profile)
    identities = row["private_data"]["imported"]["identities"]
    assert identities == [{"provider": "unknown", "id": "1"}]


def test_auth0_and_firebase_options_are_applied(tmp_path: Path) -> None:
    record = {"user_id": "a|1", "email": "a@example.test", "user_metadata": {"x": 1}}
    (row,) = mapped(tmp_path, "auth0", record, user_metadata="public", groups={"a|1": ["staff"]})
    assert (row["public_data"], row["groups"]) == ({"x": 1}, ["staff"])
    assert "user_metadata" not in row["private_data"]
    account = json.loads((FILES / "firebase.json").read_text())["users"][0]
    (row,) = mapped(tmp_path, "firebase", account, trust_phones=True, provider_emails=True)
    assert row["phone_number_verified"] is True
    assert row["emails"][1] == {
        "email": "oru.g@example.test",
        "verified": False,
        "primary": False,
    }
    found = mapped(tmp_path, "firebase", account, passwords="skip")
    assert found == [{"skip": "the password cannot be imported"}]


def test_okta_and_cognito_options_are_applied(tmp_path: Path) -> None:
    record = {"id": "1", "status": "STAGED", "profile": {"login": "a", "email": "a@example.test"}}
    groups = {"1": ["Everyone", "staff"]}
    chosen: dict[str, Any] = {"trust_emails": True, "import_staged": True, "groups": groups}
    (row,) = mapped(tmp_path, "okta", record, **chosen)
    assert (row["email_verified"], row["groups"]) == (True, ["staff"])
    user = {"Username": "eve", "Attributes": [], "UserStatus": "FORCE_CHANGE_PASSWORD"}
    (row,) = mapped(tmp_path, "cognito", user, import_staged=True)
    assert row["username"] == "eve"
    user = {**user, "Attributes": [{"Name": "custom:x", "Value": {"y": 1}}]}
    (row,) = mapped(tmp_path, "cognito", user, import_staged=True)
    assert row["private_data"]["custom"] == {"x": {"y": 1}}


def test_keycloak_options_are_applied(tmp_path: Path) -> None:
    user = {**RECORDS["keycloak"], "attributes": {"tel": ["+3725550150"], "tel_verified": ["true"]}}
    (row,) = mapped(tmp_path, "keycloak", user, phone_attributes=["tel"])
    assert (row["phone_number"], row["phone_number_verified"]) == ("+3725550150", True)


def test_an_ambiguous_password_hash_is_not_imported(tmp_path: Path) -> None:
    hashes = tmp_path / "hashes.json"
    same = {"email": "a@example.test", "connection": "c", "passwordHash": HASH}
    hashes.write_text("\n".join(json.dumps({"_id": n, **same}) for n in ("1", "2")))
    profile = {
        "user_id": "auth0|3",
        "email": "a@example.test",
        "identities": [{"provider": "auth0", "user_id": "3", "connection": "c"}],
    }
    (row,) = mapped(tmp_path, "auth0", profile, hashes=hashes)
    assert "password_hash" not in row


def test_an_unknown_choice_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="passwords must be none or skip"):
        MappingOptions(passwords="random")  # type: ignore[arg-type]


def test_a_hashes_file_can_be_read_as_users(tmp_path: Path) -> None:
    record = {
        "_id": {"$oid": "66aa"},
        "emailVerified": True,
        "firstName": "Mira",
        "passwordHash": HASH,
        "identifiers": [
            {"type": "email", "value": "mira@example.test", "verified": True},
            {"type": "phone_number", "value": "+3725550100", "verified": True},
        ],
    }
    factor = {"user_id": "auth0|66ab", "type": "recovery-code", "recovery_code": HASH}
    assert mapped(tmp_path, "auth0", record, factor) == [
        {
            "source_id": "auth0|66aa",
            "email": "mira@example.test",
            "email_verified": True,
            "phone_number": "+3725550100",
            "phone_number_verified": True,
            "password_hash": HASH,
            "password_hash_algorithm": "bcrypt",
            "is_temporary_password": False,
            "claims": {"given_name": "Mira"},
            "private_data": {"imported": {"from": "auth0", "id": "auth0|66aa"}},
        },
        {"skip": "a second factor, not a person"},
    ]


def test_column_names_of_the_auth0_extension_are_read(tmp_path: Path) -> None:
    record = {"Id": "auth0|1", "Given Name": "Mira", "Email": "m@example.test"}
    (row,) = mapped(tmp_path, "auth0", {**record, "Email Verified": "TRUE"})
    assert (row["source_id"], row["email_verified"]) == ("auth0|1", True)
    assert row["claims"] == {"given_name": "Mira"}


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_null_member_is_the_same_as_a_missing_one(system: System) -> None:
    """This holds for every member except the id and the sign-in identifiers."""
    path = FILES / {"keycloak": "keycloak-realm.json", "clerk": "clerk-api.json"}.get(
        system, f"{system}.json"
    )
    one = dict(next(read(path, system)).record)
    keep = {"user_id", "id", "localId", "Username", "username", "email", "login", "profile"}
    nulled = {name: value if name in keep else None for name, value in one.items()}
    minimal = {name: value for name, value in one.items() if name in keep}
    if "profile" in one:
        login = {"login": one["profile"]["login"]}
        minimal["profile"] = login
        nulled["profile"] = {**dict.fromkeys(one["profile"]), **login}
    changed = mapping_of(system)(nulled, None)
    assert not isinstance(changed, Skip)
    assert changed == mapping_of(system)(minimal, None)


def test_reprs_of_rows_and_records_show_no_secret() -> None:
    for name, file, system, options in CASES:
        for one in rows(FILES / file, system, options=MappingOptions(**options)):
            shown = f"{one!r} {one.source!r} {one.result!r}"
            for secret in ("a" * 20, "b" * 20, "opensesame", "SECRET", "aGFzaA"):
                assert secret not in shown, name
            if not isinstance(one.result, Skip):
                notes = " ".join(one.result.get("notes", ()))
                assert "$2b$10" not in notes
                assert "SECRET" not in json.dumps(one.result)


def test_a_mapping_accepts_a_plain_record() -> None:
    for system in SYSTEMS:
        found = mapping_of(system)(RECORDS[system], None)
        assert not isinstance(found, Skip)
    assert isinstance(okta.to_row({}), Skip)
    assert isinstance(cognito.to_row({}), Skip)


def test_the_summary_is_written_in_plain_words() -> None:
    summary = MappingSummary()
    options = MappingOptions(hashes=FILES / "auth0-hashes.json")
    for one in rows(FILES / "auth0.json", "auth0", options=options):
        summary.add(one.result)
    assert str(summary).splitlines() == [
        "15 records read, 12 to import.",
        "1 skipped: no email, phone number or username to sign in with.",
        "1 skipped: email_verified must be true or false, not str.",
        "1 skipped: a second record with the same id.",
        "Passwords: 4 imported, 4 not importable, 4 without one.",
        "Of unsupported algorithms: 1 bcrypt $2x$, 1 incomplete bcrypt hash, 1 argon2.",
        "Email addresses: 9 verified, 3 unverified.",
        "Phone numbers: 2 verified, 0 unverified.",
        "4 people must set a new password.",
        "1 person has a phone number that is not E.164.",
        "3 people have no password and no verified email to recover with.",
        "2 people only signed in with an external provider.",
        "1 person loses a second factor.",
    ]


def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    (tmp_path / f"{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.delitem(sys.modules, name, raising=False)


CUSTOM_MAPPING = """
from monocloud_async.migration import Skip, auth0

def to_row(record):
    row = auth0.to_row(record)
    if isinstance(row, Skip) or record.get("blocked"):
        return None
    row["password_hash"] = "$2b$10$" + "c" * 53
    return row

def wrong(record):
    return [record["nothing"]]

def a_list(record):
    return [record]

number = 7
"""


def test_a_custom_mapping_is_loaded_from_the_current_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module(tmp_path, monkeypatch, "my_mapping_1", CUSTOM_MAPPING)
    (tmp_path / "users.json").write_text(json.dumps(RECORDS["auth0"]))
    found = list(rows("users.json", "auth0", mapping=load_mapping("my_mapping_1:to_row")))
    assert "ccc" not in repr(found)
    assert not isinstance(found[0].result, Skip)
    with pytest.raises(ConfigurationError, match=r"line 1: the mapping raised KeyError"):
        list(rows("users.json", "auth0", mapping=load_mapping("my_mapping_1:wrong")))
    with pytest.raises(ConfigurationError, match=r"line 1: the mapping returned .* type list"):
        list(rows("users.json", "auth0", mapping=load_mapping("my_mapping_1:a_list")))


def test_the_mapping_in_the_documentation_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    documented = (FILES.parents[1] / "docs" / "migration.md").read_text()
    text = documented.partition('```python title="my_mapping.py"\n')[2].partition("```")[0]
    module(tmp_path, monkeypatch, "my_mapping", text)
    people = [
        {"user_id": "a|1", "email": "a@example.test", "app_metadata": {"plan": "gold"}},
        {"user_id": "a|2", "email": "a@test.example"},
    ]
    (tmp_path / "users.json").write_text(json.dumps(people))
    found = outcomes(rows("users.json", "auth0", mapping=load_mapping("my_mapping:to_row")))
    assert found[0]["groups"] == ["customers", "gold"]
    assert found[1] == {"skip": "skipped by the mapping"}


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("my_mapping_2", "does not name a mapping"),
        (":f", "does not name a mapping"),
        (".x:f", "does not name a mapping"),
        ("my_mapping_9:f", "cannot find the module my_mapping_9 in "),
        ("my_mapping_2.x:f", "cannot be imported: ModuleNotFoundError|cannot find the module"),
        ("my_mapping_2:none", "has no function none"),
        ("my_mapping_2:number", "is of type int, not a function"),
        ("my_mapping_3:f", "cannot be imported: SyntaxError"),
        ("my_mapping_4:f", "cannot be imported: ModuleNotFoundError: No module named 'nowhere_'"),
    ],
)
def test_the_error_says_why_a_mapping_cannot_be_loaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    module(tmp_path, monkeypatch, "my_mapping_2", CUSTOM_MAPPING)
    (tmp_path / "my_mapping_3.py").write_text("def f(:")
    (tmp_path / "my_mapping_4.py").write_text("import nowhere_")
    with pytest.raises(ConfigurationError, match=message):
        load_mapping(name)


def test_a_custom_mapping_reads_any_other_system(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    path.write_text("mail,colour\na@example.test,red\nb@example.test,\n")
    found = rows(
        path, None, mapping=lambda one: {"email": one["mail"]} if "colour" in one else None
    )
    assert outcomes(found) == [{"email": "a@example.test"}, {"skip": "skipped by the mapping"}]
    with pytest.raises(ConfigurationError, match="neither a system nor a mapping"):
        rows(path, None)


def write_users(path: Path, system: System, form: str, size: int) -> None:
    """Write a file with this many users."""
    with gzip.open(path, "wt", compresslevel=1) as file:
        if form == "csv":
            file.write("user_id,email\n")
            file.writelines(f"auth0|{n},p{n}@example.test\n" for n in range(size))
            return
        file.write('{"realm": "acme", "users": [' if form == "realm" else "")
        for n in range(size):
            one = {**RECORDS[system], "id": f"i{n}", "user_id": f"a|{n}", "Username": f"u{n}"}
            file.write(json.dumps(one) + ("\n" if form == "lines" else "," if n < size - 1 else ""))
        file.write("]}" if form == "realm" else "")


@pytest.mark.slow
@pytest.mark.timeout(180)
@pytest.mark.parametrize("size", [4_000, pytest.param(100_000, marks=pytest.mark.full)])
@pytest.mark.parametrize(
    ("system", "form"), [("keycloak", "realm"), ("cognito", "lines"), ("auth0", "csv")]
)
def test_memory_stays_flat_for_any_number_of_users(
    tmp_path: Path, system: System, form: str, size: int
) -> None:
    path = tmp_path / "users.gz"
    write_users(path, system, form, size)
    tracemalloc.start()
    try:
        summary = MappingSummary()
        for one in rows(path, system):
            summary.add(one.result)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert summary.people == size
    assert peak < 4 * 1024 * 1024
