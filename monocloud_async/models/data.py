"""The data that a tenant keeps about a user."""

from collections.abc import Mapping
from typing import Any

import attrs

from ._record import AnswerRecord, free_json


@attrs.frozen(kw_only=True)
class UserPrivateData(AnswerRecord):
    """What only backends see.

    Attributes:
        private_data: free JSON.
    """

    private_data: Mapping[str, Any] = free_json()


@attrs.frozen(kw_only=True)
class UserPublicData(AnswerRecord):
    """What the user's clients see too.

    Attributes:
        public_data: free JSON.
    """

    public_data: Mapping[str, Any] = free_json()
