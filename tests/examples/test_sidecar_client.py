"""The client in JavaScript works while its sidecar leads, and passes rising tokens on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tenure import FencingToken
from tenure.testing.pytest_plugin import RunningDevServer
from tests.examples.members import EXAMPLES, Members
from tests.examples.receiver import Receiver
from tests.sidecar.process import Sidecar, eventually

NODE = shutil.which("node") or ""
pytestmark = pytest.mark.skipif(not NODE, reason="sidecar_client.js needs Node.js: apt-get install nodejs")


@pytest.fixture
def sidecars(tenure_devserver: RunningDevServer) -> Iterator[dict[str, Sidecar]]:
    flags = ("--election=example", "--ttl=3s", f"--kubeconfig={tenure_devserver.kubeconfig}")
    with ExitStack() as stack:
        yield {name: stack.enter_context(Sidecar(name, *flags)) for name in ("one", "two")}


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Receiver]:
    with Receiver(tmp_path) as receiver:
        yield receiver


def latest_writer(target: Receiver) -> tuple[str, str]:
    """Return the one that has written last, and the other one."""
    name = target.requests[-1].text.removeprefix("written by ")
    return ("one", "two") if name == "one" else ("two", "one")


def start_client(members: Members, sidecar: Sidecar, name: str, target: Receiver) -> None:
    command = [NODE, str(EXAMPLES / "sidecar_client.js"), target.url]
    # A process of its own sets the environment: these tests' own stays as it is.
    members.start_command(name, "/usr/bin/env", f"SIDECAR=http://127.0.0.1:{sidecar.port}", *command)


def test_another_client_works_on_when_a_leading_sidecar_dies(
    members: Members, sidecars: dict[str, Sidecar], target: Receiver
) -> None:
    for name, sidecar in sidecars.items():
        start_client(members, sidecar, name, target)
    eventually(lambda: len(target.requests) > 1)
    leader, other = latest_writer(target)
    sidecars[leader].process.kill()
    eventually(lambda: latest_writer(target) == (other, leader))

    assert target.tokens == sorted(target.tokens)
    assert target.requests[0].token < target.requests[-1].token
    assert members.is_running(leader)
    eventually(lambda: "no sidecar at" in members.said(leader))


def test_a_client_whose_sidecar_hands_over_stops_working(
    members: Members, sidecars: dict[str, Sidecar], target: Receiver
) -> None:
    for name, sidecar in sidecars.items():
        start_client(members, sidecar, name, target)
    eventually(lambda: target.requests)
    leader, other = latest_writer(target)
    assert sidecars[leader].end() == 0
    eventually(lambda: latest_writer(target) == (other, leader))
    before = len(target.requests)
    eventually(lambda: len(target.requests) > before + 2)
    assert {request.text for request in target.requests[before:]} == {f"written by {other}"}
    assert target.tokens == sorted(target.tokens)


def test_a_client_with_a_stale_token_is_refused(
    members: Members, sidecars: dict[str, Sidecar], target: Receiver
) -> None:
    later = FencingToken(1, 1, "default/example")  # of a term that its sidecar has not heard of
    target.fence.raise_to(later)
    start_client(members, sidecars["one"], "one", target)
    start_client(members, sidecars["two"], "two", target)
    eventually(lambda: len(target.refused) > 1)
    assert not target.requests
    eventually(lambda: "status 412" in members.said("one") + members.said("two"))
