"""ClusterConfig: how to reach an API server and as whom, from a Pod's own mounts."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from tenure.errors import ConfigurationError
from tenure.kubernetes.credentials import ANONYMOUS, BearerToken, ClientCertificate, Credentials
from tenure.kubernetes.material import Material

__all__ = ["SERVICE_ACCOUNT_FOLDER", "ClusterConfig", "in_cluster"]

SERVICE_ACCOUNT_FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClusterConfig:
    """Describes an API server and an identity there; equal configs can share one client.

    Attributes:
        server: base URL, such as ``https://10.0.0.1:443``; a path in it is kept.
        namespace: the one to use where none is named; no part of the comparison.
        certificate_authority: PEM of the authorities that may sign the server; None: those of the system.
        tls_server_name: the name that the server's certificate must bear; empty: the host of `server`.
        insecure_skip_tls_verify: believe any certificate.
        proxy_url: ``http://``, ``https://`` or ``socks5://``; empty: none. The environment is not asked.
        credentials: what to send as identity.
        client_certificate: what to show in the TLS handshake.
        impersonation: ``Impersonate-*`` headers.
    """

    server: str
    namespace: str = field(default="default", compare=False)
    certificate_authority: Material | None = None
    tls_server_name: str = ""
    insecure_skip_tls_verify: bool = False
    proxy_url: str = field(default="", repr=False)
    credentials: Credentials = ANONYMOUS
    client_certificate: ClientCertificate | None = None
    impersonation: tuple[tuple[str, str], ...] = ()


def in_cluster(folder: Path = SERVICE_ACCOUNT_FOLDER) -> ClusterConfig:
    """Return the configuration that Kubernetes gives to every Pod.

    Args:
        folder: where the ServiceAccount's ``token``, ``ca.crt`` and ``namespace`` are mounted.

    Raises:
        ConfigurationError: this is no Pod, or its ServiceAccount is not mounted.
    """
    host, port = os.environ.get("KUBERNETES_SERVICE_HOST"), os.environ.get("KUBERNETES_SERVICE_PORT")
    if not (host and port):
        raise ConfigurationError(
            "not in a Pod: KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set"
        )
    for name in ("token", "ca.crt", "namespace"):
        _require(folder / name)
    return ClusterConfig(
        server=f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}",
        namespace=(folder / "namespace").read_text(encoding="utf-8").strip(),
        certificate_authority=Material(path=str(folder / "ca.crt")),
        credentials=BearerToken(Material(path=str(folder / "token"))),
    )


def _require(path: Path) -> None:
    try:
        text = path.read_bytes().strip()
    except OSError as error:
        raise ConfigurationError(
            f"cannot read {path}: {error.strerror}; mount the ServiceAccount's token "
            "(automountServiceAccountToken: true)"
        ) from error
    if not text:
        raise ConfigurationError(f"{path} is empty; mount the ServiceAccount's token anew")
