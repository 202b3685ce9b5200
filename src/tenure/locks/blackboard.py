"""BlackboardLock: the leader's name in a ConfigMap, where ``kubectl`` can read it, write it and clear it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tenure.kubernetes.resource import CONFIGMAPS, Resource
from tenure.locks.codec import UndecodableError, annotations_of, section_of
from tenure.locks.fields import decode_text
from tenure.locks.kube import KubeLock
from tenure.locks.leader_json import decode_leader_json, encode_leader_json
from tenure.locks.marks import read_marks, write_marks
from tenure.record import Record

__all__ = ["BlackboardCodec", "BlackboardLock"]

_NAME = "leader"
_LIVENESS = "tenure.dev/liveness"


class BlackboardCodec:
    """The name in ``data.leader``; beside it, in an annotation, the liveness of the holder it speaks for.

    White space around the name does not count (``kubectl create configmap --from-file`` leaves a newline),
    so a name of nothing else is free, as ``""`` is.
    """

    resource: Resource = CONFIGMAPS
    resolution = timedelta(seconds=1)

    def decode(self, obj: Mapping[str, Any]) -> Record:
        name = decode_text(section_of(obj, "data"), _NAME, "data.").strip()
        liveness = self._decode_liveness(obj, free=not name)
        if liveness.holder.strip() == name:
            return liveness
        # Written by hand: nobody renews that name, so only a hand takes it away again. An emptied name
        # declares the holder dead; the transitions go on from where they were.
        return Record(
            holder=name, lease_duration=math.inf if name else None, transitions=liveness.transitions
        )

    def is_election(self, obj: Mapping[str, Any]) -> bool:
        return _NAME in section_of(obj, "data")

    def encode(self, record: Record, obj: dict[str, Any]) -> None:
        text, renew_time = encode_leader_json(record)
        obj["data"] = {**section_of(obj, "data"), _NAME: record.holder}
        annotations = {**annotations_of(obj), _LIVENESS: text}
        write_marks(record, renew_time, annotations)
        obj["metadata"]["annotations"] = annotations

    def freeing_command(self, namespace: str, name: str) -> str:
        return (
            f"""kubectl -n {namespace} patch configmap {name} --type=merge -p '{{"data":{{"{_NAME}":""}}}}'"""
        )

    def _decode_liveness(self, obj: Mapping[str, Any], *, free: bool) -> Record:
        annotations = annotations_of(obj)
        if _LIVENESS not in annotations:
            return Record(holder="")
        try:
            record, renew_time = decode_leader_json(annotations[_LIVENESS], _LIVENESS)
        except UndecodableError:
            if free:  # whatever it was to say, there is nobody to say it of
                return Record(holder="")
            raise
        return read_marks(record, renew_time, annotations)


class BlackboardLock(KubeLock):
    """A ConfigMap's ``data.leader``: first come, first served, with the verbs get and update alone.

    A name that a person writes there holds until a person empties it, or deletes the ConfigMap.
    """

    codec = BlackboardCodec()
