"""What a browser sees at the emulator's root: what this is, and how to point a client at it."""

from __future__ import annotations

import html
from typing import Any

from .._settings import API_KEY_VARIABLE, DOMAIN_VARIABLE
from ..operations import ALL
from .control import refuse_strangers
from .problems import ProblemError, new_trace_id
from .reply import Reply, problem_reply
from .service import Received, Service

_SHOWN_USERS = 50
_HEADERS = {
    "Content-Type": "text/html; charset=utf-8",
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
_STYLE = """
body { font: 1rem/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
code, pre { font-family: ui-monospace, monospace } pre { background: #8881; padding: 1rem }
table { border-collapse: collapse } td, th { padding: .2rem 1rem .2rem 0; text-align: left }
:root { color-scheme: light dark }
"""


def is_start_page(received: Received) -> bool:
    """Return whether a browser asks for the root."""
    request = received.request
    return (
        received.path == "/"
        and request.method == "GET"
        and "text/html" in request.headers.get("Accept", "")
    )


def start_page(service: Service, received: Received, url: str, *, open_to_all: bool) -> Reply:
    """Return the page; it does not show the API key.

    Args:
        url: where the emulator listens.
        open_to_all: whether browsers of other machines may see it.
    """
    try:
        refuse_strangers(received.request, open_to_all=open_to_all)
    except ProblemError as problem:
        return problem_reply(problem, received.path, new_trace_id(), {})
    users = service.tenant.export()
    page = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>MonoCloud emulator</title>
<style>{_STYLE}</style></head><body>
<h1>A local MonoCloud</h1>
<p>This is the emulator of the MonoCloud SDK for Python: it answers as the Users API does, and keeps
its users in memory. It is for tests and demos; nothing of it is real.</p>
<h2>Point a client at it</h2>
<pre>export {DOMAIN_VARIABLE}={html.escape(url)}
export {API_KEY_VARIABLE}=&lt;the key that the emulator was started with&gt;</pre>
<p>What it was asked, and what goes wrong: <code>/_emulator</code>,
<code>/_emulator/requests</code>, <code>/_emulator/users</code>.</p>
<h2>Users ({len(users)})</h2>
<table><tr><th>user_id</th><th>name</th><th>phones</th></tr>
{"".join(map(_user, users[:_SHOWN_USERS]))}</table>
<h2>Operations ({len(ALL)})</h2>
<table><tr><th>operation</th><th>method</th><th>path</th></tr>
{"".join(_row(one.name, one.method, f"/api{one.path}") for one in ALL)}</table>
</body></html>
"""
    return Reply(200, _HEADERS, page.encode())


def _user(record: dict[str, Any]) -> str:
    claims: dict[str, Any] = record.get("claims") or {}
    phones: list[dict[str, Any]] = record.get("phone_numbers") or []
    numbers = ", ".join(phone.get("phone") or "-" for phone in phones)
    return _row(record["user_id"], str(claims.get("name") or ""), numbers)


def _row(*cells: str) -> str:
    return f"<tr>{''.join(f'<td>{html.escape(cell)}</td>' for cell in cells)}</tr>\n"
