"""Sort orders of lists: a field with 1 for ascending or -1 for descending."""

from typing import Literal

UserSort = Literal[
    "failure_count:1",
    "failure_count:-1",
    "last_sign_in_attempt:1",
    "last_sign_in_attempt:-1",
    "sign_in_attempts_count:1",
    "sign_in_attempts_count:-1",
    "last_sign_in_success:1",
    "last_sign_in_success:-1",
    "sign_in_success_count:1",
    "sign_in_success_count:-1",
    "last_activity:1",
    "last_activity:-1",
    "block_until:1",
    "block_until:-1",
    "creation_time:1",
    "creation_time:-1",
    "last_updated:1",
    "last_updated:-1",
]
BlockedIpSort = Literal[
    "block_until:1",
    "block_until:-1",
    "last_sign_in_attempt:1",
    "last_sign_in_attempt:-1",
    "last_sign_in_success:1",
    "last_sign_in_success:-1",
]
SessionSort = Literal[
    "session_id:1",
    "session_id:-1",
    "initiated_at:1",
    "initiated_at:-1",
    "expires_at:1",
    "expires_at:-1",
    "last_updated:1",
    "last_updated:-1",
]
CreationSort = Literal["creation_time:1", "creation_time:-1"]
