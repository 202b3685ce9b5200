"""Exec plugins: real programs, run when needed, and what they hand out arrives at the server."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tenure.errors import ConfigurationError, LockUnavailableError
from tenure.kubernetes.client import Client
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.resource import LEASES
from tests.kubernetes.authority import Authority
from tests.kubernetes.files import PluginFiles, encoded, kubeconfig
from tests.kubernetes.server import Answer, ApiServer, lease, status

PAST, FUTURE = "2020-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
V1 = '{"apiVersion": "client.authentication.k8s.io/v1", '
UNAUTHORIZED = status(401, "Unauthorized", "Unauthorized")


@pytest.fixture
def plugin(tmp_path: Path) -> PluginFiles:
    return PluginFiles(tmp_path)


def make_client(folder: Path, server: ApiServer, block: dict[str, Any], **cluster: Any) -> Client:
    return Client(load_kubeconfig(kubeconfig(folder, {"server": server.url, **cluster}, {"exec": block})))


async def get(client: Client, times: int = 1) -> None:
    for _ in range(times):
        await client.get(LEASES, "default", "reports", timeout=30)


@pytest.mark.parametrize("version", ["v1", "v1beta1"])
def test_a_token_with_arguments_and_environment(tmp_path: Path, version: str) -> None:
    plugin = PluginFiles(tmp_path, version)
    plugin.hands_out(token="t1", expirationTimestamp=FUTURE)

    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, plugin.block)
            await get(client, times=2)
            await client.aclose()
            assert [seen.headers["authorization"] for seen in server.seen] == ["Bearer t1"] * 2

    asyncio.run(main())
    (run,) = plugin.runs
    assert run["args"] == ["--cluster", "a"]
    assert run["region"] == "north"
    expected = {"apiVersion": f"client.authentication.k8s.io/{version}", "kind": "ExecCredential"}
    assert json.loads(run["info"]) == {**expected, "spec": {"interactive": False}}


def test_the_plugin_is_told_of_the_cluster_when_it_wants_to_know(plugin: PluginFiles, tmp_path: Path) -> None:
    plugin.hands_out(token="t1")
    authority = Authority()
    cluster = {
        "certificate-authority-data": encoded(authority.pem),
        "tls-server-name": "api.example",
        "extensions": [{"name": "client.authentication.k8s.io/exec", "extension": {"audience": "x"}}],
    }

    async def main() -> None:
        tls = authority.server_context(tmp_path, "api.example")
        async with ApiServer(Answer(lease()), tls=tls) as server:
            client = make_client(tmp_path, server, {**plugin.block, "provideClusterInfo": True}, **cluster)
            await get(client)
            await client.aclose()
            told = json.loads(plugin.runs[0]["info"])["spec"]["cluster"]
            assert told == {
                "server": server.url,
                "certificate-authority-data": encoded(authority.pem),
                "tls-server-name": "api.example",
                "config": {"audience": "x"},
            }

    asyncio.run(main())


def test_a_client_certificate_is_shown(plugin: PluginFiles, tmp_path: Path) -> None:
    authority, people = Authority(), Authority("people")
    pair = people.issue("ann")
    plugin.hands_out(clientCertificateData=pair.certificate, clientKeyData=pair.key)

    async def main() -> None:
        tls = authority.server_context(tmp_path, clients=people)
        async with ApiServer(Answer(lease()), tls=tls) as server:
            data = encoded(authority.pem)
            client = make_client(tmp_path, server, plugin.block, **{"certificate-authority-data": data})
            await get(client)
            await client.aclose()
            assert server.seen[0].client_name == "ann"

    asyncio.run(main())


def test_a_renewed_client_certificate_is_shown_on_a_new_connection(
    plugin: PluginFiles, tmp_path: Path
) -> None:
    authority, people = Authority(), Authority("people")

    def hand_out(name: str, expiry: str) -> None:
        pair = people.issue(name)
        plugin.hands_out(
            clientCertificateData=pair.certificate, clientKeyData=pair.key, expirationTimestamp=expiry
        )

    async def main() -> None:
        tls = authority.server_context(tmp_path, clients=people)
        async with ApiServer(Answer(lease()), tls=tls) as server:
            data = encoded(authority.pem)
            client = make_client(tmp_path, server, plugin.block, **{"certificate-authority-data": data})
            hand_out("ann", PAST)
            await get(client)
            hand_out("bob", FUTURE)
            await get(client, times=2)
            await client.aclose()
            assert [(seen.client_name, seen.connection) for seen in server.seen] == [
                ("ann", 1),
                ("bob", 2),
                ("bob", 2),
            ]

    asyncio.run(main())


def test_an_expired_credential_is_asked_for_anew(plugin: PluginFiles, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, plugin.block)
            plugin.hands_out(token="t1", expirationTimestamp=PAST)
            await get(client)
            plugin.hands_out(token="t2", expirationTimestamp=FUTURE)
            await get(client, times=2)
            await client.aclose()
            sent = [seen.headers["authorization"] for seen in server.seen]
            assert sent == ["Bearer t1", "Bearer t2", "Bearer t2"]
            assert len(plugin.runs) == 2

    asyncio.run(main())


def test_a_401_runs_the_plugin_again(plugin: PluginFiles, tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease()), UNAUTHORIZED, Answer(lease())) as server:
            client = make_client(tmp_path, server, plugin.block)
            plugin.hands_out(token="t1", expirationTimestamp=FUTURE)
            await get(client)
            plugin.hands_out(token="t2", expirationTimestamp=FUTURE)
            await get(client)
            await client.aclose()
            sent = [seen.headers["authorization"] for seen in server.seen]
            assert sent == ["Bearer t1", "Bearer t1", "Bearer t2"]

    asyncio.run(main())


def test_many_callers_wait_for_one_run(plugin: PluginFiles, tmp_path: Path) -> None:
    plugin.hands_out(token="t1")

    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, plugin.block)
            await asyncio.gather(*(get(client) for _ in range(20)))
            await client.aclose()
            assert len(server.seen) == 20

    asyncio.run(main())
    assert len(plugin.runs) == 1


def test_a_command_with_a_slash_is_relative_to_the_kubeconfig(tmp_path: Path) -> None:
    script = tmp_path / "bin" / "login"
    script.parent.mkdir()
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "status": {"token": "t1"}}
    script.write_text(f"#!{sys.executable}\nprint({json.dumps(json.dumps(answer))})\n")
    script.chmod(0o755)
    block = {"apiVersion": answer["apiVersion"], "command": "./bin/login", "interactiveMode": "Never"}

    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, block)
            await get(client)
            await client.aclose()
            assert server.seen[0].headers["authorization"] == "Bearer t1"

    asyncio.run(main())


def failure_of(folder: Path, block: dict[str, Any], timeout: float = 30) -> Exception:
    """Return what a call raises; nothing may reach the server."""

    async def main() -> Exception:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(folder, server, block)
            with pytest.raises((LockUnavailableError, ConfigurationError)) as caught:
                await client.get(LEASES, "default", "reports", timeout=timeout)
            await client.aclose()
            assert server.seen == []
            return caught.value

    return asyncio.run(main())


def test_a_plugin_that_fails_is_quoted(plugin: PluginFiles, tmp_path: Path) -> None:
    plugin.fails("please\nlog in first")
    failure = failure_of(tmp_path, plugin.block)
    assert isinstance(failure, LockUnavailableError)
    assert failure.refused
    assert str(failure).endswith("failed with status 1: please log in first")


@pytest.mark.parametrize(
    ("printed", "message"),
    [
        ("<html>", "printed no ExecCredential"),
        ("[]", "printed no ExecCredential"),
        ('{"apiVersion": "client.authentication.k8s.io/v1"}', "printed no ExecCredential"),
        (V1 + '"status": {"token": "t", "expirationTimestamp": 5}}', "printed no ExecCredential"),
        (V1 + '"status": {}}', "neither a token nor a certificate"),
        (V1 + '"status": {"clientCertificateData": "x"}}', "neither a token nor a certificate"),
        (
            V1.replace("v1", "v1beta1") + '"status": {"token": "t"}}',
            "answers in client.authentication.k8s.io/v1b",
        ),
    ],
)
def test_what_is_no_credential_is_said(
    plugin: PluginFiles, tmp_path: Path, printed: str, message: str
) -> None:
    plugin.prints(printed)
    assert message in str(failure_of(tmp_path, plugin.block))


def test_a_plugin_that_is_not_installed_tells_how_to_get_it(plugin: PluginFiles, tmp_path: Path) -> None:
    block = {**plugin.block, "command": "no-such-login", "installHint": "brew install\nlogin"}
    failure = failure_of(tmp_path, block)
    assert isinstance(failure, ConfigurationError)
    assert (
        str(failure) == "cannot run exec plugin no-such-login: No such file or directory; brew install login"
    )


def test_an_environment_that_cannot_be_is_a_fault_of_the_configuration(
    plugin: PluginFiles, tmp_path: Path
) -> None:
    block = {**plugin.block, "env": [{"name": "A=B", "value": "c"}]}
    assert isinstance(failure_of(tmp_path, block), ConfigurationError)


def test_a_token_that_no_header_can_hold_is_not_quoted(plugin: PluginFiles, tmp_path: Path) -> None:
    plugin.hands_out(token="s3cret\nInjected: yes")
    failure = failure_of(tmp_path, plugin.block)
    assert "holds no usable token" in str(failure)
    assert "s3cret" not in str(failure)


def test_a_plugin_that_goes_missing_after_it_worked_is_an_outage(plugin: PluginFiles, tmp_path: Path) -> None:
    script = tmp_path / "login"
    script.write_text(f"#!{sys.executable}\n{(tmp_path / 'plugin.py').read_text()}")
    script.chmod(0o755)
    plugin.hands_out(token="t1", expirationTimestamp=PAST)

    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, {**plugin.block, "command": "./login"})
            await get(client)
            script.unlink()
            with pytest.raises(LockUnavailableError, match="cannot run exec plugin") as caught:
                await get(client)
            assert caught.value.refused
            await client.aclose()

    asyncio.run(main())


def test_a_plugin_that_must_have_a_terminal_is_not_run_without(
    plugin: PluginFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(os.devnull) as nothing:
        monkeypatch.setattr(sys, "stdin", nothing)
        failure = failure_of(tmp_path, {**plugin.block, "interactiveMode": "Always"})
    assert "wants a terminal" in str(failure)
    assert plugin.runs == []


def slow_block(folder: Path) -> dict[str, Any]:
    """A plugin that announces itself and its child, then never ends."""
    script = (
        "import os, pathlib, subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(1000)'])\n"
        f"pathlib.Path({str(folder / 'pids.new')!r}).write_text(f'{{os.getpid()}} {{child.pid}}')\n"
        f"os.rename({str(folder / 'pids.new')!r}, {str(folder / 'pids')!r})\n"
        "time.sleep(1000)\n"
    )
    return {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": sys.executable,
        "args": ["-c", script],
        "interactiveMode": "Never",
    }


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def read_pids(folder: Path) -> list[int]:
    def read() -> list[int]:
        while not (folder / "pids").exists():
            time.sleep(0.01)
        return [int(pid) for pid in (folder / "pids").read_text().split()]

    return await asyncio.to_thread(read)


def test_a_slow_plugin_outlives_the_call_and_ends_with_the_client_and_its_children(tmp_path: Path) -> None:
    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, slow_block(tmp_path))
            for _ in range(2):
                with pytest.raises(LockUnavailableError, match="nothing could be sent") as caught:
                    await client.get(LEASES, "default", "reports", timeout=0.05)
                assert caught.value.refused
            pids = await read_pids(tmp_path)
            assert all(is_running(pid) for pid in pids)
            waiting = asyncio.create_task(client.get(LEASES, "default", "reports", timeout=60))
            await asyncio.sleep(0)
            await client.aclose()
            with pytest.raises(LockUnavailableError, match="the client was closed"):
                await waiting
            while any(is_running(pid) for pid in pids):  # noqa: ASYNC110  # the kernel ends them
                await asyncio.sleep(0.01)

    asyncio.run(main())


def test_a_plugin_that_hangs_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tenure.kubernetes.exec_plugin._TIMEOUT_S", 0.05)
    failure = failure_of(tmp_path, slow_block(tmp_path))
    assert "gave no answer within 0.05 s" in str(failure)


def test_sigint_does_not_reach_a_plugin_without_a_terminal(tmp_path: Path) -> None:
    """It has a group of its own: Ctrl-C ends us, and we end it."""

    async def main() -> None:
        async with ApiServer(Answer(lease())) as server:
            client = make_client(tmp_path, server, slow_block(tmp_path))
            waiting = asyncio.create_task(client.get(LEASES, "default", "reports", timeout=60))
            pid = (await read_pids(tmp_path))[0]
            assert os.getpgid(pid) == pid != os.getpgrp()
            os.killpg(pid, signal.SIGKILL)
            with pytest.raises(LockUnavailableError, match="failed with status -9"):
                await waiting
            await client.aclose()

    asyncio.run(main())
