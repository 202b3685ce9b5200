"""Codec: how one kind of Kubernetes object holds a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Protocol

from tenure.kubernetes.resource import Resource
from tenure.record import Record

__all__ = ["Codec", "UndecodableError", "annotations_of", "section_of"]


class UndecodableError(Exception):
    """What stands in an object is no record; the message names the field and its fault.

    Args:
        fault: field and fault, in a few words.
        refused: see `tenure.record.UnreadableRecord`.
    """

    def __init__(self, fault: str, *, refused: bool = False) -> None:
        super().__init__(fault)
        self.refused = refused


class Codec(Protocol):
    """Reads and writes a record within an object of one resource.

    Attributes:
        resource: the kind of object.
        resolution: of the times that it stores.
    """

    @property
    def resource(self) -> Resource: ...

    @property
    def resolution(self) -> timedelta: ...

    def decode(self, obj: Mapping[str, Any]) -> Record:
        """Return the record in the object; a free one if there is none.

        Raises:
            UndecodableError: there is something else in its place.
        """
        ...

    def is_election(self, obj: Mapping[str, Any]) -> bool:
        """Tell whether the object is there for an election, among others of its resource.

        Raises:
            UndecodableError: there is something else in place of what would tell.
        """
        ...

    def encode(self, record: Record, obj: dict[str, Any]) -> None:
        """Write the record, with both its times, into the object; touch nothing else in it."""
        ...

    def freeing_command(self, namespace: str, name: str) -> str:
        """Return the command with which a person frees an object that cannot be decoded."""
        ...


def section_of(parent: Mapping[str, Any], key: str) -> dict[str, Any]:
    """Return an object's section that is empty or absent in many objects (``spec``, ``data``, …).

    Raises:
        UndecodableError: something else stands there.
    """
    section = parent.get(key)
    if section is None:
        return {}
    if not isinstance(section, dict):
        raise UndecodableError(f"{key} is {section!r:.40}, not an object")
    return section


def annotations_of(obj: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object's annotations; empty if it has none."""
    return section_of(section_of(obj, "metadata"), "annotations")
