"""The data that a tenant stores with a user."""

from collections.abc import Mapping
from typing import Any

import attrs

from ._record import AnswerRecord, free_json


@attrs.frozen(kw_only=True)
class UserPrivateData(AnswerRecord):
    """A user's private data, which only backends can read.

    Attributes:
        private_data: free-form JSON.
    """

    private_data: Mapping[str, Any] = free_json()


@attrs.frozen(kw_only=True)
class UserPublicData(AnswerRecord):
    """A user's public data, which the user's applications can read too.

    Attributes:
        public_data: free-form JSON.
    """

    public_data: Mapping[str, Any] = free_json()
