"""A sidecar under a thousand streams that nobody reads, and every other client that does it no good."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tenure.devserver import DevServer, running_devserver
from tests.cluster.server import Cluster
from tests.devserver.api import Api, lease
from tests.endurance.crowd import streams
from tests.endurance.storm import Storm
from tests.sidecar.process import Sidecar, eventually

_STREAMS = 1000
_MEMORY_KIB = 64 * 1024
_RENEWALS = 3  # during a storm
_CHANGES = 30
_LEASES = "leases.coordination.k8s.io"


def _files(sidecar: Sidecar) -> int:
    return len(list(Path(f"/proc/{sidecar.process.pid}/fd").iterdir()))


def _files_at_rest(sidecar: Sidecar) -> int:
    """Return how many there are without the connection of the last question."""
    fewest = _files(sidecar)
    for _ in range(20):
        time.sleep(0.01)
        fewest = min(fewest, _files(sidecar))
    return fewest


def _resident_kib(sidecar: Sidecar) -> int:
    status = Path(f"/proc/{sidecar.process.pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])


def _attempt(cluster: Cluster, namespace: str) -> tuple[str, int]:
    """Return who wrote the Lease, and how many writes that was."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases/storm"
    answer: Any = cluster.request("GET", path)
    incarnation, _, number = answer["metadata"]["annotations"]["tenure.dev/attempt"].partition("/")
    return incarnation, int(number.partition("@")[0])


@pytest.mark.cluster
def test_a_leader_in_a_storm_keeps_its_term(cluster: Cluster, namespace: str) -> None:
    place = (f"--kubeconfig={cluster.admin_kubeconfig}", f"--election-namespace={namespace}")
    with Sidecar("a", "--election=storm", "--ttl=9s", *place) as sidecar:
        token = sidecar.until_leading()["token"]
        files, resident_kib = _files_at_rest(sidecar), _resident_kib(sidecar)
        incarnation, number = _attempt(cluster, namespace)
        with streams(sidecar.port, _STREAMS), Storm.over(sidecar.port) as storm:
            eventually(lambda: _files(sidecar) >= files + _STREAMS)
            print("resident KiB before, and with the streams:", resident_kib, _resident_kib(sidecar))
            while _attempt(cluster, namespace) < (incarnation, number + _RENEWALS):
                storm.rage()
                assert sidecar.get("/").json == {"name": "a"}
                leader = sidecar.get("/leader")
                assert (leader.status, leader.json["token"]) == (200, token)
                assert _attempt(cluster, namespace)[0] == incarnation
                assert _resident_kib(sidecar) < resident_kib + _MEMORY_KIB
            print("after the storm:", _resident_kib(sidecar), "descriptors", files, _files(sidecar))
        eventually(lambda: _files(sidecar) <= files)
        assert sidecar.get("/leader").json["token"] == token
        assert sidecar.end() == 0
        assert sidecar.stderr == []
        assert sidecar.stdout == ["a is the leader"]


@pytest.fixture
def devserver() -> Iterator[DevServer]:
    with running_devserver() as server:
        yield server


def test_streams_that_nobody_reads_get_the_newest_only(devserver: DevServer, tmp_path: Path) -> None:
    api = Api(devserver.url)
    spec = {"leaseDurationSeconds": 3600, "renewTime": "2020-01-01T00:00:00.000000Z"}
    assert api.post(_LEASES, lease("storm", holderIdentity=_name(0), **spec)).code == 201
    kubeconfig = devserver.kubeconfig(tmp_path / "kubeconfig")
    with Sidecar("a", "--election=storm", f"--kubeconfig={kubeconfig}") as sidecar:
        sidecar.until_named(_name(0))
        files, resident_kib = _files_at_rest(sidecar), _resident_kib(sidecar)
        with streams(sidecar.port, _STREAMS) as clients:
            eventually(lambda: _files(sidecar) >= files + _STREAMS)
            for number in range(1, _CHANGES):
                assert api.patch(_LEASES, "storm", {"spec": {"holderIdentity": _name(number)}}).code == 200
                sidecar.until_named(_name(number))
            print("resident KiB before and after:", resident_kib, _resident_kib(sidecar))
            assert _resident_kib(sidecar) < resident_kib + _MEMORY_KIB
            told = _read_to_the_newest(clients[0])
            assert told[-1] == _name(_CHANGES - 1)
            assert len(told) < _CHANGES
        eventually(lambda: _files(sidecar) <= files)
        assert sidecar.end() == 0
        assert sidecar.stderr == []


def _name(number: int) -> str:
    """A holder's name that fills the buffers of those who do not read."""
    return f"{number}-" + "x" * 4000


def _read_to_the_newest(client: Any) -> list[str]:
    client.setblocking(True)
    said = b""
    while b'"holder":"%d-' % (_CHANGES - 1) not in said or not said.endswith(b"\n\n\r\n"):
        chunk = client.recv(65536)
        assert chunk, "it was cut off"
        said += chunk
    lines = [line for line in said.splitlines() if line.startswith(b"data: ")]
    return [json.loads(line.removeprefix(b"data: "))["holder"] for line in lines]
