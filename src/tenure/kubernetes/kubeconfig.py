"""Kubeconfig: reads the files that kubectl reads, merged as kubectl merges them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tenure.errors import ConfigurationError, LockUnavailableError
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.credentials import (
    ANONYMOUS,
    BasicAuth,
    BearerToken,
    ClientCertificate,
    Credentials,
)
from tenure.kubernetes.exec_plugin import ExecPlugin
from tenure.kubernetes.material import Material, MaterialReader
from tenure.kubernetes.one_line import one_line
from tenure.kubernetes.section import Section
from tenure.kubernetes.tls import TlsIdentity
from tenure.kubernetes.yaml_text import parse_yaml

__all__ = ["load_kubeconfig"]

# What took the place of the client-side providers that kubectl dropped.
_SUCCESSORS = {
    "gcp": "gke-gcloud-auth-plugin",
    "azure": "kubelogin",
    "oidc": "kubectl oidc-login (kubelogin)",
}
_PROXY_SCHEMES = ("http", "https", "socks5", "socks5h")


def load_kubeconfig(path: str | Path | None = None, context: str | None = None) -> ClusterConfig:
    """Read a kubeconfig.

    Args:
        path: of one file; None reads what kubectl reads: the files of ``$KUBECONFIG``, in which the first one
            to name something wins, else ``~/.kube/config``.
        context: name of a context; None: the current one.

    Raises:
        ConfigurationError: naming the file and the field.
    """
    try:
        return _load(path, context)
    except (ConfigurationError, LockUnavailableError) as error:
        # Names and values come from the files, and may hold anything.
        raise ConfigurationError(one_line(error)) from error


def _load(path: str | Path | None, context: str | None) -> ClusterConfig:
    merged = _Merged(_read_files(path))
    chosen = merged.context(context)
    cluster = merged.find("clusters", "cluster", chosen.text("cluster"), chosen)
    user_name = chosen.text("user")
    user = merged.find("users", "user", user_name, chosen) if user_name else Section({}, chosen.file, "users")
    config = ClusterConfig(
        server=_server(cluster),
        namespace=chosen.text("namespace") or "default",
        certificate_authority=cluster.material("certificate-authority"),
        tls_server_name=cluster.text("tls-server-name"),
        insecure_skip_tls_verify=cluster.flag("insecure-skip-tls-verify"),
        proxy_url=_proxy_url(cluster),
        credentials=_credentials(user, cluster),
        client_certificate=_client_certificate(user),
        impersonation=_impersonation(user),
    )
    _check_certificates(config, chosen.file)
    return config


class _Merged:
    """Several files as one: the first to name a context, cluster or user wins."""

    def __init__(self, files: list[tuple[Path, Mapping[str, Any]]]) -> None:
        self._files = files
        self._named = ", ".join(str(path) for path, _ in files)

    def context(self, name: str | None) -> Section:
        name = name or next(
            (found for _, content in self._files if (found := content.get("current-context"))), None
        )
        if not isinstance(name, str):
            raise ConfigurationError(
                f"{self._named}: current-context is not set; set it with: kubectl config use-context NAME"
            )
        return self._section("contexts", "context", name, f"{self._named}: current-context")

    def find(self, plural: str, singular: str, name: str, context: Section) -> Section:
        return self._section(plural, singular, name, context.where(singular))

    def _section(self, plural: str, singular: str, name: str, asked_by: str) -> Section:
        for path, content in self._files:
            entries = content.get(plural) or []
            if not isinstance(entries, list):
                raise ConfigurationError(f"{path}: {plural} must be a list")
            for entry in entries:
                if isinstance(entry, dict) and entry.get("name") == name:
                    return Section(entry.get(singular), path, f'{plural}["{one_line(name, 80)}"].{singular}')
        raise ConfigurationError(
            f'{asked_by} names "{one_line(name, 80)}", which {plural} of {self._named} does not hold'
        )


def _read_files(path: str | Path | None) -> list[tuple[Path, Mapping[str, Any]]]:
    if path is not None:
        return [_read_file(Path(path))]
    listed = os.environ.get("KUBECONFIG", "")
    if not listed:
        return [_read_file(Path.home() / ".kube" / "config")]
    # Like kubectl: files of the list that do not exist are passed over.
    existing = [Path(name) for name in listed.split(os.pathsep) if name and Path(name).exists()]
    if not existing:
        raise ConfigurationError(f"none of the files of KUBECONFIG exists: {listed}")
    return [_read_file(each) for each in existing]


def _read_file(path: Path) -> tuple[Path, Mapping[str, Any]]:
    try:
        path = path.expanduser().absolute()
        content = parse_yaml(path.read_text(encoding="utf-8"))
    except ValueError as error:
        raise ConfigurationError(f"kubeconfig {path} is not YAML: {error}") from error
    except (OSError, RuntimeError) as error:  # RuntimeError: the home of no user
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"cannot read kubeconfig {path}: {reason}") from error
    if not isinstance(content, dict):
        raise ConfigurationError(f"kubeconfig {path} is not a mapping of clusters, users and contexts")
    return path, content


def _server(cluster: Section) -> str:
    server = cluster.text("server")
    if not _is_url(server, ("http", "https")):
        raise ConfigurationError(f"{cluster.where('server')} is no http:// or https:// URL: {server!r}")
    if "@" in server:
        raise ConfigurationError(
            f"{cluster.where('server')} holds a user name: put it into users[].user.username"
        )
    return server


def _proxy_url(cluster: Section) -> str:
    url = cluster.text("proxy-url")
    if not url:
        return ""
    if not _is_url(url, _PROXY_SCHEMES):
        raise ConfigurationError(f"{cluster.where('proxy-url')} is no {'://, '.join(_PROXY_SCHEMES)}:// URL")
    if url.startswith("socks5") and find_spec("socksio") is None:
        raise ConfigurationError(
            f"{cluster.where('proxy-url')} is a SOCKS proxy, which needs: pip install httpcore2[socks]"
        )
    return url


def _is_url(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return text.isascii() and parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _credentials(user: Section, cluster: Section) -> Credentials:
    """Pick what identifies the user, in the order of kubectl: a token file beats a token."""
    if "auth-provider" in user:
        provider = user.section("auth-provider").text("name")
        successor = _SUCCESSORS.get(provider, "one of your cluster's vendor")
        raise ConfigurationError(
            f'{user.where("auth-provider")} "{provider}" is retired; use the exec plugin {successor} instead'
        )
    if token_file := user.file_material("tokenFile"):
        return BearerToken(token_file)
    if token := user.text("token"):
        return BearerToken(Material(data=token))
    if username := user.text("username"):
        return BasicAuth(username, user.text("password"))
    if "exec" in user:
        return ExecPlugin.from_section(user.section("exec"), cluster)
    return ANONYMOUS


def _client_certificate(user: Section) -> ClientCertificate | None:
    certificate, key = user.material("client-certificate"), user.material("client-key")
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        missing = "client-certificate" if certificate is None else "client-key"
        raise ConfigurationError(f"{user.where(missing)} is missing: certificate and key go together")
    return ClientCertificate(certificate, key)


def _check_certificates(config: ClusterConfig, file: Path) -> None:
    """Try what was given now: a wrong file is to be reported here and not as an outage later."""
    try:
        authority, *own = (
            MaterialReader(material).read() if material else ""
            for material in (config.certificate_authority, *(config.client_certificate or ()))
        )
        verify = bool(authority) and not config.insecure_skip_tls_verify
        TlsIdentity(authority, verify, *own).make_context()
    except LockUnavailableError as error:
        raise ConfigurationError(f"{file}: {error}") from error


def _impersonation(user: Section) -> tuple[tuple[str, str], ...]:
    headers = [("Impersonate-User", user.text("as")), ("Impersonate-Uid", user.text("as-uid"))]
    headers += [("Impersonate-Group", group) for group in user.texts("as-groups")]
    extra = user.section("as-user-extra")
    headers += [
        (f"Impersonate-Extra-{quote(key, safe='')}", value)
        for key in extra.names()
        for value in extra.texts(key)
    ]
    given = tuple((name, value) for name, value in headers if value)
    if unprintable := [name for name, value in given if not value.isprintable()]:
        raise ConfigurationError(f"{user.where('as')}: no HTTP header can hold the value of {unprintable[0]}")
    return given
