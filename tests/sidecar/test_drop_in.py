"""What users of the leader-elector image of 2016 rely on."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from pathlib import Path

import pytest

from tests.devserver.api import Api
from tests.sidecar.conftest import MakeSidecar
from tests.sidecar.process import Sidecar, eventually

_CLIENT = Path(__file__).with_name("client.js")


def test_every_member_names_the_leader_on_every_path(sidecar: MakeSidecar) -> None:
    first = sidecar("a")
    first.until_named("a")
    second = sidecar("b")
    second.until_named("a")
    for member in (first, second):
        answer = member.get("/whatever")
        assert (answer.status, answer.content_type) == (200, "application/json")
        assert answer.text == '{"name":"a"}'


def test_stdout_tells_the_leader_at_start_and_at_each_change(sidecar: MakeSidecar) -> None:
    first, second = sidecar("a"), sidecar("b")
    leader, follower = eventually(lambda: _leader_first(first, second))
    names = ["a", "b"] if leader is first else ["b", "a"]
    eventually(lambda: follower.stdout)
    assert leader.end() == 0
    eventually(lambda: len(follower.stdout) > 1)
    lines = [f"{name} is the leader" for name in names]
    assert leader.stdout in (lines[:1], lines), "it may still see its successor before it has ended"
    assert follower.stdout == lines


def _leader_first(first: Sidecar, second: Sidecar) -> tuple[Sidecar, Sidecar] | None:
    for one, other in ((first, second), (second, first)):
        if one.stdout and one.stdout[0].startswith("a" if one is first else "b"):
            return one, other
    return None


def test_go_style_flags_and_durations(sidecar: MakeSidecar, api: Api) -> None:
    member = sidecar("a", "-ttl=2m30s", "-use-cluster-credentials=false", "-election-namespace", "default")
    member.until_named("a")
    assert api.get("leases.coordination.k8s.io", "example").body["spec"]["leaseDurationSeconds"] == 150


def test_without_http_it_serves_nothing(sidecar: MakeSidecar) -> None:
    member = sidecar("a", port=0)
    eventually(lambda: member.stdout)
    inodes = {link.readlink().name for link in Path(f"/proc/{member.process.pid}/fd").iterdir()}
    listening = [
        fields[9]
        for table in ("tcp", "tcp6")
        for fields in map(
            str.split, Path(f"/proc/{member.process.pid}/net/{table}").read_text().splitlines()[1:]
        )
        if fields[3] == "0A" and f"socket:[{fields[9]}]" in inodes
    ]
    assert not listening


def test_its_name_is_the_pods_and_else_the_hosts(sidecar: MakeSidecar) -> None:
    pod = sidecar("", POD_NAME="pod-0")
    pod.until_named("pod-0")
    assert pod.end() == 0
    sidecar("").until_named(socket.gethostname())


def test_the_election_lives_where_it_is_told_to(sidecar: MakeSidecar, api: Api) -> None:
    sidecar("a", "--election-namespace=elsewhere").until_named("a")
    assert api.get("leases.coordination.k8s.io", "example").code == 404
    elsewhere = Api(api.url.geturl(), namespace="elsewhere")
    assert elsewhere.get("leases.coordination.k8s.io", "example").body["spec"]["holderIdentity"] == "a"


def test_the_node_client_of_2016_follows_the_leader(sidecar: MakeSidecar) -> None:
    node = shutil.which("node")
    if node is None:
        pytest.skip("no node on this machine")
    for port in (4040, 8080):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError:
            pytest.skip(f"port {port}, which the client has in its source, is taken on this machine")
    leader = sidecar("b")
    leader.until_named("b")
    client = subprocess.Popen([node, str(_CLIENT)], stdout=subprocess.PIPE, text=True)
    try:
        assert client.stdout
        assert client.stdout.readline().startswith("problem with request: ")
        beside = sidecar("a", port=4040)
        eventually(lambda: _served() == "Master is b")
        assert leader.end() == 0
        eventually(lambda: _served() == "Master is a")
        assert beside.end() == 0
        assert client.stdout.readline().startswith("problem with request: ")
        assert _served() == "Master is a"
    finally:
        client.kill()
        client.communicate()


def _served() -> str:
    """Ask the client's own server, which may not listen yet."""
    try:
        with socket.create_connection(("127.0.0.1", 8080)) as connection:
            connection.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = b"".join(iter(lambda: connection.recv(4096), b""))
    except OSError:
        return ""
    return answer.partition(b"\r\n\r\n")[2].decode()


def test_the_record_is_a_lease_unless_another_kind_is_asked_for(sidecar: MakeSidecar, api: Api) -> None:
    sidecar("a", "--lock=endpoints").until_named("a")
    assert api.get("leases.coordination.k8s.io", "example").code == 404
    annotations = api.get("endpoints", "example").metadata["annotations"]
    assert json.loads(annotations["control-plane.alpha.kubernetes.io/leader"])["holderIdentity"] == "a"
