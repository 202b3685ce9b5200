"""TlsIdentity: everything that a TLS context is made of, comparable, so that a rotation is noticed."""

from __future__ import annotations

import ssl
import tempfile
from typing import NamedTuple

from tenure.errors import LockUnavailableError

__all__ = ["TlsIdentity"]


class TlsIdentity(NamedTuple):
    """The inputs of a TLS context, as PEM text.

    Attributes:
        authorities: that may sign the server's certificate; empty: those of the system.
        verify: False believes any server.
        certificate: of the client; empty: none.
        key: of the client.
    """

    authorities: str = ""
    verify: bool = True
    certificate: str = ""
    key: str = ""

    def make_context(self) -> ssl.SSLContext:
        """Return a new TLS context.

        Raises:
            LockUnavailableError: what was given is no certificate or key. Not a ConfigurationError, because a
                file that is being rotated may be torn for a moment.
        """
        # Not create_default_context: its strict checks (3.13) refuse the authorities that kubeadm makes.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        if not self.verify:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        elif self.authorities:
            self._trust(context)
        else:
            context.load_default_certs()
        if self.certificate:
            self._identify(context)
        return context

    def _trust(self, context: ssl.SSLContext) -> None:
        # Comments between the certificates may be in any language; the ssl module takes ASCII alone.
        authorities = self.authorities.encode("ascii", "ignore").decode("ascii")
        try:
            context.load_verify_locations(cadata=authorities)
        except (ssl.SSLError, ValueError) as error:
            raise LockUnavailableError(
                "the certificate authority is no PEM certificate: check certificate-authority", refused=True
            ) from error

    def _identify(self, context: ssl.SSLContext) -> None:
        # The ssl module reads client certificates from files only; this one is private and gone at once.
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", prefix="tenure-", suffix=".pem") as file:
            file.write(f"{self.certificate}\n{self.key}\n")
            file.flush()
            try:
                # An encrypted key must fail rather than ask for its password on the terminal.
                context.load_cert_chain(file.name, password="")
            except (ssl.SSLError, ValueError) as error:
                raise LockUnavailableError(
                    "the client certificate and its key do not fit together: "
                    f"check client-certificate and client-key ({error})",
                    refused=True,
                ) from error
