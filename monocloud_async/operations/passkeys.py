"""Operations of the passkeys resource."""

from .._operation import Operation, Repeat, nothing

REMOVE = Operation(
    "passkeys.remove", "DELETE", "/users/{user_id}/passkeys/{passkey_id}", nothing, Repeat.GONE
)
