"""Invoke the handler locally, as API Gateway would: python invoke.py USER_ID PHONE_ID."""

import sys
from types import SimpleNamespace

from handler import handler

user_id, phone_id = sys.argv[1:]
context = SimpleNamespace(get_remaining_time_in_millis=lambda: 10_000)
print(handler({"pathParameters": {"user_id": user_id, "phone_id": phone_id}}, context))  # noqa: T201
