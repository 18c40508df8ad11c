"""The IP addresses that the tenant blocks for a user."""

from datetime import datetime

import attrs

from ._record import Record, nullable


@attrs.frozen(kw_only=True)
class UserIpAccessDetails(Record):
    """The sign-in attempts from one IP address.

    Attributes:
        ip: the address.
        failure_count: failed attempts since the last success.
        block_until: when the block ends.
        sign_in_attempts_count: all attempts.
        last_sign_in_attempt: when the last attempt was made.
        login_count: all attempts, in records from before 2025.
        last_login_attempt: time of the last attempt, in records from before 2025.
    """

    ip: str
    failure_count: int | None = None
    block_until: datetime | None = nullable()
    sign_in_attempts_count: int | None = None
    last_sign_in_attempt: datetime | None = nullable()
    login_count: int | None = None
    last_login_attempt: datetime | None = nullable()
