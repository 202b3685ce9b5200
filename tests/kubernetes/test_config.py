"""What a Pod's own mounts give, and that their rotation is followed."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tenure.errors import ConfigurationError, LockUnavailableError
from tenure.kubernetes import material
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig, in_cluster
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.authority import Authority
from tests.kubernetes.server import Answer, ApiServer, lease, status

UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")


class Pod:
    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.authority = Authority()
        self.folder = folder / "serviceaccount"
        self.folder.mkdir()
        self.write("token", "first\n")
        self.write("ca.crt", self.authority.pem)
        self.write("namespace", "jobs\n")
        self._monkeypatch = monkeypatch
        monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "127.0.0.1")
        monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def config(self, server: ApiServer) -> ClusterConfig:
        self._monkeypatch.setenv("KUBERNETES_SERVICE_PORT", str(server.port))
        return in_cluster(self.folder)


@pytest.fixture
def pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Pod:
    return Pod(tmp_path, monkeypatch)


def test_token_authority_and_namespace_of_the_pod_are_used(pod: Pod, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=pod.authority.server_context(tmp_path)) as server:
            config = pod.config(server)
            assert config.namespace == "jobs"
            client = Client(config)
            assert await client.get(LEASES, config.namespace, "reports", timeout=5) == lease()
            await client.aclose()
            assert server.seen[0].path == "/apis/coordination.k8s.io/v1/namespaces/jobs/leases/reports"
            assert server.seen[0].headers["authorization"] == "Bearer first"
            assert server.seen[0].headers["user-agent"].startswith("tenure/")
            assert server.seen[0].headers["host"] == f"127.0.0.1:{server.port}"

    asyncio.run(main())


def test_a_rotated_token_is_used_after_a_while_without_any_401(
    pod: Pod, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=pod.authority.server_context(tmp_path)) as server:
            client = Client(pod.config(server))
            await client.get(LEASES, "jobs", "reports", timeout=5)
            pod.write("token", "second\n")
            await client.get(LEASES, "jobs", "reports", timeout=5)
            monkeypatch.setattr(material, "_REREAD_AFTER_S", 0.0)
            await client.get(LEASES, "jobs", "reports", timeout=5)
            await client.aclose()
            sent = [seen.headers["authorization"] for seen in server.seen]
            assert sent == ["Bearer first", "Bearer first", "Bearer second"]

    asyncio.run(main())


def test_a_401_makes_the_token_be_read_again_at_once(pod: Pod, tmp_path: Path) -> None:
    async def main() -> None:
        answers = (Answer(lease()), UNAUTHORIZED, Answer(lease()))
        async with ApiServer(*answers, tls=pod.authority.server_context(tmp_path)) as server:
            client = Client(pod.config(server))
            await client.get(LEASES, "jobs", "reports", timeout=5)
            pod.write("token", "second\n")
            assert await client.replace(LEASES, "jobs", "reports", lease(), timeout=5) == lease()
            await client.aclose()
            sent = [(seen.method, seen.headers["authorization"]) for seen in server.seen]
            assert sent == [("GET", "Bearer first"), ("PUT", "Bearer first"), ("PUT", "Bearer second")]

    asyncio.run(main())


def test_a_lasting_401_is_an_outage_after_one_more_attempt(pod: Pod, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(UNAUTHORIZED, tls=pod.authority.server_context(tmp_path)) as server:
            client = Client(pod.config(server))
            with pytest.raises(LockUnavailableError, match=r"credentials were read anew") as caught:
                await client.get(LEASES, "jobs", "reports", timeout=5)
            await client.aclose()
            assert caught.value.unauthorized
            assert caught.value.refused
            assert len(server.seen) == 2

    asyncio.run(main())


def test_a_token_file_that_is_gone_for_a_moment_leaves_the_last_token_in_use(
    pod: Pod, tmp_path: Path
) -> None:
    async def main() -> None:
        answers = (Answer(lease()), UNAUTHORIZED, Answer(lease()))
        async with ApiServer(*answers, tls=pod.authority.server_context(tmp_path)) as server:
            client = Client(pod.config(server))
            await client.get(LEASES, "jobs", "reports", timeout=5)
            (pod.folder / "token").unlink()
            await client.get(LEASES, "jobs", "reports", timeout=5)
            await client.aclose()
            assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer first"] * 3

    asyncio.run(main())


def test_a_rotated_authority_is_read_after_the_first_failed_handshake(pod: Pod, tmp_path: Path) -> None:
    successor = Authority("successor")

    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=pod.authority.server_context(tmp_path)) as server:
            client = Client(pod.config(server))
            await client.get(LEASES, "jobs", "reports", timeout=5)
            port = server.port
        rotated = ApiServer(Answer(lease()), tls=successor.server_context(tmp_path))
        rotated.port = port
        async with rotated:
            with pytest.raises(LockUnavailableError, match=r"check certificate-authority") as caught:
                await client.replace(LEASES, "jobs", "reports", lease(), timeout=5)
            assert caught.value.refused
            pod.write("ca.crt", successor.pem)
            assert await client.get(LEASES, "jobs", "reports", timeout=5) == lease()
            await client.aclose()

    asyncio.run(main())


@pytest.mark.parametrize("variable", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_outside_a_pod_the_missing_variables_are_named(
    pod: Pod, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    monkeypatch.delenv(variable)
    with pytest.raises(ConfigurationError, match=rf"not in a Pod: .*{variable}"):
        in_cluster(pod.folder)


@pytest.mark.parametrize("name", ["token", "ca.crt", "namespace"])
def test_a_missing_or_empty_mount_is_named(pod: Pod, name: str) -> None:
    pod.write(name, "\n")
    with pytest.raises(ConfigurationError, match=rf"{name} is empty"):
        in_cluster(pod.folder)
    (pod.folder / name).unlink()
    with pytest.raises(
        ConfigurationError, match=rf"cannot read .*{name}: No such file.*automountServiceAccount"
    ):
        in_cluster(pod.folder)


def test_an_ipv6_host_is_put_in_brackets(pod: Pod, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    assert in_cluster(pod.folder).server == "https://[fd00::1]:6443"


def test_configs_are_equal_and_hashable_whatever_their_namespace(pod: Pod) -> None:
    first = in_cluster(pod.folder)
    pod.write("namespace", "other")
    second = in_cluster(pod.folder)
    assert (first.namespace, second.namespace) == ("jobs", "other")
    assert {first: 1}[second] == 1
