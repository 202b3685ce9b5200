"""A real etcd and kube-apiserver on loopback, for tests and benchmarks.

To play with one by hand: ``python -m tests.cluster.server``.
"""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.cluster.build import BinaryUnavailableError, binary
from tests.cluster.folder import create_folder, remove_folder
from tests.cluster.process import start_process

__all__ = ["ApiError", "Cluster", "ServiceAccount", "main"]

READY_TIMEOUT_S = 120  # generous: the machine may be busy with other things
STARTS = 3  # a free port can be taken by another process before the server binds it


class ApiError(Exception):
    """The API server answered with the HTTP `status`; `body` is the decoded Status object."""

    def __init__(self, method: str, path: str, status: int, body: Any) -> None:
        message = body.get("message") if isinstance(body, dict) else body
        super().__init__(f"{method} {path}: {status}: {message}")
        self.status = status
        self.body = body


@dataclass(frozen=True)
class ServiceAccount:
    """An account, and what a Pod of it would find: `mount` has the files token, ca.crt and namespace."""

    namespace: str
    name: str
    token: str
    kubeconfig: Path
    mount: Path


class Cluster:
    """One etcd and one kube-apiserver: TLS, RBAC and ServiceAccount tokens, but no controllers.

    So nothing creates a default ServiceAccount, collects garbage or ends the deletion of a namespace. The
    servers die with the thread that called `start`.
    """

    def __init__(self) -> None:
        self.admin_token = secrets.token_hex(16)
        self._servers: dict[str, subprocess.Popen[bytes]] = {}

    def start(self) -> None:
        """Start both servers and wait until the API server is ready.

        Where that fails, the folder with the logs stays, until another start removes it.

        Raises:
            BinaryUnavailableError: etcd, kube-apiserver or kubectl cannot be had.
            RuntimeError: a server does not come up; names its log.
        """
        for name in ("etcd", "kube-apiserver", "kubectl"):
            binary(name)
        self.folder = create_folder()
        try:
            self._write_credentials()
            self._start_servers()
        except BaseException:
            self._kill_servers()
            raise

    def stop(self) -> None:
        """Kill both servers (there is nothing in them to save) and remove their folder. May be repeated."""
        self._kill_servers()
        remove_folder(self.folder)

    @property
    def url(self) -> str:
        """The address of the API server."""
        return f"https://127.0.0.1:{self._port}"

    @property
    def ca_file(self) -> Path:
        """The certificate authority of the API server: PEM, made by the server itself."""
        return self.folder / "certs" / "apiserver.crt"

    @property
    def admin_kubeconfig(self) -> Path:
        """A kubeconfig that may do everything."""
        return self.folder / "admin.kubeconfig"

    def pause(self, server: str = "kube-apiserver") -> None:
        """Freeze a server (SIGSTOP), "kube-apiserver" or "etcd".

        The kernel still accepts connections, but nothing answers.
        """
        self._servers[server].send_signal(signal.SIGSTOP)

    def resume(self, server: str = "kube-apiserver") -> None:
        """Let a paused server run on."""
        self._servers[server].send_signal(signal.SIGCONT)

    def crash(self) -> None:
        """Kill the API server (SIGKILL); etcd keeps all that was written."""
        self._servers["kube-apiserver"].kill()
        self._servers["kube-apiserver"].wait()

    def restart(self) -> None:
        """Start the API server again after a crash, at its old address; it takes some seconds to be ready."""
        self._launch_apiserver()

    def wait_until_ready(self) -> None:
        """Wait until the API server is ready.

        Raises:
            RuntimeError: it does not come up; names its log.
        """
        try:
            self._wait_until_ready("kube-apiserver", self._is_ready)
        except _ExitedError as error:
            raise RuntimeError(str(error)) from None

    def kubectl(self, *args: str, input: str | None = None) -> str:  # noqa: A002  (as subprocess names it)
        """Run kubectl as administrator and return what it prints.

        Raises:
            RuntimeError: kubectl failed; carries its error output.
        """
        command = [str(binary("kubectl")), f"--kubeconfig={self.admin_kubeconfig}"]
        command += [f"--cache-dir={self.folder / 'kubectl-cache'}", *args]
        preferences = {**os.environ, "KUBERC": "off"}  # not those of whoever runs the tests
        done = subprocess.run(command, input=input or "", env=preferences, capture_output=True, text=True)
        if done.returncode:
            raise RuntimeError(f"kubectl {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def request(
        self, method: str, path: str, body: Any = None, *, token: str | None = None, timeout_s: float = 30
    ) -> Any:
        """Make one call, as administrator unless `token` says otherwise, and return the decoded answer.

        A PATCH is a JSON merge patch.

        Raises:
            ApiError: the server answered with an error status.
            OSError: there was no answer.
        """
        kind = "application/merge-patch+json" if method == "PATCH" else "application/json"
        headers = {"Authorization": f"Bearer {token or self.admin_token}", "Content-Type": kind}
        data = None if body is None else json.dumps(body).encode()
        call = urllib.request.Request(self.url + path, data, headers, method=method)
        https = urllib.request.HTTPSHandler(context=ssl.create_default_context(cafile=str(self.ca_file)))
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), https)
        try:
            with opener.open(call, timeout=timeout_s) as answer:
                return _decode(answer.read())
        except urllib.error.HTTPError as error:
            with error:
                raise ApiError(method, path, error.code, _decode(error.read())) from None

    def namespace(self, name: str) -> str:
        """Create a namespace and return its name."""
        self.request("POST", "/api/v1/namespaces", {"metadata": {"name": name}})
        return name

    def service_account(self, namespace: str, name: str, rules: list[dict[str, Any]]) -> ServiceAccount:
        """Create an account that may do in `namespace` what `rules` (of a Role) say, from now on."""
        core = f"/api/v1/namespaces/{namespace}"
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        metadata = {"name": name}
        role = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": name}
        subject = {"kind": "ServiceAccount", "name": name, "namespace": namespace}
        self.request("POST", f"{core}/serviceaccounts", {"metadata": metadata})
        self.request("POST", f"{rbac}/roles", {"metadata": metadata, "rules": rules})
        binding = {"metadata": metadata, "roleRef": role, "subjects": [subject]}
        self.request("POST", f"{rbac}/rolebindings", binding)
        token = self.token(namespace, name)
        self._wait_for_rules(namespace, token, rules)
        mount = self.folder / "accounts" / namespace / name
        mount.mkdir(parents=True)
        (mount / "token").write_text(token)
        (mount / "ca.crt").write_bytes(self.ca_file.read_bytes())
        (mount / "namespace").write_text(namespace)
        kubeconfig = mount.with_name(f"{name}.kubeconfig")
        self._write_kubeconfig(kubeconfig, token, namespace)
        return ServiceAccount(namespace, name, token, kubeconfig, mount)

    def token(self, namespace: str, name: str, *, duration_s: int = 3600) -> str:
        """Request a token of a ServiceAccount that is valid for `duration_s` (at least 600)."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.request("POST", path, {"spec": {"expirationSeconds": duration_s}})
        return str(answer["status"]["token"])

    def _wait_for_rules(self, namespace: str, token: str, rules: list[dict[str, Any]]) -> None:
        """Wait for the authorizer, which learns of a new RoleBinding by watching."""
        wanted = [_normalised(rule) for rule in rules]
        path = "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews"

        def are_known() -> bool:
            try:
                review = self.request("POST", path, {"spec": {"namespace": namespace}}, token=token)
            except ApiError as error:
                if error.status != 401:  # a new account's token may not be known yet either
                    raise
                return False
            granted = [_normalised(rule) for rule in review["status"]["resourceRules"]]
            return all(rule in granted for rule in wanted)

        _wait_until(are_known, f"the API server does not honour the rules of {namespace}")

    def _write_credentials(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        pem = serialization.Encoding.PEM
        private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        public = key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo)
        (self.folder / "accounts.key").write_bytes(private)
        (self.folder / "accounts.pub").write_bytes(public)
        (self.folder / "tokens.csv").write_text(f"{self.admin_token},admin,admin,system:masters\n")

    def _start_servers(self) -> None:
        for attempt in range(1, STARTS + 1):
            try:
                self._start_etcd()
                self._start_apiserver()
            except _ExitedError as error:
                self._kill_servers()
                if attempt == STARTS:
                    raise RuntimeError(str(error)) from None
            else:
                return

    def _start_etcd(self) -> None:
        self._etcd_url = f"http://127.0.0.1:{_free_port()}"
        data = self.folder / f"etcd-{self._etcd_url.rpartition(':')[2]}"
        self._start_server(
            "etcd",
            f"--data-dir={data}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={self._etcd_url}",
            f"--advertise-client-urls={self._etcd_url}",
            "--listen-peer-urls=http://127.0.0.1:0",
        )
        self._wait_until_ready("etcd", lambda: _is_healthy(f"{self._etcd_url}/health"))

    def _start_apiserver(self) -> None:
        self._port = _free_port()
        self._launch_apiserver()
        self._wait_until_ready("kube-apiserver", self._is_ready)
        self._write_kubeconfig(self.admin_kubeconfig, self.admin_token, "default")

    def _launch_apiserver(self) -> None:
        self._start_server(
            "kube-apiserver",
            f"--etcd-servers={self._etcd_url}",
            "--bind-address=127.0.0.1",
            "--advertise-address=127.0.0.1",  # else it looks for a default route, and fails without one
            "--endpoint-reconciler-type=none",  # which would refuse a loopback address
            f"--secure-port={self._port}",
            f"--cert-dir={self.folder / 'certs'}",
            "--service-cluster-ip-range=10.96.0.0/24",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={self.folder / 'accounts.pub'}",
            f"--service-account-signing-key-file={self.folder / 'accounts.key'}",
            f"--token-auth-file={self.folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
        )

    def _start_server(self, name: str, *args: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            self._servers[name] = start_process([str(binary(name)), *args], stdout=log, stderr=log)

    def _kill_servers(self) -> None:
        for server in self._servers.values():
            server.kill()
            server.wait()
        self._servers.clear()

    def _wait_until_ready(self, name: str, is_ready: Callable[[], bool]) -> None:
        log = self.folder / f"{name}.log"

        def has_come_up() -> bool:
            if self._servers[name].poll() is not None:
                raise _ExitedError(f"{name} ended while starting: {_last_line(log)} ({log})")
            return is_ready()

        _wait_until(has_come_up, f"{name} is not ready, see {log}")

    def _is_ready(self) -> bool:
        try:
            return bool(self.request("GET", "/readyz", timeout_s=5) == "ok")
        except (ApiError, OSError):  # also: its certificate is not there yet
            return False

    def _write_kubeconfig(self, path: Path, token: str, namespace: str) -> None:
        cluster = {"server": self.url, "certificate-authority": str(self.ca_file)}
        context = {"cluster": "tests", "user": "tests", "namespace": namespace}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "tests", "cluster": cluster}],
            "users": [{"name": "tests", "user": {"token": token}}],
            "contexts": [{"name": "tests", "context": context}],
            "current-context": "tests",
        }
        path.write_text(json.dumps(config, indent=1))  # JSON is YAML too


class _ExitedError(Exception):
    """A server ended while it should start."""


def _decode(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:  # "ok", a page of metrics
        return data.decode(errors="replace")


def _normalised(rule: dict[str, Any]) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(rule.get(key, ())) for key in ("apiGroups", "resources", "verbs", "resourceNames"))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _is_healthy(url: str) -> bool:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except urllib.error.HTTPError as error:
        error.close()
        return False
    except OSError:
        return False


def _wait_until(is_true: Callable[[], bool], fault: str) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    while not is_true():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{fault} (waited {READY_TIMEOUT_S} s)")
        time.sleep(0.05)


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines()
    return lines[-1] if lines else "no output"


def main() -> int:
    """Run a cluster until SIGINT or SIGTERM."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # both end in KeyboardInterrupt
    cluster = Cluster()
    try:
        cluster.start()
    except (BinaryUnavailableError, RuntimeError) as error:
        print(error, file=sys.stderr)
        return 1
    try:
        print(f"export KUBECONFIG={cluster.admin_kubeconfig}")
        print(f"# {cluster.url} runs until Ctrl-C; kubectl: {binary('kubectl')}", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        cluster.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
