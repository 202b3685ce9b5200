"""PeersLock: the object in which peers write down who leads, each time that changes and never in between."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tenure.kubernetes.resource import CONFIGMAPS, Resource
from tenure.locks.codec import annotations_of, section_of
from tenure.locks.fields import decode_text
from tenure.locks.kube import KubeLock
from tenure.locks.marks import read_marks, write_marks
from tenure.locks.times import format_time, parse_time
from tenure.record import Record

__all__ = ["PeersCodec", "PeersLock"]

_ELECTED, _SINCE, _TRANSITIONS = "elected", "since", "transitions"


class PeersCodec:
    """Name, time and number of changes in a ConfigMap's ``data``, for people to read.

    It has no duration, and no name in it ever expires: whether its holder is alive, only the peers know. The
    names of the fields are none that an elector looks for, so that none takes it for an abandoned record.
    """

    resource: Resource = CONFIGMAPS
    resolution = timedelta(seconds=1)

    def decode(self, obj: Mapping[str, Any]) -> Record:
        data = section_of(obj, "data")
        holder = decode_text(data, _ELECTED, "data.").strip()
        since = decode_text(data, _SINCE, "data.")
        transitions = decode_text(data, _TRANSITIONS, "data.")
        record = Record(
            holder=holder,
            lease_duration=math.inf if holder else None,
            transitions=int(transitions) if transitions.isascii() and transitions.isdigit() else 0,
            acquire_time=_time(since),
        )
        return read_marks(record, since, annotations_of(obj))

    def is_election(self, obj: Mapping[str, Any]) -> bool:
        return _ELECTED in section_of(obj, "data")

    def encode(self, record: Record, obj: dict[str, Any]) -> None:
        assert record.acquire_time
        since = format_time(record.acquire_time)
        fields = {_ELECTED: record.holder, _SINCE: since, _TRANSITIONS: str(record.transitions)}
        obj["data"] = {**section_of(obj, "data"), **fields}
        annotations = annotations_of(obj)
        write_marks(replace(record, lease_duration=None), since, annotations)
        obj["metadata"]["annotations"] = annotations

    def freeing_command(self, namespace: str, name: str) -> str:
        return f"kubectl -n {namespace} delete configmap {name}"


def _time(text: str) -> datetime | None:
    """Return a time that is there for people to read; what is none is worth no error."""
    try:
        return parse_time(text)
    except ValueError:
        return None


class PeersLock(KubeLock):
    """A ConfigMap that says which peer was elected last, and when.

    It keeps nobody from leading: that is what the peers agree on. The version of each write is the fencing
    token of the term that it begins.
    """

    codec = PeersCodec()
