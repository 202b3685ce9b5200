"""LeaseRoster: one labelled Lease for each candidate, whatever kind of lock the election is kept in."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from tenure.errors import ConflictError
from tenure.handover import HIGHEST_PRIORITY
from tenure.kubernetes.client import Client
from tenure.kubernetes.resource import LEASES
from tenure.kubernetes.status import NotFoundError
from tenure.locks.codec import UndecodableError, annotations_of, section_of
from tenure.locks.fields import decode_fields, whole_seconds
from tenure.locks.roster import Entry
from tenure.locks.times import format_micro_time

__all__ = ["ELECTION_LABEL", "LeaseRoster"]

ELECTION_LABEL = "tenure.dev/election"
"""Tells the Lease of a candidate from one that holds a record."""
_PRIORITY = "tenure.dev/priority"
_PREEMPT = "tenure.dev/preempt"
_LONGEST_NAME, _LONGEST_LABEL = 253, 63  # what Kubernetes accepts
_LONGEST_DURATION_S = 2**31 - 1  # the field has 32 bits
_DIGITS = 10
_MERGE_PATCH = "application/merge-patch+json"


class LeaseRoster:
    """The candidates' Leases of one election; see `tenure.locks.roster.Roster`.

    A Lease counts only if its name is the one that its holder has here: whatever else bears the label, such
    as the record itself, is neither shown nor removed.

    Args:
        client: of the API server.
        namespace: of the election.
        election: the name of the object that holds its record.
    """

    def __init__(self, client: Client, namespace: str, election: str) -> None:
        self._client = client
        self._namespace = namespace
        self._election = election
        self._label = election if len(election) <= _LONGEST_LABEL else _digested(election, "", _LONGEST_LABEL)

    async def list(self, *, timeout: float) -> list[Entry]:
        selector = f"{ELECTION_LABEL}={self._label}"
        found = await self._client.list(LEASES, self._namespace, label_selector=selector, timeout=timeout)
        items = found.get("items")
        entries = map(self._decode, items if isinstance(items, list) else [])
        return sorted((entry for entry in entries if entry), key=lambda entry: entry.identity)

    async def write(self, entry: Entry, *, timeout: float) -> Entry:
        name, body = self._name_of(entry.identity), self._encode(entry)
        place = (LEASES, self._namespace)
        try:
            found = await self._client.patch(*place, name, body, content_type=_MERGE_PATCH, timeout=timeout)
        except NotFoundError:
            try:
                found = await self._client.create(*place, _as_created(name, body), timeout=timeout)
            except ConflictError:  # another process of this identity was quicker: it is in the roster
                return replace(entry, version="")
        return replace(entry, version=str(found["metadata"].get("resourceVersion") or ""))

    async def remove(self, entry: Entry, *, timeout: float) -> None:
        name = self._name_of(entry.identity)
        # After a conflict it is alive, or another process of that identity is.
        with suppress(NotFoundError, ConflictError):
            await self._client.delete(
                LEASES, self._namespace, name, resource_version=entry.version or None, timeout=timeout
            )

    def _name_of(self, identity: str) -> str:
        return _digested(self._election, identity, _LONGEST_NAME)

    def _encode(self, entry: Entry) -> dict[str, Any]:
        """Return a merge patch, in which None takes out what was there."""
        annotations = {
            _PRIORITY: str(entry.priority) if entry.priority else None,
            _PREEMPT: "true" if entry.preempt else None,
        }
        spec = {
            "holderIdentity": entry.identity,
            "leaseDurationSeconds": min(whole_seconds(entry.lapse), _LONGEST_DURATION_S),
            "acquireTime": format_micro_time(entry.since) if entry.since else None,
            "renewTime": format_micro_time(entry.renewed) if entry.renewed else None,
        }
        metadata = {"labels": {ELECTION_LABEL: self._label}, "annotations": annotations}
        return {"metadata": metadata, "spec": spec}

    def _decode(self, obj: object) -> Entry | None:
        if not isinstance(obj, dict):
            return None
        try:
            metadata, annotations = section_of(obj, "metadata"), annotations_of(obj)
            record = decode_fields(section_of(obj, "spec"), transitions="leaseTransitions", where="spec.")
        except UndecodableError:
            return None
        if not record.holder or metadata.get("name") != self._name_of(record.holder):
            return None
        return Entry(
            identity=record.holder,
            priority=_priority_in(annotations),
            preempt=annotations.get(_PREEMPT) == "true",
            lapse=record.lease_duration or _LONGEST_DURATION_S,
            since=record.acquire_time,
            renewed=record.renew_time,
            version=str(metadata.get("resourceVersion") or ""),
        )


def _digested(election: str, identity: str, longest: int) -> str:
    """Return the election's name, shortened if need be, with a digest of what does not fit in a name.

    The digest is of the election's whole name, too: two long ones may begin alike.
    """
    digest = hashlib.sha256(f"{election}/{identity}".encode("utf-8", "surrogatepass")).hexdigest()[:_DIGITS]
    return f"{election[: longest - _DIGITS - 1].rstrip('-.')}-{digest}"


def _as_created(name: str, patch: Mapping[str, Any]) -> dict[str, Any]:
    """Return the object that a patch makes of nothing."""
    metadata = {**patch["metadata"], "name": name, "annotations": _given(patch["metadata"]["annotations"])}
    return {
        "apiVersion": LEASES.api_version,
        "kind": LEASES.kind,
        "metadata": metadata,
        "spec": _given(patch["spec"]),
    }


def _given(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields.items() if value is not None}


def _priority_in(annotations: Mapping[str, Any]) -> int:
    text = annotations.get(_PRIORITY)
    if not (isinstance(text, str) and text.isascii() and text.isdigit() and len(text) <= 4):
        return 0
    return min(int(text), HIGHEST_PRIORITY)
