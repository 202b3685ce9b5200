"""Noise: how fast this machine is right now, by a probe that has nothing to do with any candidate."""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from tests.cluster.process import start_process
from tests.cluster.server import Cluster

from benchmarks.api import Api, leases_path

__all__ = ["probe", "probe_datagrams"]

_REPEATS = 200
_ECHO = """
import socket
answering = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
answering.bind(("127.0.0.1", 0))
print(answering.getsockname()[1], flush=True)
while True:
    answering.sendto(*answering.recvfrom(1))
"""


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

        return {"load": _load(), "get": _spread(lambda: api.request("GET", path)), "put": _spread(put)}
    finally:
        api.close()


def probe_datagrams() -> dict[str, Any]:
    """Send a datagram to another process and wait for it to come back, one at a time; milliseconds."""
    echo = start_process([sys.executable, "-c", _ECHO], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert echo.stdout is not None
    with echo.stdout as told, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.connect(("127.0.0.1", int(told.readline())))
        asking.settimeout(10.0)

        def ask() -> None:
            asking.send(b"x")
            asking.recv(1)

        found = {"load": _load(), "echo": _spread(ask)}
    echo.kill()
    echo.wait()
    return found


def _load() -> str:
    return " ".join(f"{value:.2f}" for value in os.getloadavg())


def _spread(call: Callable[[], object]) -> str:
    taken = []
    for _ in range(_REPEATS):
        began = time.perf_counter()
        call()
        taken.append((time.perf_counter() - began) * 1000)
    p95 = statistics.quantiles(taken, n=20)[-1]
    return f"median {statistics.median(taken):.2f} ms, p95 {p95:.2f} ms"
