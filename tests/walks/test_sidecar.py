"""The walk of 2016 through the leader-elector sidecar, with processes in place of Pods."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator

import pytest
import yaml

from tests.cluster.process import start_process
from tests.cluster.server import Cluster

pytestmark = pytest.mark.cluster

ANNOTATION = "control-plane.alpha.kubernetes.io/leader"
LIMIT_S = 60.0


class Sidecar:
    """One replica: a sidecar whose identity is the name of its Pod."""

    def __init__(self, cluster: Cluster, namespace: str, pod: str, port: int, *flags: str) -> None:
        self.pod = pod
        self.port = port
        self.log: list[str] = []
        command = [
            *(sys.executable, "-m", "tenure", "sidecar", "--election=example", f"--id={pod}"),
            *(f"--election-namespace={namespace}", f"--http=127.0.0.1:{port}"),
            *(f"--kubeconfig={cluster.admin_kubeconfig}", *flags),
        ]
        self.process = start_process(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.log.append(line.decode().strip())

    def ask(self) -> dict[str, str]:
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=30) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "application/json"
            found: dict[str, str] = json.load(answer)
            return found

    def end(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.wait(LIMIT_S)
        self._reader.join()


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
        return port


def until(holds: Callable[[], bool], what: str) -> None:
    limit = time.monotonic() + LIMIT_S
    while not holds():
        assert time.monotonic() < limit, what
        time.sleep(0.05)


def agree(replicas: list[Sidecar]) -> str:
    """Wait until all of them name one leader among them, over HTTP and in their logs; return its name."""
    found: set[str] = set()

    def one() -> bool:
        nonlocal found
        try:
            found = {replica.ask()["name"] for replica in replicas}
        except OSError:
            return False
        logged = all(replica.log and replica.log[-1] == f"{min(found)} is the leader" for replica in replicas)
        return len(found) == 1 and found <= {replica.pod for replica in replicas} and logged

    until(one, "they do not agree on a leader")
    return found.pop()


@pytest.fixture
def replicas(
    cluster: Cluster, namespace: str, request: pytest.FixtureRequest
) -> Iterator[Callable[..., list[Sidecar]]]:
    started: list[Sidecar] = []

    def start(*pods: str, flags: tuple[str, ...]) -> list[Sidecar]:
        new = [Sidecar(cluster, namespace, pod, free_port(), *flags) for pod in pods]
        started.extend(new)
        return new

    yield start
    for replica in started:
        replica.end(signal.SIGKILL)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_three_replicas_and_the_end_of_the_leader(
    cluster: Cluster, namespace: str, replicas: Callable[..., list[Sidecar]], how: signal.Signals
) -> None:
    """Steps 1 to 5, the record in an Endpoints object as in 2016."""
    pods = replicas("pod-a", "pod-b", "pod-c", flags=("--lock=endpoints", "--ttl=3s"))
    leader = agree(pods)

    endpoints = yaml.safe_load(cluster.kubectl("-n", namespace, "get", "endpoints", "example", "-o", "yaml"))
    assert json.loads(endpoints["metadata"]["annotations"][ANNOTATION])["holderIdentity"] == leader

    old = next(replica for replica in pods if replica.pod == leader)
    old.end(how)
    left = [replica for replica in pods if replica is not old]
    replacement = replicas("pod-d", flags=("--lock=endpoints", "--ttl=3s"))
    assert agree(left + replacement) != leader


def test_a_rolling_upgrade_from_the_old_record(
    cluster: Cluster, namespace: str, replicas: Callable[..., list[Sidecar]]
) -> None:
    """endpoints, then endpointsleases, then lease; each step agrees with the one before on one leader."""
    old = replicas("old-a", "old-b", flags=("--lock=endpoints", "--ttl=3s"))
    agree(old)
    middle = replicas("mid-a", "mid-b", flags=("--lock=endpointsleases", "--ttl=3s"))
    agree(old + middle)
    for replica in old:
        replica.end(signal.SIGTERM)
    agree(middle)
    new = replicas("new-a", "new-b", flags=("--lock=lease", "--ttl=3s"))
    agree(middle + new)
    for replica in middle:
        replica.end(signal.SIGTERM)
    assert agree(new).startswith("new-")
