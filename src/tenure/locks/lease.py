"""LeaseLock: the record in the spec of a ``coordination.k8s.io/v1`` Lease, as client-go keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from tenure.kubernetes.resource import LEASES, Resource
from tenure.locks.codec import UndecodableError, annotations_of, section_of
from tenure.locks.fields import decode_fields, whole_seconds
from tenure.locks.kube import KubeLock
from tenure.locks.lease_roster import ELECTION_LABEL
from tenure.locks.marks import read_marks, write_marks
from tenure.locks.times import format_micro_time
from tenure.record import Record

__all__ = ["LeaseCodec", "LeaseLock"]

# Leases that tell that somebody lives, and elect nobody: nodes, API servers, candidates of an election.
_HEARTBEAT_NAMESPACE = "kube-node-lease"
_HEARTBEAT_LABELS = ("apiserver.kubernetes.io/identity", ELECTION_LABEL)


class LeaseCodec:
    """A record in a Lease's spec."""

    resource: Resource = LEASES
    resolution = timedelta(microseconds=1)

    def decode(self, obj: Mapping[str, Any]) -> Record:
        spec = section_of(obj, "spec")
        if spec.get("strategy"):
            raise UndecodableError(
                f"spec.strategy is {spec['strategy']!r:.40}: the control plane elects there by rules of its "
                "own; use another name for this election",
                refused=True,
            )
        record = decode_fields(spec, transitions="leaseTransitions", where="spec.")
        return read_marks(record, spec.get("renewTime"), annotations_of(obj))

    def is_election(self, obj: Mapping[str, Any]) -> bool:
        metadata = section_of(obj, "metadata")
        labels = section_of(metadata, "labels")
        is_heartbeat = metadata.get("namespace") == _HEARTBEAT_NAMESPACE or any(
            label in labels for label in _HEARTBEAT_LABELS
        )
        return not is_heartbeat and bool(section_of(obj, "spec"))

    def encode(self, record: Record, obj: dict[str, Any]) -> None:
        assert record.acquire_time
        assert record.renew_time
        renew_time = format_micro_time(record.renew_time)
        own = {
            "holderIdentity": record.holder,
            "leaseDurationSeconds": whole_seconds(record.lease_duration),
            "acquireTime": format_micro_time(record.acquire_time),
            "renewTime": renew_time,
            "leaseTransitions": record.transitions,
        }
        obj["spec"] = {**section_of(obj, "spec"), **own}
        annotations = dict(annotations_of(obj))
        write_marks(record, renew_time, annotations)
        obj["metadata"]["annotations"] = annotations

    def freeing_command(self, namespace: str, name: str) -> str:
        # The whole spec goes: an emptied holder alone would leave the field that cannot be decoded.
        return f"""kubectl -n {namespace} patch lease {name} --type=merge -p '{{"spec":null}}'"""


class LeaseLock(KubeLock):
    """A Lease: the default, and interoperable with client-go's candidates in one election."""

    codec = LeaseCodec()
