"""Tokens that expire and tokens that are replaced, in the file where a candidate finds its own."""

from __future__ import annotations

import base64
import json
import os
import random
from pathlib import Path
from typing import Any, NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from tests.cluster.server import ApiError, Cluster, ServiceAccount

__all__ = ["TokenExpired", "TokenFile", "TokenRotated", "sign"]

HOUR_S = 3600
TIMEOUT_S = 5  # another fault may have the API server paused


class _Token(NamedTuple):
    text: str
    secret: str  # that it is bound to: it ends with it


class TokenFile:
    """A candidate's token file: each token in it is bound to a Secret, and can be revoked by deleting that.

    The API server remembers for 10 s that a token was good, so one that is in use lives on for that long.

    Args:
        cluster: a running one.
        account: whose tokens.
        path: of the file; replaced in one step, as a kubelet does it.

    Raises:
        ApiError, OSError: the first token cannot be had.
    """

    def __init__(self, cluster: Cluster, account: ServiceAccount, path: Path) -> None:
        self._cluster = cluster
        self._account = account
        self._path = path
        self._is_spoilt = False
        self._valid = self._request_token()
        self._write(self._valid.text)

    def rotate(self, *, revoke: bool) -> None:
        """Put a new token into the file, and revoke the old one or let it live.

        Raises:
            ApiError, OSError: the API server does not do its part.
        """
        old = self._renew()
        if revoke:
            self._revoke(old)

    def expire(self) -> None:
        """Put a token into the file whose time is over; the one before is revoked for those who have it.

        Raises:
            ApiError, OSError: the API server does not do its part.
        """
        old = self._renew()
        claims = _claims(old.text)
        self._spoil(sign(self._cluster, {**claims, "exp": claims["iat"] - HOUR_S}, like=old.text))
        self._revoke(old)

    def revoke(self) -> None:
        """Revoke the token in the file, and leave it there.

        Raises:
            ApiError, OSError: the API server does not do its part.
        """
        old = self._renew()
        self._spoil(old.text)
        self._revoke(old)

    def restore(self) -> None:
        """Put the valid token into the file; without effect if its folder is gone."""
        self._is_spoilt = False
        self._write(self._valid.text)

    def _renew(self) -> _Token:
        """Have a new token before the old one, which is returned, comes to harm."""
        old, self._valid = self._valid, self._request_token()
        if not self._is_spoilt:
            self._write(self._valid.text)
        return old

    def _spoil(self, token: str) -> None:
        self._is_spoilt = True
        self._write(token)

    def _revoke(self, token: _Token) -> None:
        self._request("DELETE", f"/secrets/{token.secret}")

    def _request_token(self) -> _Token:
        secret = self._request("POST", "/secrets", {"metadata": {"generateName": "token-"}})["metadata"]
        bound_to = {"kind": "Secret", "apiVersion": "v1", "name": secret["name"], "uid": secret["uid"]}
        wanted = {"spec": {"expirationSeconds": 6 * HOUR_S, "boundObjectRef": bound_to}}
        answer = self._request("POST", f"/serviceaccounts/{self._account.name}/token", wanted)
        return _Token(answer["status"]["token"], secret["name"])

    def _request(self, method: str, path: str, body: Any = None) -> Any:
        namespace = f"/api/v1/namespaces/{self._account.namespace}"
        return self._cluster.request(method, namespace + path, body, timeout_s=TIMEOUT_S)

    def _write(self, token: str) -> None:
        new = self._path.with_name(f"{self._path.name}.new")
        try:
            new.write_text(token)
            os.replace(new, self._path)
        except FileNotFoundError:
            pass


class TokenExpired:
    """The candidate's token is refused for a while; then there is a new one.

    Args:
        tokens: of the candidate.
        victim: its name, for words.

    Attributes:
        name: of the fault.
    """

    name = "token expired"

    def __init__(self, tokens: TokenFile, victim: str) -> None:
        self._tokens = tokens
        self._victim = victim

    def begin(self, rng: random.Random) -> str:
        """Replace the token by one that is refused, until `end`, and return why it is, in words."""
        is_expired = rng.choice((True, False))
        try:
            if is_expired:
                self._tokens.expire()
            else:
                self._tokens.revoke()
        except (ApiError, OSError) as error:
            return f"{self._victim}: token not withdrawn everywhere: {error}"
        return f"{self._victim}: token {'expired' if is_expired else 'revoked'}, no other in the file"

    def end(self) -> None:
        """Put a new, valid token into the file."""
        self._tokens.restore()


class TokenRotated:
    """The candidate's token is replaced by another valid one, and the old one dies sooner or later.

    Args:
        tokens: of the candidate.
        victim: its name, for words.

    Attributes:
        name: of the fault.
    """

    name = "token rotated"

    def __init__(self, tokens: TokenFile, victim: str) -> None:
        self._tokens = tokens
        self._victim = victim

    def begin(self, rng: random.Random) -> str:
        """Replace it, and return in words what became of the old one."""
        is_revoked = rng.choice((True, False))
        try:
            self._tokens.rotate(revoke=is_revoked)
        except (ApiError, OSError) as error:
            return f"{self._victim}: token not rotated to the end: {error}"
        return f"{self._victim}: token rotated, the old one {'revoked' if is_revoked else 'still good'}"

    def end(self) -> None:
        """Nothing: a rotation is not undone."""


def sign(cluster: Cluster, claims: dict[str, Any], *, like: str) -> str:
    """Return a token of these claims, signed with the API server's own key, as in the token `like`."""
    key = serialization.load_pem_private_key((cluster.folder / "accounts.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    signed = f"{like.partition('.')[0]}.{_encode(json.dumps(claims).encode())}"
    r, s = decode_dss_signature(key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{_encode(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def _claims(token: str) -> dict[str, Any]:
    return dict(json.loads(base64.urlsafe_b64decode(token.split(".")[1] + "==")))


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
