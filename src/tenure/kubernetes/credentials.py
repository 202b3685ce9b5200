"""Credentials: what identifies this client to the API server, and how it is renewed."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

from tenure.errors import LockUnavailableError
from tenure.kubernetes.material import Material, MaterialReader

__all__ = [
    "ANONYMOUS",
    "Authenticator",
    "BasicAuth",
    "BearerToken",
    "ClientCertificate",
    "Credentials",
    "Proof",
    "make_bearer",
]


class ClientCertificate(NamedTuple):
    """A certificate and its key, as PEM."""

    certificate: Material
    key: Material


class Proof(NamedTuple):
    """What one request shows: an ``Authorization`` header (or none) and PEM certificate and key (or none)."""

    authorization: str = ""
    certificate: str = ""
    key: str = ""


class Authenticator(Protocol):
    """Credentials in use by one client."""

    async def prove(self) -> Proof:
        """Return what the next request is to show.

        Raises:
            LockUnavailableError: nothing can be had now.
            ConfigurationError: nothing can ever be had this way.
        """
        ...

    def expire(self) -> None:
        """The server did not accept the last proof: get a new one for the next request."""
        ...

    async def aclose(self) -> None:
        """Stop whatever still runs."""
        ...


class Credentials(Protocol):
    """Describes an identity; hashable, holds nothing open."""

    def open(self) -> Authenticator:
        """Return these credentials in use."""
        ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Anonymous:
    """No identity beside a client certificate, if there is one."""

    def open(self) -> Authenticator:
        """Return these credentials in use."""
        return _FixedHeader("")


ANONYMOUS = _Anonymous()


@dataclass(frozen=True, slots=True)
class BasicAuth:
    """User name and password."""

    username: str
    password: str = field(repr=False)

    def open(self) -> Authenticator:
        """Return these credentials in use."""
        pair = f"{self.username}:{self.password}".encode()
        return _FixedHeader(f"Basic {base64.b64encode(pair).decode('ascii')}")


@dataclass(frozen=True, slots=True)
class BearerToken:
    """A token, inline or in a file that is rotated."""

    token: Material

    def open(self) -> Authenticator:
        """Return these credentials in use."""
        return _Token(self.token)


def make_bearer(token: str, source: str) -> str:
    """Return the ``Authorization`` header for a token.

    Raises:
        LockUnavailableError: no header can hold it. The HTTP library would say so too, and quote the token.
    """
    if not (token.isascii() and token.isprintable() and token):
        raise LockUnavailableError(f"{source} holds no usable token", refused=True)
    return f"Bearer {token}"


class _FixedHeader:
    def __init__(self, authorization: str) -> None:
        self._proof = Proof(authorization=authorization)

    async def prove(self) -> Proof:
        return self._proof

    def expire(self) -> None:
        """There is nothing newer."""

    async def aclose(self) -> None:
        """There is nothing to stop."""


class _Token:
    def __init__(self, material: Material) -> None:
        self._path = material.path
        self._reader = MaterialReader(material)

    async def prove(self) -> Proof:
        return Proof(make_bearer(self._reader.read(), self._path or "the kubeconfig"))

    def expire(self) -> None:
        self._reader.expire()

    async def aclose(self) -> None:
        """There is nothing to stop."""
