"""Material: a token, certificate or key, given inline or as a file that may be rotated."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path

from tenure.errors import LockUnavailableError

__all__ = ["Material", "MaterialReader"]

# A kubelet renews a mounted token at 80 % of its life, so a minute of delay is far from the end of it.
_REREAD_AFTER_S = 60.0


@dataclass(frozen=True, slots=True)
class Material:
    """Where a secret or a certificate is found; describes only, reads nothing.

    Attributes:
        data: the text itself; used when `path` is empty.
        path: of a file, absolute.
    """

    data: str = field(default="", repr=False)
    path: str = ""


class MaterialReader:
    """Reads a `Material`, a file again after a minute or when told that its content no longer serves."""

    def __init__(self, material: Material) -> None:
        self._material = material
        self._text: str | None = None
        self._read_at = 0.0

    def read(self) -> str:
        """Return the text, stripped.

        Raises:
            LockUnavailableError: the file has never been readable. While a file that was read once cannot be
                read again (it is being replaced), its last content is returned.
        """
        if not self._material.path:
            return self._material.data.strip()
        now = time.monotonic()
        if self._text is None or now - self._read_at >= _REREAD_AFTER_S:
            self._text = self._reread()
            self._read_at = now
        return self._text

    def expire(self) -> None:
        """Make the next `read` look at the file."""
        self._read_at = float("-inf")

    def _reread(self) -> str:
        try:
            return Path(self._material.path).read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            if self._text is not None:
                return self._text
            reason = getattr(error, "strerror", None) or error
            raise LockUnavailableError(
                f"cannot read {self._material.path}: {reason}", refused=True
            ) from error
