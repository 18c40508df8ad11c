"""The certificate of an emulator, of an authority that is made on the spot."""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from pathlib import Path

from ..errors import ConfigurationError

_LOOPBACK = ("localhost", "127.0.0.1", "::1")


class Certificate:
    """A certificate for this machine, and the authority that vouches for it.

    Args:
        host: a name of the server besides those of this machine.

    Raises:
        ConfigurationError: the extra ``tls`` is not installed.
    """

    def __init__(self, host: str) -> None:
        try:
            import trustme
        except ImportError:
            raise ConfigurationError(
                "tls needs a package more: pip install 'monocloud[tls]'"
            ) from None
        authority = trustme.CA(organization_name="MonoCloud emulator")
        issued = authority.issue_cert(*dict.fromkeys((*_LOOPBACK, host)))
        self.ca_pem: str = authority.cert_pem.bytes().decode()
        self.context: ssl.SSLContext = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        issued.configure_cert(self.context)  # pyright: ignore[reportUnknownMemberType]
        self._file: Path | None = None

    @property
    def ca_file(self) -> Path:
        """A file with the authority's certificate, written when it is first asked for."""
        if self._file is None:
            handle, name = tempfile.mkstemp(prefix="monocloud-emulator-", suffix=".pem")
            with os.fdopen(handle, "w") as file:
                file.write(self.ca_pem)
            self._file = Path(name)
        return self._file

    def remove_file(self) -> None:
        """Remove the file, if there is one."""
        if self._file is not None:
            with contextlib.suppress(OSError):
                self._file.unlink()
            self._file = None
