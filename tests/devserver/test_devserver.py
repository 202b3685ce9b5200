"""The embedded server as a thing to start, to reach and to stop."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
from pathlib import Path

import pytest

from tenure.devserver import DevServer, running_devserver
from tenure.errors import ConfigurationError
from tests.devserver.api import Api, lease
from tests.devserver.certificate import write_certificate

LEASES = "leases.coordination.k8s.io"


def test_it_serves_in_a_running_event_loop() -> None:
    async def main() -> None:
        async with DevServer() as server:
            answer = await asyncio.to_thread(Api(server.url).post, LEASES, lease())
            assert answer.code == 201

    asyncio.run(main())


def test_its_objects_outlive_a_restart_and_its_address_does_not() -> None:
    server = DevServer()
    with running_devserver(server):
        created = Api(server.url).post(LEASES, lease())
        with Api(server.url).watch(LEASES) as events:  # which binds a waiter to the first event loop
            events.next()
    with running_devserver(server):
        assert Api(server.url).get(LEASES, "x").body == created.body
        with Api(server.url).watch(LEASES, resourceVersion=created.version) as events:
            Api(server.url).delete(LEASES, "x")
            assert events.next()[0] == "DELETED"


def test_it_has_no_url_before_it_listens() -> None:
    with pytest.raises(RuntimeError, match="async with DevServer"):
        _ = DevServer().url


def test_a_taken_port_is_reported_to_whoever_starts_it() -> None:
    threads = threading.active_count()
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port}: .*choose another with --port"):
            running_devserver(DevServer(port=port)).__enter__()
    assert threading.active_count() == threads


def test_a_token_is_demanded_but_not_for_its_health(tmp_path: Path) -> None:
    with running_devserver(DevServer(token="secret")) as server:
        for wrong in ("", "other"):
            answer = Api(server.url, token=wrong).get(LEASES)
            assert answer.failure == (401, "Unauthorized", "Unauthorized")
        assert Api(server.url, token="secret").get(LEASES).code == 200
        assert Api(server.url).request("GET", "/readyz").code == 200
        config = json.loads(server.kubeconfig(tmp_path / "config").read_text())
        assert config["users"][0]["user"] == {"token": "secret"}


def test_it_serves_tls_and_hands_out_its_authority(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "server.pem")
    with running_devserver(DevServer(cert_file=certificate)) as server:
        assert server.url.startswith("https://127.0.0.1:")
        api = Api(server.url, ca_file=str(certificate))
        with api.watch(LEASES) as events:
            api.post(LEASES, lease())
            assert events.next()[0] == "ADDED"
        config = json.loads(server.kubeconfig(tmp_path / "config").read_text())
        assert config["clusters"][0]["cluster"]["certificate-authority-data"]


def test_an_authority_never_carries_the_private_key(tmp_path: Path) -> None:
    certificate = write_certificate(tmp_path / "server.pem")
    with running_devserver(DevServer(cert_file=certificate)) as server:
        assert b"PRIVATE" not in server.authority


def test_an_unusable_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(ConfigurationError, match=r"cannot use the certificate .*bad\.pem"):
        DevServer(cert_file=tmp_path / "bad.pem")


def test_it_logs_the_requests() -> None:
    with running_devserver() as server:
        Api(server.url).get(LEASES, labelSelector="a=b")
        [request] = server.requests
    path = "/apis/coordination.k8s.io/v1/namespaces/default/leases"
    assert request == ("GET", path, f"{path}?labelSelector=a%3Db")


def test_a_namespace_appears_with_its_first_object() -> None:
    with running_devserver() as server:
        api = Api(server.url, namespace="new")
        assert api.request("GET", "/api/v1/namespaces/new").code == 404
        api.post(LEASES, lease())
        assert api.request("GET", "/api/v1/namespaces/new").body["status"] == {"phase": "Active"}
        listed = api.request("GET", "/api/v1/namespaces").body["items"]
        names = {namespace["metadata"]["name"] for namespace in listed}
        assert {"default", "kube-system", "new"} <= names


def test_a_coordinated_lease_is_accepted() -> None:
    with running_devserver() as server:
        api = Api(server.url)
        spec = {"strategy": "OldestEmulationVersion", "preferredHolder": "a"}
        assert api.post(LEASES, lease(**spec)).body["spec"] == spec
        assert api.patch(LEASES, "x", {"spec": {"strategy": None}}).code == 422


def test_a_dry_run_is_refused_and_not_carried_out() -> None:
    with running_devserver() as server:
        api = Api(server.url)
        assert api.request("POST", api.path(LEASES, dryRun="All"), lease()).code == 400
        assert api.get(LEASES, "x").code == 404
