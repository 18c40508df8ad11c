"""Handles the dashboard's paths: ``/`` for a browser, and those under /_emulator/dashboard."""

from __future__ import annotations

import secrets
from collections.abc import Mapping

import attrs
from aiohttp import web

from ...errors import ConfigurationError
from ..delivery import deliver
from ..problems import ProblemError, new_trace_id, not_found, wrong_method
from ..reply import Reply, problem_reply
from ..service import Received, Service
from . import actions, live_updates
from .assets import asset
from .form_data import fields
from .guard import refuse_forgeries, refuse_strangers
from .page import Notice, View, page
from .paths import PREFIX
from .request_details import details

_HEADERS: Mapping[str, str] = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Cross-Origin-Resource-Policy": "same-origin",
    # Without a referrer, browsers would send "Origin: null" with the forms.
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_PAGE_TYPE = {"Content-Type": "text/html; charset=utf-8"}


class Dashboard:
    """The page of an emulator.

    Args:
        service: the state that it shows and changes.
        open_to_all: whether browsers on other machines may use it.
    """

    def __init__(self, service: Service, *, open_to_all: bool) -> None:
        self._service = service
        self._open_to_all = open_to_all
        self._token = secrets.token_urlsafe()

    def serves(self, received: Received) -> bool:
        """Return whether a request is for the dashboard."""
        if received.path.startswith(f"{PREFIX}/"):
            return True
        wanted = received.request.headers.get("Accept", "")
        return received.path == "/" and received.request.method == "GET" and "text/html" in wanted

    async def answer(self, received: Received, url: str) -> web.StreamResponse:
        """Respond to a request.

        Args:
            received: the request.
            url: where the emulator listens.
        """
        request = received.request
        try:
            refuse_strangers(request, open_to_all=self._open_to_all)
            if received.path == live_updates.PATH and request.method == "GET":
                return await live_updates.stream(self._service, request, _HEADERS)
            reply = self._reply(received, url)
        except ProblemError as problem:
            reply = problem_reply(problem, received.path, new_trace_id(), {})
        headers = {**_HEADERS, **reply.headers}
        return await deliver(request, attrs.evolve(reply, headers=headers), None)

    def _reply(self, received: Received, url: str) -> Reply:
        path, method = received.path.removeprefix(PREFIX), received.request.method
        view = View(self._service, self._token, url, received.request.query)
        if action := actions.ACTIONS.get(path):
            _check_method(method, "POST")
            return self._act(action, received, view)
        found = asset(path.removeprefix("/"))
        _check_method(method, "GET")
        if found is not None:
            return found
        return _html(200, page(view) if path == "/" else details(view, path))

    def _act(self, action: actions.Action, received: Received, view: View) -> Reply:
        form = fields(received)
        refuse_forgeries(received.request, form.get("token", ""), self._token)
        try:
            action.act(self._service, form)
        except ConfigurationError as error:
            notice = Notice(f"{error}", action.section, form)
            return _html(400, page(attrs.evolve(view, notice=notice)))
        return Reply(303, {"Location": f"/?done={action.name}#notice"}, b"")


def _check_method(method: str, allowed: str) -> None:
    if method != allowed:
        raise wrong_method(method, (allowed,))


def _html(status: int, markup: str | None) -> Reply:
    if markup is None:
        raise not_found("The page does not exist.")
    return Reply(status, _PAGE_TYPE, markup.encode(errors="backslashreplace"))
