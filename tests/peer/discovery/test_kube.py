"""Peers out of EndpointSlices and Endpoints: on the embedded API server and on the real one."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tenure.errors import PermissionDeniedError
from tenure.peer.discovery.endpoint_slices import EndpointSlicePeers
from tenure.peer.discovery.endpoints import EndpointsPeers
from tenure.peer.discovery.kube import KubePeers
from tenure.peer.discovery.peer import Peer
from tests.cluster.server import Cluster
from tests.devserver.api import Api
from tests.fencing.place import Place
from tests.peer.discovery.sightings import play, watched

ROOT = Path(__file__).parents[3]
SLICES = "endpointslices.discovery.k8s.io"
PORTS = [{"name": "peers", "port": 7411, "protocol": "UDP"}]

Pod = tuple[str, str]
"""The name of a Pod and its address."""


class Service:
    """The endpoints of a Service called "reports", written as the controllers of a cluster write them."""

    def __init__(self, api: Api, kind: type[KubePeers]) -> None:
        self.api = api
        self.resource = SLICES if kind is EndpointSlicePeers else "endpoints"

    def write(
        self,
        ready: Sequence[Pod] = (),
        unready: Sequence[Pod] = (),
        *,
        ports: Sequence[dict[str, Any]] = PORTS,
        name: str = "reports",
        family: str = "IPv4",
        service: str = "reports",
    ) -> None:
        """Create or replace the object."""
        body: dict[str, Any] = {"metadata": {"name": name}}
        if self.resource == SLICES:
            body["metadata"]["labels"] = {"kubernetes.io/service-name": service}
            endpoints = [endpoint(pod, ready=True) for pod in ready]
            endpoints += [endpoint(pod, ready=False) for pod in unready]
            body |= {"addressType": family, "endpoints": endpoints, "ports": list(ports)}
        else:
            lists = {"addresses": ready, "notReadyAddresses": unready}
            subset = {key: [address(pod) for pod in pods] for key, pods in lists.items() if pods}
            body["subsets"] = [{**subset, "ports": list(ports)}] if subset else []
        created = self.api.post(self.resource, body)
        if created.code == 409:
            assert self.api.put(self.resource, body).code == 200
        else:
            assert created.code == 201, created.body

    def delete(self, name: str = "reports") -> None:
        """Delete the object."""
        assert self.api.delete(self.resource, name).code == 200


def reference(pod: str) -> dict[str, str]:
    return {"kind": "Pod", "name": pod, "namespace": "default"}


def endpoint(pod: Pod, *, ready: bool) -> dict[str, Any]:
    """As in a slice; who is not ready is on its way out."""
    conditions = {"ready": ready, "serving": ready, "terminating": not ready}
    return {"addresses": [pod[1]], "conditions": conditions, "targetRef": reference(pod[0])}


def address(pod: Pod) -> dict[str, Any]:
    return {"ip": pod[1], "targetRef": reference(pod[0])}


def at(*pods: Pod, port: int = 7411) -> set[Peer]:
    return {Peer(name, host, port) for name, host in pods}


A, B, C = ("reports-0", "10.0.0.1"), ("reports-1", "10.0.0.2"), ("reports-2", "10.0.0.3")


@pytest.fixture(params=[EndpointSlicePeers, EndpointsPeers])
def kind(request: pytest.FixtureRequest) -> type[KubePeers]:
    """Both kinds."""
    found: type[KubePeers] = request.param
    return found


@pytest.fixture
def service(place: Place, kind: type[KubePeers]) -> Service:
    """The Service in the test's own namespace; there is nothing of it yet."""
    return Service(place.api, kind)


@pytest.fixture
def peers(place: Place, kind: type[KubePeers]) -> KubePeers:
    """The way to find its peers."""
    return kind("reports", kubeconfig=place.kubeconfig)


def test_peers_have_the_names_of_their_pods_ready_or_not(peers: KubePeers, service: Service) -> None:
    async def scene() -> None:
        service.write([A, B], [C])
        async with watched(peers) as sightings:
            assert await sightings.next() == at(A, B, C)

    play(scene)


def test_who_is_there_before_the_service_sees_it_come_and_go(peers: KubePeers, service: Service) -> None:
    async def scene() -> None:
        async with watched(peers) as sightings:
            assert await sightings.next() == set()
            service.write([], [A])
            assert await sightings.next() == at(A)
            service.delete()
            assert await sightings.next() == set()

    play(scene)


def test_scaling_and_another_address_are_seen(peers: KubePeers, service: Service) -> None:
    moved = ("reports-0", "10.0.0.9")

    async def scene() -> None:
        service.write([A])
        async with watched(peers) as sightings:
            assert await sightings.next() == at(A)
            service.write([A, B, C])
            assert await sightings.next() == at(A, B, C)
            service.write([B])
            assert await sightings.next() == at(B)
            service.write([B], [moved])
            assert await sightings.next() == at(B, moved)

    play(scene)


