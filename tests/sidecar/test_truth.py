"""Truth before availability: no old name is repeated when it cannot be known who leads."""

from __future__ import annotations

import socket
import time
from pathlib import Path

from tenure.devserver import DevServer, running_devserver
from tests.devserver.api import Api, lease
from tests.sidecar.conftest import MakeSidecar
from tests.sidecar.process import Sidecar, eventually, free_port

_LEASES = "leases.coordination.k8s.io"
_LEASE_S = 2
_FAST = f"--lease-duration={_LEASE_S}s"


def assert_unknown(member: Sidecar, reason: str) -> None:
    """Every route says that the leader is not known, and why."""
    name, leader, ready = (member.get(path) for path in ("/", "/leader", "/readyz"))
    assert (name.status, name.json) == (200, {"name": ""})
    assert (leader.status, leader.json["holder"], leader.json["is_leader"]) == (503, None, False)
    assert reason in leader.json["reason"]
    assert ready.status == 503
    assert reason in ready.text
    assert member.get("/healthz").status == 200


def test_an_api_server_that_never_answered(tmp_path: Path) -> None:
    port = free_port()
    kubeconfig = tmp_path / "kubeconfig"
    with running_devserver(DevServer(port=port)) as server:
        server.kubeconfig(kubeconfig)
    with Sidecar("a", "--election=example", f"--kubeconfig={kubeconfig}", _FAST) as member:
        member.until("/readyz", lambda answer: "refused" in answer.text)
        assert_unknown(member, "refused")
        with running_devserver(DevServer(port=port)):
            member.until_leading()
        assert member.stdout == ["a is the leader"]


def test_a_start_without_api_server_is_said_once(tmp_path: Path) -> None:
    port = free_port()
    kubeconfig = tmp_path / "kubeconfig"
    with running_devserver(DevServer(port=port)) as server:
        server.kubeconfig(kubeconfig)
    with Sidecar("a", "--election=example", f"--kubeconfig={kubeconfig}", _FAST) as member:
        eventually(lambda: member.stderr)
        time.sleep(2 * _LEASE_S)
        assert member.end() == 0
        assert len(member.stderr) == 1, member.stderr
        assert "refused" in member.stderr[0]


def test_the_api_server_goes_until_the_record_has_run_out(tmp_path: Path) -> None:
    server = DevServer(port=free_port())
    with running_devserver(server):
        arguments = ("--election=example", f"--kubeconfig={server.kubeconfig(tmp_path / 'kc')}", _FAST)
        leader = Sidecar("a", *arguments)
        leader.__enter__()
        leader.until_leading()
        follower = Sidecar("b", *arguments)
        follower.__enter__()
        follower.until_named("a")
    with leader, follower:
        for member in (leader, follower):
            member.until_named("")
        assert_unknown(follower, "run out")
        assert_unknown(leader, "without a valid term")
        with running_devserver(server):
            eventually(lambda: 200 in [member.get("/leader").status for member in (leader, follower)])


def test_another_process_holds_under_the_same_name(sidecar: MakeSidecar) -> None:
    first = sidecar("twin")
    first.until_leading()
    second = sidecar("twin")
    second.until("/leader", lambda answer: "under this identity" in answer.json["reason"])
    assert_unknown(second, "another process holds the record under this identity")
    assert second.stdout == []
    assert first.get("/leader").status == 200


def test_a_leader_that_was_paused_does_not_answer_with_its_old_term(sidecar: MakeSidecar) -> None:
    old, new = sidecar("a", _FAST), None
    old.until_leading()
    new = sidecar("b", _FAST)
    new.until_named("a")
    with old.paused():
        new.until_leading()
        # These wait in the sockets: they are the first that the process sees when it wakes.
        questions = [_ask(old, path) for path in ("/leader", "/", "/readyz") * 10]
    answers = [_answer(question) for question in questions]
    assert not [answer for answer in answers if b'"a"' in answer.replace(b'"identity":"a"', b"")]
    assert not [answer for answer in answers if b'"is_leader":true' in answer]
    old.until_named("b")


def test_a_follower_that_was_paused_does_not_repeat_an_old_name(sidecar: MakeSidecar) -> None:
    leader = sidecar("a", _FAST)
    leader.until_leading()
    follower = sidecar("b", _FAST)
    follower.until_named("a")
    # First of all: a renewal that reached the socket of a paused process counts from when it is read.
    leader.process.kill()
    leader.wait()
    time.sleep(0.2)
    with follower.paused():
        time.sleep(2 * _LEASE_S)
        questions = [_ask(follower, "/") for _ in range(10)]
    assert not [answer for answer in map(_answer, questions) if b'"name":"a"' in answer]
    follower.until_leading()


def test_a_record_that_cannot_be_decoded_names_nobody(sidecar: MakeSidecar, api: Api) -> None:
    assert api.post("endpoints", _endpoints("no json")).code == 201
    member = sidecar("a", "--lock=endpoints")
    member.until("/readyz", lambda answer: "not JSON" in answer.text)
    assert_unknown(member, "not JSON")


def test_a_freed_record_is_known_to_have_no_leader(sidecar: MakeSidecar, api: Api) -> None:
    held = lease("example", holderIdentity="other", leaseDurationSeconds=3600)
    held["spec"]["renewTime"] = "2020-01-01T00:00:00.000000Z"
    assert api.post(_LEASES, held).code == 201
    member = sidecar("a")
    member.until_named("other")
    assert api.patch(_LEASES, "example", {"spec": {"holderIdentity": ""}}).code == 200
    member.until_leading()


def _endpoints(leader: str) -> dict[str, object]:
    annotations = {"control-plane.alpha.kubernetes.io/leader": leader}
    metadata = {"name": "example", "annotations": annotations}
    return {"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata}


def _ask(member: Sidecar, path: str) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", member.port), timeout=60)
    connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
    return connection


def _answer(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(4096), b""))
