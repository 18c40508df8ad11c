"""The wording of notes; the summary groups them by the words before the colon."""

from __future__ import annotations

PASSWORD = "password"  # noqa: S105  (the name of a kind of note)
UNSUPPORTED = f"{PASSWORD}: unsupported ("
NOT_EXPORTED = f"{PASSWORD}: not in the export"
SECOND_FACTOR = "second factor"
PASSKEYS = "passkeys"
PHONE = "phone"
SIGN_IN = "sign-in"
RECOVERY = "recovery: no password and no verified email"
