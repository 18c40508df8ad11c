"""The result of a mapping: an import row, or a reason to skip the person."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import attrs


class EmailMember(TypedDict):
    """One of several email addresses."""

    email: str
    verified: bool
    primary: bool


class PhoneMember(TypedDict):
    """One of several phone numbers, in E.164 form."""

    phone: str
    verified: bool
    primary: bool


class Row(TypedDict, total=False):
    """An import row; unknown members are left out.

    A single address is in ``email`` and ``email_verified``, several are in ``emails``, never
    both. The same holds for phone numbers. ``source_id`` and ``notes`` are reported, never sent.
    """

    source_id: str
    username: str
    email: str
    email_verified: bool
    emails: list[EmailMember]
    phone_number: str
    phone_number_verified: bool
    phone_numbers: list[PhoneMember]
    password: str
    password_hash: str
    password_hash_algorithm: str
    is_temporary_password: bool
    claims: dict[str, Any]
    private_data: dict[str, Any]
    public_data: dict[str, Any]
    groups: list[str]
    disabled: bool
    notes: list[str]


@attrs.frozen
class Skip:
    """A record that is not imported.

    Attributes:
        reason: the reason, in words that many records may share.
        mistake: whether the record is invalid, rather than unwanted.
    """

    reason: str
    mistake: bool = False


@attrs.frozen(kw_only=True)
class SourceRecord:
    """A record of an export.

    Attributes:
        file: the file name.
        line: the number of its first line, counting from 1.
        number: its number among all records, counting from 1.
        record: its members as in the file, including a joined hash.
        skip: why to skip it, such as a duplicate. None to map it.
        mistake: whether it is skipped because the file is broken, such as a truncated one.
    """

    file: str
    line: int
    number: int
    record: Mapping[str, Any] = attrs.field(repr=False)
    skip: str | None = None
    mistake: bool = False
