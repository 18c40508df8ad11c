"""The emulator's TLS certificate, issued by a CA generated on the fly."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from pathlib import Path

from ..errors import ConfigurationError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Certificate:
    """A certificate for this machine, and the CA that issued it.

    Args:
        host: a server name in addition to those of this machine.

    Raises:
        ConfigurationError: the extra ``tls`` is not installed.
    """

    def __init__(self, host: str) -> None:
        try:
            import trustme
        except ImportError:
            raise ConfigurationError(
                "tls needs the package trustme: run pip install 'monocloud[tls]'"
            ) from None
        authority = trustme.CA(organization_name="MonoCloud emulator")
        issued = authority.issue_cert(*dict.fromkeys((*_LOOPBACK, host)))
        self.ca_pem: str = authority.cert_pem.bytes().decode()
        self.context: ssl.SSLContext = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued.configure_cert(self.context)  # pyright: ignore[reportUnknownMemberType]
        self._file: Path | None = None

    @property
    def ca_file(self) -> Path:
        """A file with the CA's certificate, written on first access."""
        if self._file is None:
            handle, name = tempfile.mkstemp(prefix="monocloud-emulator-", suffix=".pem")
            with os.fdopen(handle, "w") as file:
                file.write(self.ca_pem)
            self._file = Path(name)
        return self._file

    def remove_file(self) -> None:
        """Remove the file, if it exists."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink()
            self._file = None
