"""Every way in that a kubeconfig can describe: what arrives at the server is checked."""

from __future__ import annotations

import asyncio
import base64
from pathlib import Path

import pytest

from tenure.errors import LockUnavailableError
from tenure.kubernetes.client import Client
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.authority import Authority
from tests.kubernetes.files import encoded, kubeconfig
from tests.kubernetes.proxy import Proxy
from tests.kubernetes.server import Answer, ApiServer, lease, status


async def ask(config: ClusterConfig) -> None:
    client = Client(config)
    try:
        await client.get(LEASES, "default", "reports", timeout=20)
    finally:
        await client.aclose()


@pytest.fixture(scope="module")
def authority() -> Authority:
    return Authority()


def test_token(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            cluster = {"server": server.url, "certificate-authority-data": encoded(authority.pem)}
            config = load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "abc"}))
            assert config.namespace == "jobs"
            await ask(config)
            assert server.seen[0].headers["authorization"] == "Bearer abc"

    asyncio.run(main())


def test_a_token_file_is_relative_to_the_kubeconfig_and_read_again(
    authority: Authority, tmp_path: Path
) -> None:
    async def main() -> None:
        answers = (Answer(lease()), status(401, "Unauthorized", "Unauthorized"), Answer(lease()))
        async with ApiServer(*answers, tls=authority.server_context(tmp_path)) as server:
            (tmp_path / "ca.pem").write_text(authority.pem)
            (tmp_path / "token").write_text("one\n")
            cluster = {"server": server.url, "certificate-authority": "ca.pem"}
            user = {"tokenFile": "token", "token": "unused"}
            client = Client(load_kubeconfig(kubeconfig(tmp_path, cluster, user)))
            await client.get(LEASES, "default", "reports", timeout=20)
            (tmp_path / "token").write_text("two\n")
            await client.get(LEASES, "default", "reports", timeout=20)
            await client.aclose()
            sent = [seen.headers["authorization"] for seen in server.seen]
            assert sent == ["Bearer one", "Bearer one", "Bearer two"]

    asyncio.run(main())


def test_user_name_and_password(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            cluster = {"server": server.url, "certificate-authority-data": encoded(authority.pem)}
            await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, {"username": "ann", "password": "pä:s"})))
            kind, _, pair = server.seen[0].headers["authorization"].partition(" ")
            assert (kind, base64.b64decode(pair).decode()) == ("Basic", "ann:pä:s")

    asyncio.run(main())


@pytest.mark.parametrize("inline", [True, False])
def test_a_client_certificate_is_shown_and_verified(
    authority: Authority, tmp_path: Path, inline: bool
) -> None:
    people = Authority("people")
    pair = people.issue("ann")
    if inline:
        user = {"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)}
    else:
        (tmp_path / "ann.crt").write_text(pair.certificate)
        (tmp_path / "ann.key").write_text(pair.key)
        user = {"client-certificate": "ann.crt", "client-key": str(tmp_path / "ann.key")}

    async def main() -> None:
        async with ApiServer(
            Answer(lease()), tls=authority.server_context(tmp_path, clients=people)
        ) as server:
            cluster = {"server": server.url, "certificate-authority-data": encoded(authority.pem)}
            await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, user)))
            assert server.seen[0].client_name == "ann"
            assert "authorization" not in server.seen[0].headers

    asyncio.run(main())


def test_the_server_of_these_tests_refuses_the_certificates_of_strangers(
    authority: Authority, tmp_path: Path
) -> None:
    stranger = Authority("strangers").issue("eve")
    user = {
        "client-certificate-data": encoded(stranger.certificate),
        "client-key-data": encoded(stranger.key),
    }

    async def main() -> None:
        tls = authority.server_context(tmp_path, clients=Authority("people"))
        async with ApiServer(Answer(lease()), tls=tls) as server:
            cluster = {"server": server.url, "certificate-authority-data": encoded(authority.pem)}
            with pytest.raises(LockUnavailableError):
                await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, user)))
            assert server.seen == []

    asyncio.run(main())


