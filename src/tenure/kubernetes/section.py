"""Section: one mapping of a kubeconfig, which knows where it stands, so that every fault can say so."""

from __future__ import annotations

import base64
import stat
from pathlib import Path
from typing import Any

from tenure.errors import ConfigurationError
from tenure.kubernetes.material import Material

__all__ = ["Section"]


class Section:
    """Typed access to the fields of one mapping; every fault is a ConfigurationError with file and field."""

    def __init__(self, fields: Any, file: Path, place: str) -> None:
        if fields is None:
            fields = {}
        if not isinstance(fields, dict):
            raise ConfigurationError(f"{file}: {place} must be a mapping")
        self._fields: dict[str, Any] = fields
        self._place = place
        self.file = file

    def __contains__(self, name: str) -> bool:
        return self._fields.get(name) is not None

    def where(self, name: str) -> str:
        """Return file and field, for messages; without a field, the mapping itself."""
        return f"{self.file}: {self._place}{f'.{name}' if name else ''}"

    def names(self) -> list[str]:
        """Return the names of the fields."""
        return [self._unicode(str(name), "") for name in self._fields]

    def value(self, name: str) -> Any:
        """Return a field as it stands; None if it is not given."""
        return self._fields.get(name)

    def text(self, name: str) -> str:
        """Return a string; empty if it is not given."""
        value = self._fields.get(name)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise ConfigurationError(
                f"{self.where(name)} must be a string, not {_shown(value)}; put it in quotes"
            )
        return self._unicode(value, name)

    def texts(self, name: str) -> list[str]:
        """Return a list of strings; empty if it is not given."""
        values = self._fields.get(name)
        if values is None:
            return []
        if not (isinstance(values, list) and all(isinstance(value, str) for value in values)):
            raise ConfigurationError(f"{self.where(name)} must be a list of strings")
        return [self._unicode(value, name) for value in values]

    def flag(self, name: str) -> bool:
        """Return a boolean; False if it is not given."""
        value = self._fields.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        raise ConfigurationError(f"{self.where(name)} must be true or false, not {_shown(value)}")

    def section(self, name: str) -> Section:
        """Return a mapping within this one."""
        return Section(self._fields.get(name), self.file, f"{self._place}.{name}")

    def sections(self, name: str) -> list[Section]:
        """Return a list of mappings within this one."""
        values = self._fields.get(name)
        if values is None:
            return []
        if not isinstance(values, list):
            raise ConfigurationError(f"{self.where(name)} must be a list")
        return [Section(value, self.file, f"{self._place}.{name}[{i}]") for i, value in enumerate(values)]

    def path(self, name: str) -> str:
        """Return a path, relative ones resolved against the kubeconfig's folder; empty if it is not given."""
        value = self.text(name)
        return str(self.file.parent / value) if value else ""

    def material(self, name: str) -> Material | None:
        """Return PEM given as ``NAME-data`` in base64, else as a file; None if neither is given."""
        encoded = self.text(f"{name}-data")
        if encoded:
            return Material(data=self._decode(f"{name}-data", encoded))
        return self.file_material(name)

    def file_material(self, name: str) -> Material | None:
        """Return a file's name after a look whether it can be read; None if it is not given."""
        path = self.path(name)
        if not path:
            return None
        try:
            mode = Path(path).stat().st_mode
            if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # a pipe or a device may never end
                raise ValueError("it is no regular file")
            Path(path).read_bytes()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or error
            raise ConfigurationError(f"{self.where(name)}: cannot read {path}: {reason}") from error
        return Material(path=path)

    def _unicode(self, text: str, name: str) -> str:
        """Half a character can be written in YAML, but neither be sent nor name a file."""
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ConfigurationError(f"{self.where(name)} is not valid Unicode")
        return text

    def _decode(self, name: str, encoded: str) -> str:
        try:
            return base64.b64decode("".join(encoded.split()), validate=True).decode("utf-8")
        except ValueError as error:
            raise ConfigurationError(f"{self.where(name)} is not base64 of a PEM file") from error


def _shown(value: object) -> str:
    """Return a value as it stands in the file, or its kind where that is long."""
    if isinstance(value, str) or (isinstance(value, int | float) and abs(value) < 1e15):
        return f"{value!r:.60}"
    return f"a {type(value).__name__}"
