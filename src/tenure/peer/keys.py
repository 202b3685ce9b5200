"""Keys: the secrets that the members of an election share, from a file."""

from __future__ import annotations

import hmac
import os
import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from tenure.errors import ConfigurationError

__all__ = ["KEY_ID_BYTES", "Key", "KeyFile", "Keys", "read_keys"]

KEY_ID_BYTES = 4

_MOST_KEYS = 2
_SHORTEST = 32
"""Characters: 16 random bytes as hexadecimal digits; base64 holds more."""
_LARGEST_FILE = 4096
_RECIPE = "head -c 32 /dev/urandom | base64"


class Key(NamedTuple):
    """One secret.

    Attributes:
        id: stands in every datagram that it seals; tells nothing of the secret.
        secret: the bytes that HMAC is computed with.
    """

    id: bytes
    secret: bytes

    def __repr__(self) -> str:
        """Name the key without the secret."""
        return f"Key({self.id.hex()})"


@dataclass(frozen=True)
class Keys:
    """One or two keys that are valid at once: the first seals, each of them is accepted.

    Attributes:
        valid: the keys; the first seals.
    """

    valid: tuple[Key, ...]
    _by_id: dict[bytes, bytes] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_id", dict(self.valid))

    @classmethod
    def of(cls, *secrets: bytes) -> Keys:
        """Return the keys with these secrets."""
        return cls(tuple(Key(_id_of(secret), secret) for secret in secrets))

    @property
    def signing(self) -> Key:
        """The key that seals."""
        return self.valid[0]

    def find(self, key_id: bytes) -> bytes | None:
        """Return the secret of a key; None: there is none of that id."""
        return self._by_id.get(key_id)


def read_keys(path: str | os.PathLike[str]) -> Keys:
    """Read the keys from a file.

    Args:
        path: of a file with one secret a line, at most two. A secret is used as it stands: at least 32
            characters of ASCII without blanks.

    Raises:
        ConfigurationError: the file cannot be read, or holds something else.
    """
    lines = [line.strip() for line in _content(Path(path)).split(b"\n")]
    numbered = [(number, line) for number, line in enumerate(lines, 1) if line]
    if not numbered:
        raise ConfigurationError(f"{path} is empty; make a secret with: {_RECIPE} > {path}")
    for number, line in numbered:
        if fault := _fault(line):
            raise ConfigurationError(f"{path}: line {number} {fault}; make a secret with: {_RECIPE}")
    if len(numbered) > _MOST_KEYS:
        raise ConfigurationError(
            f"{path} holds {len(numbered)} secrets, but only {_MOST_KEYS} can be valid at once; "
            "drop those that no member seals with any more"
        )
    keys = Keys.of(*(line for _, line in numbered))
    if len({key.id for key in keys.valid}) != len(keys.valid):
        raise ConfigurationError(f"{path} holds one secret twice; drop one of the lines")
    return keys


class KeyFile:
    """A file of keys that may be replaced at any time, as a kubelet does when its Secret has changed.

    Args:
        path: of the file, as for `read_keys`.

    Attributes:
        path: of the file.
        keys: as they were read last, when the file was in order.

    Raises:
        ConfigurationError: the file is not in order now.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = path
        self.keys = read_keys(path)

    def refresh(self) -> bool:
        """Read the file again.

        Returns:
            whether there are other keys now.

        Raises:
            ConfigurationError: it is not in order; `keys` stay as they were.
        """
        before, self.keys = self.keys, read_keys(self.path)
        return self.keys != before


def _content(path: Path) -> bytes:
    try:
        if not stat.S_ISREG(path.stat().st_mode):  # a pipe or a device may never end
            raise ConfigurationError(f"{path} is no regular file; name a file with one secret a line")
        with path.open("rb") as file:
            content = file.read(_LARGEST_FILE + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(
            f"cannot read {path}: {reason}; it should hold the secret of all members, made with: {_RECIPE}"
        ) from error
    if len(content) > _LARGEST_FILE:
        raise ConfigurationError(f"{path} is longer than {_LARGEST_FILE} bytes; name a file of secrets")
    return content


def _fault(line: bytes) -> str:
    """Return what is wrong with a secret, without showing it."""
    if not all(0x21 <= byte <= 0x7E for byte in line):
        return "holds blanks or what is no printable ASCII"
    if len(line) < _SHORTEST:
        return f"has {len(line)} characters, but a secret needs at least {_SHORTEST}"
    return ""


def _id_of(secret: bytes) -> bytes:
    return hmac.digest(secret, b"tenure peer key", "sha256")[:KEY_ID_BYTES]
