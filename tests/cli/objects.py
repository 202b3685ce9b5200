"""Objects that hold records, with times that look the same whenever the test runs."""

from __future__ import annotations

import json
from typing import Any

from tests.devserver.api import lease

__all__ = ["LEADER", "SOON", "annotated", "blackboard", "held"]

LEADER = "control-plane.alpha.kubernetes.io/leader"
SOON = "9999-01-01T00:00:00.000000Z"
"""Of a writer whose clock is ahead: by it nothing has an age yet."""


def held(name: str, holder: str, *, token: int | None = None, **spec: object) -> dict[str, Any]:
    """A Lease that somebody holds for 15 s; with a token as tenure writes it, and another candidate in it."""
    times = {"acquireTime": SOON, "renewTime": SOON}
    made = lease(
        name, **{"holderIdentity": holder, "leaseDurationSeconds": 15, "leaseTransitions": 4, **times, **spec}
    )
    if token is not None:
        made["metadata"]["annotations"] = {
            "tenure.dev/attempt": f"f00d/7@{SOON}",
            "tenure.dev/lease-duration": "14.5",
            "tenure.dev/token": str(token),
            "tenure.dev/contenders": json.dumps(
                {"attempt": "f00d/7", "contenders": [{"identity": "b", "priority": 9, "preempt": True}]}
            ),
        }
    return made


def annotated(kind: str, name: str, holder: str) -> dict[str, Any]:
    """An Endpoints or ConfigMap object with a record as client-go wrote it until v0.23."""
    times = {"acquireTime": "9999-01-01T00:00:00Z", "renewTime": "9999-01-01T00:00:00Z"}
    record = {"holderIdentity": holder, "leaseDurationSeconds": 15, **times, "leaderTransitions": 0}
    return {
        "apiVersion": "v1",
        "kind": kind,
        "metadata": {"name": name, "annotations": {LEADER: json.dumps(record)}},
    }


def blackboard(name: str, leader: str) -> dict[str, Any]:
    """A ConfigMap on which a person wrote a name."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"leader": leader}}
