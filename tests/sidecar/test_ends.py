"""How the sidecar ends: a status and one clear line for each fault."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tenure.devserver import DevServer, running_devserver
from tenure.serving import ASGIApplication, Receive, Scope, Send
from tests.devserver.api import Api
from tests.sidecar.conftest import MakeSidecar
from tests.sidecar.process import Sidecar, eventually, free_port, run_tenure

_LEASES = "leases.coordination.k8s.io"


class Forbidding:
    """Answers some requests to the API server as one that lacks a Role.

    Args:
        app: answers the others.
        forbids: tells which, by method and path.
    """

    def __init__(self, app: ASGIApplication, forbids: Callable[[str, str], bool]) -> None:
        self._app = app
        self._forbids = forbids

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._forbids(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
            return
        status = {"kind": "Status", "status": "Failure", "reason": "Forbidden", "code": 403}
        body = json.dumps(status | {"message": "it is forbidden here"}).encode()
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 403, "headers": headers})
        await send({"type": "http.response.body", "body": body})


@pytest.fixture
def forbidding(tmp_path: Path) -> Iterator[Callable[[Callable[[str, str], bool]], Path]]:
    """Start an API server that refuses some requests; return its kubeconfig."""
    with ExitStack() as stack:

        def start(forbids: Callable[[str, str], bool]) -> Path:
            server = DevServer()
            server._app = Forbidding(server._app, forbids)  # type: ignore[assignment]
            stack.enter_context(running_devserver(server))
            return server.kubeconfig(tmp_path / "forbidding")

        yield start


def test_a_follower_ends_too(sidecar: MakeSidecar, api: Api) -> None:
    sidecar("a").until_leading()
    follower = sidecar("b")
    follower.until_named("a")
    assert follower.end() == 0
    assert api.get(_LEASES, "example").body["spec"]["holderIdentity"] == "a"


@pytest.mark.parametrize("lock", ["endpoints", "configmap", "blackboard"])
def test_every_kind_is_freed(sidecar: MakeSidecar, api: Api, lock: str) -> None:
    first = sidecar("a", f"--lock={lock}")
    first.until_leading()
    second = sidecar("b", f"--lock={lock}")
    second.until_named("a")
    assert first.end() == 0
    second.until_leading()


def test_it_ends_while_the_api_server_does_not_answer(tmp_path: Path, sidecar: MakeSidecar) -> None:
    with socket.create_server(("127.0.0.1", 0)) as black_hole:
        server = f"http://127.0.0.1:{black_hole.getsockname()[1]}"
        cluster = {"clusters": [{"name": "c", "cluster": {"server": server}}]}
        context = {"contexts": [{"name": "c", "context": {"cluster": "c"}}], "current-context": "c"}
        kubeconfig = tmp_path / "black-hole"
        kubeconfig.write_text(json.dumps(cluster | context))
        member = sidecar("a", f"--kubeconfig={kubeconfig}")
        member.until("/readyz", lambda answer: answer.status == 503)
        assert member.end() == 0


def test_a_port_that_is_taken(kubeconfig: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run_tenure("sidecar", "--election=x", f"--http={address}", f"--kubeconfig={kubeconfig}")
    assert done.returncode == 4
    assert done.stderr == (
        f"tenure: cannot listen on {address}: address already in use; choose another with --http\n"
    )


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        ([], "Missing option '--election'"),
        (["--election=x", "--bogus"], "No such option '--bogus'"),
        (["--election=x", "--ttl=10"], "'10' is no duration above 0; write 10s, 1m30s or 500ms"),
        (["--election=x", "--http=4040"], "write HOST:PORT, :PORT or [IPV6]:PORT"),
        (["--election=x", "--lock=zookeeper"], "'zookeeper' is not one of 'lease'"),
        (["--election=X"], "name 'X' is none that Kubernetes accepts"),
        (["--election=x", "--ttl=5s", "--renew-deadline=6s"], "must be longer than renew_deadline"),
        (["--election=x", "--use-cluster-credentials"], "--use-cluster-credentials excludes --kubeconfig"),
        (["--election=x", "--use-cluster-credentials=1"], "'1' is neither true nor false"),
        (["--election=x", "--context=nowhere"], "nowhere"),
    ],
)
def test_flags_that_cannot_work(kubeconfig: Path, flags: list[str], said: str) -> None:
    done = run_tenure("sidecar", f"--kubeconfig={kubeconfig}", *flags)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tenure: ")
    assert done.stderr.count("\n") == 1
    assert said in done.stderr


def test_no_way_to_an_api_server(tmp_path: Path) -> None:
    done = run_tenure("sidecar", "--election=x", HOME=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "not in a Pod, and cannot read kubeconfig" in done.stderr
    done = run_tenure("sidecar", "--election=x", "--use-cluster-credentials", HOME=str(tmp_path))
    assert done.returncode == 2
    assert "KUBERNETES_SERVICE_HOST" in done.stderr


def test_a_record_that_may_not_be_read(forbidding: Callable[..., Path]) -> None:
    kubeconfig = forbidding(lambda method, path: "/leases" in path)
    done = run_tenure("sidecar", "--election=x", f"--kubeconfig={kubeconfig}", f"--http=:{free_port()}")
    assert done.returncode == 3
    assert done.stderr.count("\n") == 1
    assert "it takes the RBAC rule" in done.stderr
    assert "leases" in done.stderr


def test_a_record_that_may_not_be_written_is_said_once(forbidding: Callable[..., Path]) -> None:
    kubeconfig = forbidding(lambda method, path: "/leases" in path and method != "GET")
    flags = ("--election=x", f"--kubeconfig={kubeconfig}", "--lease-duration=1s")
    with Sidecar("a", *flags) as member:
        eventually(lambda: member.stderr)
        time.sleep(2)
        assert member.get("/leader").status == 503
        assert member.end() == 0
    assert len([line for line in member.stderr if "it takes the RBAC rule" in line]) == 1, member.stderr


def test_older_records_that_may_not_be_read_are_said_once(forbidding: Callable[..., Path]) -> None:
    kubeconfig = forbidding(lambda method, path: "/endpoints" in path or "/configmaps" in path)
    with Sidecar("a", "--election=x", f"--kubeconfig={kubeconfig}") as member:
        member.until_leading()
        assert member.end() == 0
    assert len(member.stderr) == 2
    for kind, line in zip(("endpoints", "configmap"), member.stderr, strict=True):
        assert f"cannot see whether an older candidate leads in {kind} default/x" in line


def test_click_is_named_where_it_is_missing(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("raise ModuleNotFoundError('No module named click', name='click')")
    done = run_tenure("--version", PYTHONPATH=str(tmp_path))
    assert done.returncode == 2
    assert done.stderr == "tenure: the command line needs click: pip install 'tenure[cli]'\n"


def test_a_stdout_that_nobody_reads_stops_nothing(kubeconfig: Path, sidecar: MakeSidecar) -> None:
    flags = ["sidecar", "--election=example", f"--kubeconfig={kubeconfig}", "--id=b", "--ttl=3s"]
    leader = sidecar("a")
    leader.until_leading()
    pipe = subprocess.PIPE
    process = subprocess.Popen([sys.executable, "-m", "tenure", *flags], stdout=pipe, stderr=pipe, text=True)
    with process:
        assert process.stdout
        assert process.stdout.readline() == "a is the leader\n"
        process.stdout.close()
        third = sidecar("c")
        third.until_named("a")
        assert leader.end() == 0
        third.until("/", lambda answer: answer.json["name"] in ("b", "c"))
        process.send_signal(signal.SIGTERM)
        assert process.stderr
        assert process.stderr.read() == ""
    assert process.returncode == 0
