"""Sidecars that elect among themselves: alone, and with the API for what changes."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path

import pytest
import yaml

from tenure.devserver import DevServer
from tests.devserver.api import Api
from tests.sidecar.conftest import MakeSidecar
from tests.sidecar.peers import PeerGroup
from tests.sidecar.process import Sidecar, eventually, run_tenure

_LEASES = "leases.coordination.k8s.io"
Start = Callable[..., Sidecar]


@pytest.fixture
def group(tmp_path: Path) -> PeerGroup:
    return PeerGroup(tmp_path)


@pytest.fixture
def alone(group: PeerGroup, tmp_path: Path) -> Iterator[Start]:
    """Start one of the group, where there is no API server at all."""
    with ExitStack() as stack:

        def start(name: str, *flags: str) -> Sidecar:
            arguments = ("--election=example", "--peers-alone", *group.flags(name), *flags)
            return stack.enter_context(Sidecar(name, *arguments, HOME=str(tmp_path)))

        yield start


@pytest.fixture
def hybrid(group: PeerGroup, sidecar: MakeSidecar) -> Start:
    """Start one of the group beside the embedded API server."""
    return lambda name, *flags: sidecar(name, *group.flags(name), *flags)


def leader_of(members: dict[str, Sidecar]) -> str:
    """Wait until all of these name one of them, and it says so itself; return its name."""

    def agreed() -> str:
        try:
            names = {member.get("/").json["name"] for member in members.values()}
        except OSError:
            return ""
        name = names.pop() if len(names) == 1 else ""
        return name if name in members and members[name].get("/leader").status == 200 else ""

    found: str = eventually(agreed)
    return found


def test_three_elect_without_an_api_server(alone: Start) -> None:
    members = {name: alone(name) for name in "abc"}
    first = leader_of(members)
    answer = members[first].get("/leader").json
    assert (answer["election"], answer["identity"], answer["holder"]) == ("default/example", first, first)
    assert 0 < answer["valid_for_ms"] <= 1334  # D of the default lease
    token = int(answer["token"])
    for name, member in members.items():
        told = member.get("/leader").json
        assert (told["holder"], int(told["token"])) == (first, token)
        assert told["is_leader"] is (name == first)
        assert member.get("/readyz").status == member.get("/healthz").status == 200

    killed = members.pop(first)
    killed.process.kill()
    killed.wait()
    second = leader_of(members)
    assert int(members[second].get("/leader").json["token"]) > token
    members[first] = alone(first)
    assert leader_of(members) == second

    ending = members.pop(second)
    assert ending.end() == 0
    assert leader_of(members) != second
    assert ending.stdout[-1] == f"{second} is the leader"
    assert ending.stderr == []


def test_two_of_three_gone_nobody_leads(alone: Start) -> None:
    members = {name: alone(name) for name in "abc"}
    first = leader_of(members)
    left = members.pop(first)
    for member in members.values():
        member.end(signal.SIGKILL)
    # Its term ends, and none follows, though it is alive and wants to.
    left.until("/leader", lambda answer: answer.status == 503)
    assert left.until("/readyz", lambda answer: answer.status == 503).text.startswith("leader unknown: ")


def test_the_api_is_written_when_the_leader_changes_and_never_else(
    hybrid: Start, api: Api, devserver: DevServer, kubeconfig: Path
) -> None:
    members = {name: hybrid(name) for name in "abc"}
    first = leader_of(members)
    record = eventually(lambda: api.get("configmaps", "example"))
    assert (record.code, record.body["data"]["elected"], record.body["data"]["transitions"]) == (
        200,
        first,
        "0",
    )
    assert datetime.fromisoformat(record.body["data"]["since"]).tzinfo
    assert members[first].get("/leader").json["token"] == record.version

    # Four extensions, and what followers do meanwhile.
    devserver.requests.clear()
    for _ in range(4):
        until = members[first].get("/leader").json["valid_until_boottime_s"]
        renewed = lambda answer, until=until: answer.json["valid_until_boottime_s"] > until  # noqa: E731
        members[first].until("/leader", renewed)
    assert list(devserver.requests) == []

    killed = members.pop(first)
    killed.process.kill()
    killed.wait()
    second = leader_of(members)
    changed = api.get("configmaps", "example")
    assert (changed.body["data"]["elected"], changed.body["data"]["transitions"]) == (second, "1")
    assert int(changed.version) > int(record.version)
    assert members[second].get("/leader").json["token"] == changed.version
    assert sum(request.method != "GET" for request in devserver.requests) == 1


def test_status_shows_what_they_wrote(hybrid: Start, api: Api, kubeconfig: Path) -> None:
    members = {name: hybrid(name) for name in "abc"}
    leader = leader_of(members)
    done = run_tenure("status", "example", "-o", "yaml", f"--kubeconfig={kubeconfig}")
    [election] = yaml.safe_load(done.stdout)["elections"]
    shown = {key: election[key] for key in ("name", "lock", "state", "holder", "leaseDurationSeconds")}
    assert shown == {
        "name": "example",
        "lock": "peers",
        "state": "held",
        "holder": leader,
        "leaseDurationSeconds": None,
    }
    assert election["resourceVersion"] == api.get("configmaps", "example").version
    assert (done.returncode, done.stderr) == (0, "")
    title, line = run_tenure("status", "example", f"--kubeconfig={kubeconfig}").stdout.splitlines()
    shown = dict(zip(title.split(), line.split(), strict=True))
    assert (shown["STATE"], shown["HOLDER"], shown["LEFT"]) == ("held", leader, "-")  # not "for ever"


def test_a_live_leader_of_a_lease_is_refused_and_a_dead_one_passed_by(
    hybrid: Start, sidecar: MakeSidecar, api: Api
) -> None:
    old = sidecar("old", "--lease-duration=3s")
    old.until_leading()
    refused = hybrid("a")
    assert refused.wait() == 2
    assert refused.stderr[-1] == (
        "tenure: lease default/example has a live leader: with --peers there would be a second one; "
        "use --lock lease, or end its candidates first"
    )
    assert refused.stdout == []
    assert api.get("configmaps", "example").code == 404
    old.end(signal.SIGKILL)
    assert leader_of({name: hybrid(name) for name in "abc"}) in "abc"


def test_peers_that_start_during_an_outage_of_the_api_take_part(group: PeerGroup, tmp_path: Path) -> None:
    """Voters that waited for the API would be missing to a leader that can do without it."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: dev\n"
        "clusters: [{name: dev, cluster: {server: 'http://127.0.0.1:1'}}]\n"
        "contexts: [{name: dev, context: {cluster: dev, user: dev}}]\n"
        "users: [{name: dev, user: {token: abc}}]\n"
    )
    more = ("--election=example", f"--kubeconfig={kubeconfig}", "--peers-on-outage=elect")
    with ExitStack() as stack:
        members = {
            name: stack.enter_context(Sidecar(name, *more, *group.flags(name), HOME=str(tmp_path)))
            for name in "abc"
        }
        leader = members[leader_of(members)]
        assert leader.get("/leader").json["token"] == "0"
        told = [line.partition(" WARNING ")[2] for line in leader.stderr]
        assert told[0].startswith(
            "cannot see yet whether an older candidate leads in lease default/example: http://127.0.0.1:1: "
        )
        assert told[1] == "taking part without having seen lease default/example"
