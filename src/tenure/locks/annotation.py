"""EndpointsLock and ConfigMapLock: the record as JSON in an annotation, as client-go kept it until v0.23."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tenure.kubernetes.resource import CONFIGMAPS, ENDPOINTS, Resource
from tenure.locks.codec import annotations_of
from tenure.locks.kube import KubeLock
from tenure.locks.leader_json import decode_leader_json, encode_leader_json
from tenure.locks.marks import read_marks, write_marks
from tenure.record import Record

__all__ = ["AnnotationCodec", "ConfigMapLock", "EndpointsLock"]

_LEADER = "control-plane.alpha.kubernetes.io/leader"


class AnnotationCodec:
    """A record in an annotation of any object.

    Args:
        resource: the kind of object.
    """

    resolution = timedelta(seconds=1)

    def __init__(self, resource: Resource) -> None:
        self.resource = resource

    def decode(self, obj: Mapping[str, Any]) -> Record:
        annotations = annotations_of(obj)
        if _LEADER not in annotations:
            return Record(holder="")
        record, renew_time = decode_leader_json(annotations[_LEADER], _LEADER)
        return read_marks(record, renew_time, annotations)

    def is_election(self, obj: Mapping[str, Any]) -> bool:
        return _LEADER in annotations_of(obj)

    def encode(self, record: Record, obj: dict[str, Any]) -> None:
        text, renew_time = encode_leader_json(record)
        annotations = {**annotations_of(obj), _LEADER: text}
        write_marks(record, renew_time, annotations)
        obj["metadata"]["annotations"] = annotations

    def freeing_command(self, namespace: str, name: str) -> str:
        return f"kubectl -n {namespace} annotate {self.resource.plural} {name} {_LEADER}-"


class EndpointsLock(KubeLock):
    """An Endpoints object's annotation: where the original leader-elector sidecar keeps its record."""

    codec = AnnotationCodec(ENDPOINTS)


class ConfigMapLock(KubeLock):
    """A ConfigMap's annotation."""

    codec = AnnotationCodec(CONFIGMAPS)
