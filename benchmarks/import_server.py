"""A minimal in-memory tenant with the part of the Users API that imports need.

It keeps email addresses unique, finds users by address, and counts every change by user and kind.
``GET /counts`` returns how many changes were made, and how many of them more than once. The server
responds immediately or after a delay. With a rate and a burst, it responds to calls over the limit
with 429 and ``Retry-After: 1``.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections import Counter
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from .limited_server import REFUSAL, Bucket
from .server import Connection, serve

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_DUPLICATE = {
    "type": "https://httpstatuses.io/422#identity-validation-error",
    "title": "Identity validation error",
    "status": 422,
    "errors": [{"code": "DuplicateEmail", "description": "It is taken."}],
}
_FOUND = re.compile(r'email:"(.*)"')
_CLAIMS = ("name", "given_name", "family_name")


class Tenant:
    """The users, and counters for each change."""

    def __init__(self, bucket: Bucket | None) -> None:
        self.users: dict[str, dict[str, Any]] = {}
        self.holders: dict[str, str] = {}
        self.changes: Counter[tuple[str, str]] = Counter()
        self.requests = self.refused = 0
        self._bucket = bucket

    def answer(self, head: bytes, body: bytes) -> bytes:
        """Return the response to a request."""
        method, target, _ = head.split(b" ", 2)
        if target == b"/counts":
            return _answer(200, self.counts())
        self.requests += 1
        if self._bucket and not self._bucket.take():
            self.refused += 1
            return REFUSAL
        path, query = urlsplit(target.decode()).path, urlsplit(target.decode()).query
        parts = [unquote(part) for part in path.split("/")[3:]]
        return self._carried_out(method.decode(), parts, query, json.loads(body or b"{}"))

    def counts(self) -> dict[str, Any]:
        """Return the content of ``GET /counts``."""
        made = Counter(what for _, what in self.changes)
        return {
            "users": len(self.users),
            "made": dict(made),
            "twice": sum(count > 1 for count in self.changes.values()),
            "requests": self.requests,
            "refused": self.refused,
        }

    def _carried_out(self, method: str, parts: list[str], query: str, body: Any) -> bytes:
        if not parts:
            return self._create(body) if method == "POST" else self._list(query)
        user_id, *rest = parts
        user = self.users.get(user_id)
        if user is None:
            return _answer(404, {"title": "Not Found", "status": 404})
        if method == "GET":
            return _page([]) if rest else _answer(200, user)
        self.changes[user["emails"][0]["email"], "/".join(rest[:1])] += 1
        return self._changed(user, rest[0], body)

    def _create(self, body: dict[str, Any]) -> bytes:
        email = body["email"]
        if email in self.holders:
            return _answer(422, _DUPLICATE)
        user_id = f"UOtBaOybB6dT{len(self.users):09d}"
        verified = bool(body.get("email_verified"))
        self.holders[email] = user_id
        self.changes[email, "create"] += 1
        self.users[user_id] = user = {
            "user_id": user_id,
            "creation_time": int(time.time()),
            "disabled": False,
            "has_password": "password_hash" in body,
            "claims": {name: body[name] for name in _CLAIMS if name in body},
            "emails": [{"id": user_id, "email": email, "verified": verified, "primary": True}],
            "phone_numbers": [],
            "private_data": {},
            "public_data": {},
        }
        return _answer(201, user)

    def _list(self, query: str) -> bytes:
        found = _FOUND.search(parse_qs(query).get("filter", [""])[0])
        holder = self.holders.get(found[1]) if found else None
        return _page([self.users[holder]] if holder else [])

    def _changed(self, user: dict[str, Any], what: str, body: dict[str, Any]) -> bytes:
        if what == "emails":
            if body["email"] in self.holders:
                return _answer(422, _DUPLICATE)
            self.holders[body["email"]] = user["user_id"]
            user["emails"].append({"id": body["email"], "email": body["email"], "verified": False})
        elif what == "claims":
            user["claims"].update(body)
        else:
            user[what].update(body[what])
            return _answer(200, {what: user[what]})
        return _answer(200, user)


def _page(users: list[Any]) -> bytes:
    paging = {"page_size": 50, "current_page": 1, "total_count": len(users)}
    said = json.dumps({**paging, "has_previous": False, "has_next": False})
    return _answer(200, users, f"x-pagination: {said}\r\n")


def _answer(status: int, body: object, headers: str = "") -> bytes:
    content = json.dumps(body).encode()
    kind = "application/json" if status < 300 else "application/problem+json"
    head = f"HTTP/1.1 {status} Answer\r\nContent-Type: {kind}\r\n{headers}"
    return f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content


class TenantConnection(Connection):
    """One connection to the tenant, with request bodies."""

    def __init__(self, tenant: Tenant, delay: float) -> None:
        super().__init__(b"", delay)
        self._tenant = tenant

    def data_received(self, data: bytes) -> None:
        self._unread += data
        while (end := self._unread.find(b"\r\n\r\n")) >= 0:
            head, rest = self._unread[:end], self._unread[end + 4 :]
            length = int(found[1]) if (found := _LENGTH.search(head)) else 0
            if len(rest) < length:
                return
            self._unread = rest[length:]
            self._write(self._tenant.answer(head, rest[:length]))


if __name__ == "__main__":
    seconds, *limit = map(float, sys.argv[1:])
    tenant = Tenant(Bucket(*limit) if limit else None)
    asyncio.run(serve(lambda: TenantConnection(tenant, seconds)))
