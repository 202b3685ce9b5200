"""Noise: how fast this machine is right now, by a probe that has nothing to do with any candidate."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.server import Cluster

from benchmarks.api import Api, leases_path

__all__ = ["probe"]

_REPEATS = 200


def probe(cluster: Cluster, namespace: str) -> dict[str, Any]:
    """Read and replace a Lease over a warm connection, one call at a time; milliseconds."""
    api = Api(cluster)
    api.open()
    try:
        path = leases_path(namespace, "noise")
        try:
            newest = api.request("POST", leases_path(namespace), {"metadata": {"name": "noise"}, "spec": {}})
        except RuntimeError:  # it is there from the probe before
            newest = api.request("GET", path)

        def put() -> None:
            nonlocal newest
            newest["spec"]["leaseTransitions"] = newest["spec"].get("leaseTransitions", 0) + 1
            newest = api.request("PUT", path, newest)

        load = " ".join(f"{value:.2f}" for value in os.getloadavg())
        return {"load": load, "get": _spread(lambda: api.request("GET", path)), "put": _spread(put)}
    finally:
        api.close()


def _spread(call: Callable[[], object]) -> str:
    taken = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(taken, n=20)[-1]
    return f"median {statistics.median(taken):.2f} ms, p95 {p95:.2f} ms"