def test_what_changes_no_peer_is_not_told(peers: KubePeers, service: Service) -> None:
    async def scene() -> None:
        service.write([A], [B])
        async with watched(peers) as sightings:
            assert await sightings.next() == at(A, B)
            service.write([A, B])  # it is ready now
            service.write([A, B, C])
            assert await sightings.next() == at(A, B, C)

    play(scene)


def test_a_port_is_given_by_its_number(place: Place, kind: type[KubePeers], service: Service) -> None:
    async def scene() -> None:
        service.write([A], ports=[{"name": "web", "port": 80}])
        async with watched(kind("reports", port=7000, kubeconfig=place.kubeconfig)) as sightings:
            assert await sightings.next() == at(A, port=7000)

    play(scene)


def test_a_port_of_that_name_is_missed_once(
    peers: KubePeers, service: Service, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "tenure")

    async def scene() -> None:
        service.write([A], ports=[{"name": "web", "port": 80}])
        async with watched(peers) as sightings:
            assert await sightings.next() == set()
            service.write([A, B], ports=[{"name": "web", "port": 80}])
            service.write([A, B])
            assert await sightings.next() == at(A, B)

    play(scene)
    first, second = [message for message in caplog.messages if "reports" in message]
    assert first.endswith(
        "/reports: no port is called 'peers' in reports: name it in the Service, or give its number; "
        "its endpoints are no peers"
    )
    assert second.endswith("/reports: all is well again")


def test_other_services_are_others(peers: KubePeers, service: Service) -> None:
    async def scene() -> None:
        service.write([B], name="others", service="others")
        async with watched(peers) as sightings:
            assert await sightings.next() == set()
            service.write([B, C], name="others", service="others")
            service.write([A])
            assert await sightings.next() == at(A)

    play(scene)


@pytest.mark.parametrize("kind", [EndpointSlicePeers], indirect=True)
def test_peers_come_out_of_all_slices(peers: KubePeers, service: Service) -> None:
    async def scene() -> None:
        service.write([A], name="reports-x")
        service.write([B], name="reports-y")
        async with watched(peers) as sightings:
            assert await sightings.next() == at(A, B)
            service.write([B, C], name="reports-y")
            assert await sightings.next() == at(A, B, C)
            service.delete("reports-x")
            assert await sightings.next() == at(B, C)

    play(scene)


@pytest.mark.parametrize("kind", [EndpointSlicePeers], indirect=True)
@pytest.mark.parametrize(
    ("own", "version"), [(None, 4), ("10.0.0.1", 4), ("fd00::1", 6)], ids=["unknown", "IPv4", "IPv6"]
)
def test_of_two_addresses_that_of_ones_own_family_counts(
    peers: KubePeers, service: Service, monkeypatch: pytest.MonkeyPatch, own: str | None, version: int
) -> None:
    if own:
        monkeypatch.setenv("POD_IP", own)

    async def scene() -> None:
        service.write([A, B], name="four")
        service.write([(A[0], "fd00::1"), (B[0], "fd00::2")], name="six", family="IPv6")
        async with watched(peers) as sightings:
            six = at((A[0], "fd00::1"), (B[0], "fd00::2"))
            assert await sightings.next() == (at(A, B) if version == 4 else six)

    play(scene)


@pytest.mark.parametrize("kind", [EndpointSlicePeers], indirect=True)
def test_one_family_is_as_good_as_the_other_where_there_is_only_one(
    peers: KubePeers, service: Service
) -> None:
    async def scene() -> None:
        service.write([(A[0], "fd00::1")], family="IPv6")
        async with watched(peers) as sightings:
            assert await sightings.next() == at((A[0], "fd00::1"))

    play(scene)


def documented_rule(kind: type[KubePeers]) -> dict[str, Any]:
    """The rule for this kind in docs/peers.md."""
    block = (ROOT / "docs" / "peers.md").read_text().partition("```yaml\n")[2].partition("```")[0]
    [rule] = [rule for rule in yaml.safe_load(block)["rules"] if rule["resources"] == [kind.resource.plural]]
    return dict(rule)


@pytest.mark.cluster
def test_the_documented_rights_suffice(cluster: Cluster, namespace: str, kind: type[KubePeers]) -> None:
    account = cluster.service_account(namespace, "peer", [documented_rule(kind)])
    admin = Api(cluster.url, token=cluster.admin_token, ca_file=str(cluster.ca_file), namespace=namespace)
    service = Service(admin, kind)

    async def scene() -> None:
        async with watched(kind("reports", kubeconfig=account.kubeconfig)) as sightings:
            assert await sightings.next() == set()
            service.write([A])
            assert await sightings.next() == at(A)

    play(scene)


@pytest.mark.cluster
def test_a_missing_right_is_told_at_once(cluster: Cluster, namespace: str, kind: type[KubePeers]) -> None:
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    account = cluster.service_account(namespace, "peer", [rule])

    async def scene() -> None:
        async with watched(kind("reports", kubeconfig=account.kubeconfig)) as sightings:
            with pytest.raises(PermissionDeniedError) as caught:
                await sightings.next()
        text = str(caught.value)
        missing = json.loads(text[text.index("{") : text.index("}") + 1])
        assert missing == {**documented_rule(kind), "verbs": ["list"]}

    play(scene)