def test_tls_server_name_is_sent_and_verified(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        tls = authority.server_context(tmp_path, "api.example")
        async with ApiServer(Answer(lease()), tls=tls) as server:
            cluster = {"server": server.url, "certificate-authority-data": encoded(authority.pem)}
            with pytest.raises(LockUnavailableError, match=r"not trusted: .*; check tls-server-name"):
                await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t"})))
            cluster["tls-server-name"] = "api.example"
            await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t"})))
            assert server.server_names == [None, "api.example"]
            assert len(server.seen) == 1

    asyncio.run(main())


def test_insecure_skip_tls_verify_believes_any_server(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        tls = authority.server_context(tmp_path, "elsewhere.example")
        async with ApiServer(Answer(lease()), tls=tls) as server:
            cluster = {"server": server.url, "insecure-skip-tls-verify": True}
            await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t"})))
            assert len(server.seen) == 1

    asyncio.run(main())


def test_an_unknown_authority_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            for extra in ({}, {"certificate-authority-data": encoded(Authority("other").pem)}):
                cluster = {"server": server.url, **extra}
                with pytest.raises(LockUnavailableError, match=r"check certificate-authority") as caught:
                    await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t"})))
                assert caught.value.refused
            assert server.seen == []

    asyncio.run(main())


@pytest.mark.parametrize("secure", [True, False])
def test_a_proxy_with_user_name_is_used(authority: Authority, tmp_path: Path, secure: bool) -> None:
    async def main() -> None:
        tls = authority.server_context(tmp_path) if secure else None
        async with ApiServer(Answer(lease()), tls=tls) as server, Proxy() as proxy:
            cluster = {
                "server": server.url,
                "certificate-authority-data": encoded(authority.pem),
                "proxy-url": f"http://ann:p%40ss@127.0.0.1:{proxy.port}",
            }
            config = load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t"}))
            if not secure:
                with pytest.raises(LockUnavailableError):
                    await ask(config)
                assert f"GET {server.url}/apis" in proxy.heads[0]
                return
            await ask(config)
            assert proxy.targets == [f"127.0.0.1:{server.port}"]
            assert f"Basic {encoded('ann:p@ss')}" in proxy.heads[0]
            assert "Bearer" not in proxy.heads[0]
            assert server.seen[0].headers["authorization"] == "Bearer t"

    asyncio.run(main())


def test_a_proxy_that_refuses_is_named(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        async with Proxy(refuse=True) as proxy:
            cluster = {"server": "https://127.0.0.1:1", "proxy-url": f"http://127.0.0.1:{proxy.port}"}
            config = load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t"}))
            with pytest.raises(LockUnavailableError, match=r"the proxy refuses: 403.*proxy-url") as caught:
                await ask(config)
            assert caught.value.refused
            address = f"127.0.0.1:{proxy.port}"
        with pytest.raises(LockUnavailableError, match=f"through the proxy http://{address}.*refused"):
            await ask(config)

    asyncio.run(main())


def test_impersonation(authority: Authority, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            user = {"token": "t", "as": "bob", "as-uid": "7", "as-groups": ["ops"]}
            await ask(load_kubeconfig(kubeconfig(tmp_path, {"server": server.url}, user)))
            headers = server.seen[0].headers
            names = ("impersonate-user", "impersonate-uid", "impersonate-group")
            assert [headers[name] for name in names] == ["bob", "7", "ops"]

    asyncio.run(main())


def test_a_path_in_the_servers_url_is_kept(tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            await ask(load_kubeconfig(kubeconfig(tmp_path, {"server": f"{server.url}/clusters/a/"}, {})))
            path = "/clusters/a/apis/coordination.k8s.io/v1/namespaces/default/leases/reports"
            assert server.seen[0].path == path
            assert "authorization" not in server.seen[0].headers

    asyncio.run(main())


def test_impersonation_carries_more_than_ascii_and_extra_fields(tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            user = {"as": "jürgen", "as-user-extra": {"acme.com/project": ["x"]}}
            await ask(load_kubeconfig(kubeconfig(tmp_path, {"server": server.url}, user)))
            headers = server.seen[0].headers
            assert headers["impersonate-user"].encode("latin-1").decode() == "jürgen"
            assert headers["impersonate-extra-acme.com%2fproject"] == "x"

    asyncio.run(main())


@pytest.mark.parametrize("name", [".", "a..b", "x" * 70 + ".example"])
def test_a_name_that_no_certificate_can_bear_is_an_outage(
    authority: Authority, tmp_path: Path, name: str
) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), tls=authority.server_context(tmp_path)) as server:
            cluster = {"server": server.url, "tls-server-name": name}
            with pytest.raises(LockUnavailableError) as caught:
                await ask(load_kubeconfig(kubeconfig(tmp_path, cluster, {})))
            assert caught.value.refused

    asyncio.run(main())
