"""Certificates for loopback servers, from an authority that nothing trusts by default."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta, timezone

import trustme

from .wire import Step, Wire

AUTHORITY = trustme.CA()
_LONG_AGO = datetime.now(timezone.utc) - timedelta(days=30)


def trusting(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """Return a client context that trusts the authority as well as the system's."""
    context = ssl.create_default_context()
    authority.configure_trust(context)
    return context


def showing_certificate(authority: trustme.CA = AUTHORITY) -> ssl.SSLContext:
    """Return a client context that trusts the authority and presents a client certificate."""
    context = trusting()
    authority.issue_cert("client@example.org").configure_cert(context)
    return context


def serving(*names: str, expired: bool = False) -> ssl.SSLContext:
    """Return a server context with a certificate for these names."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    expires = _LONG_AGO if expired else None
    AUTHORITY.issue_cert(*names, not_after=expires).configure_cert(context)
    return context


def serving_clients_with_certificates(*names: str) -> ssl.SSLContext:
    """Return a server context that requires a client certificate from the authority."""
    context = serving(*names)
    context.verify_mode = ssl.CERT_REQUIRED
    AUTHORITY.configure_trust(context)
    return context


class TlsWire(Wire):
    """A scripted server behind TLS that counts the handshakes that clients start."""

    def __init__(self, *steps: Step, context: ssl.SSLContext | None = None) -> None:
        super().__init__(*steps, tls=context or serving("localhost", "127.0.0.1"))
        self.handshakes = 0
        assert self.tls
        self.tls.sni_callback = self._count

    def _count(self, *_: object) -> None:
        self.handshakes += 1


class RefusingServer:
    """What a server that asks for client certificates saw; ``read`` is the data it received."""

    def __init__(self, listening: socket.socket) -> None:
        self.url = f"https://localhost:{listening.getsockname()[1]}"
        self.connections = 0
        self.read = b""


@contextmanager
def refusing_clients_without_certificate(*names: str) -> Iterator[RefusingServer]:
    """Serve a few TLS 1.3 connections; each ends only once the client has seen the refusal.

    If a server closes at once, a reset may overtake the alert that says why.
    """
    context = serving_clients_with_certificates(*names)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    with socket.create_server(("127.0.0.1", 0)) as listening:
        server = RefusingServer(listening)
        thread = threading.Thread(target=_refuse, args=(listening, context, server))
        thread.start()
        yield server
        listening.shutdown(socket.SHUT_RDWR)
        thread.join()


def _refuse(listening: socket.socket, context: ssl.SSLContext, server: RefusingServer) -> None:
    while server.connections < 10:
        try:
            connection, _ = listening.accept()
        except OSError:
            return
        with connection:
            connection.settimeout(5)
            server.connections += 1
            _serve(connection, context, server)


def _serve(connection: socket.socket, context: ssl.SSLContext, server: RefusingServer) -> None:
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_side=True)
    refused = False
    while data := connection.recv(65536):
        incoming.write(data)
        try:
            if not refused:
                tls.do_handshake()
                server.read += tls.read()
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLError:
            refused = True
        connection.sendall(outgoing.read())
