"""What a mapping returns: a row of an import, or a reason to leave the person out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypedDict

import attrs


class EmailMember(TypedDict):
    """One of several e-mail addresses."""

    email: str
    verified: bool
    primary: bool


class PhoneMember(TypedDict):
    """One of several phone numbers, as E.164."""

    phone: str
    verified: bool
    primary: bool


class Row(TypedDict, total=False):
    """A row of an import; what is not known is left out.

    One address is in ``email`` and ``email_verified``, several are in ``emails``, and none in
    both; the same holds for phone numbers. ``source_id`` and ``notes`` are reported, never sent.
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
        reason: why, in a few words that many records may share.
        mistake: whether the record is wrong, and not only unwanted.
    """

    reason: str
    mistake: bool = False


@attrs.frozen(kw_only=True)
class SourceRecord:
    """A record of an export.

    Attributes:
        file: the file's name.
        line: the line that it begins in, 1 for the first.
        number: which of all records it is, 1 for the first.
        record: its members, as the file has them, with a hash that was joined to it.
        skip: why it is not a person of its own, such as a second copy; None where it is one.
        mistake: whether that is something wrong with the file, such as its end in a record.
    """

    file: str
    line: int
    number: int
    record: Mapping[str, Any] = attrs.field(repr=False)
    skip: str | None = None
    mistake: bool = False
