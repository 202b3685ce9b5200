"""Seeds: real objects, as client-go and tenure write them, to be mutated."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tenure.kubernetes.resource import CONFIGMAPS, ENDPOINTS
from tenure.locks.annotation import AnnotationCodec
from tenure.locks.blackboard import BlackboardCodec
from tenure.locks.codec import Codec
from tenure.locks.lease import LeaseCodec
from tenure.record import Attempt, Record
from tenure.token import FencingToken

__all__ = ["CODECS", "NAME", "NAMESPACE", "RECORD", "objects_of"]

NAME, NAMESPACE = "reports", "jobs"
CODECS: tuple[Codec, ...] = (
    LeaseCodec(),
    AnnotationCodec(ENDPOINTS),
    AnnotationCodec(CONFIGMAPS),
    BlackboardCodec(),
)
_TIME = datetime(2026, 11, 21, 7, 31, tzinfo=UTC)
RECORD = Record(
    holder="web-0",
    lease_duration=0.5,
    transitions=3,
    acquire_time=_TIME,
    renew_time=_TIME,
    attempt=Attempt("f0" * 16, 7),
    token=FencingToken(0, 123),
)
_GOLDEN = [
    json.loads(line)
    for line in (Path(__file__).parents[1] / "locks" / "golden" / "client_go_v0.23.jsonl")
    .read_text()
    .split("\n")
    if line
]


def _blank(codec: Codec) -> dict[str, Any]:
    return {
        "apiVersion": codec.resource.api_version,
        "kind": codec.resource.kind,
        "metadata": {
            "name": NAME,
            "namespace": NAMESPACE,
            "uid": "5b2ab2a4-7c0e-4d0e-9f53-2a3d0f1f6f0e",
            "resourceVersion": "41",
            "creationTimestamp": "2026-11-21T07:31:00Z",
            "labels": {"app": "web"},
            "annotations": {"theirs": "1"},
        },
    }


def objects_of(codec: Codec) -> list[dict[str, Any]]:
    """Return objects that hold a record in this form: tenure's, client-go's, and one without any."""
    found = [_blank(codec)]
    for record in (RECORD, replace(RECORD, holder="", attempt=None, token=None)):
        ours = _blank(codec)
        codec.encode(record, ours)
        found.append(ours)
    for golden in _GOLDEN:
        theirs = _blank(codec)
        if codec.resource.kind == "Lease":
            theirs["spec"] = json.loads(golden["spec"])
        else:
            theirs["metadata"]["annotations"]["control-plane.alpha.kubernetes.io/leader"] = golden[
                "annotation"
            ]
            theirs["metadata"]["annotations"]["tenure.dev/liveness"] = golden["annotation"]
            theirs["data"] = {"leader": golden["holder"]}
        found.append(theirs)
    return found
