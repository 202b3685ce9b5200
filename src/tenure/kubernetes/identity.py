"""Identity: the credentials, certificates and authorities of one client, as they are right now."""

from __future__ import annotations

from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.credentials import Proof
from tenure.kubernetes.material import MaterialReader
from tenure.kubernetes.tls import TlsIdentity

__all__ = ["Identity"]


class Identity:
    """Puts together what a request shows, from files and plugins that are rotated under it."""

    def __init__(self, config: ClusterConfig) -> None:
        self._verify = not config.insecure_skip_tls_verify
        self._authenticator = config.credentials.open()
        self._authorities = (
            MaterialReader(config.certificate_authority) if config.certificate_authority else None
        )
        self._certificate = [MaterialReader(material) for material in config.client_certificate or ()]

    async def show(self) -> tuple[str, TlsIdentity]:
        """Return the ``Authorization`` header (empty: none) and the inputs of the TLS context.

        Raises:
            LockUnavailableError: something cannot be had now.
            ConfigurationError: something can never be had this way.
        """
        proof = await self._authenticator.prove()
        if self._certificate and not proof.certificate:
            certificate, key = (reader.read() for reader in self._certificate)
            proof = Proof(proof.authorization, certificate, key)
        authorities = self._authorities.read() if self._authorities else ""
        return proof.authorization, TlsIdentity(authorities, self._verify, proof.certificate, proof.key)

    def expire(self) -> None:
        """The server accepted neither token nor certificate: get new ones, and read all files again."""
        self._authenticator.expire()
        self.expire_certificates()

    def expire_certificates(self) -> None:
        """The connection failed: a certificate or an authority may have been replaced."""
        for reader in self._certificate:
            reader.expire()
        if self._authorities:
            self._authorities.expire()

    async def aclose(self) -> None:
        """Stop a plugin that still runs."""
        await self._authenticator.aclose()
