"""Kubeconfig: what its reader makes of any YAML, of mutated files, and of several of them merged."""

from __future__ import annotations

import json
import os
import random
import re
import tempfile
from base64 import b64encode
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import yaml

from tenure.errors import ConfigurationError, LockUnavailableError
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.connections import Exchange
from tenure.kubernetes.exec_plugin import ExecPlugin
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.transport import Outgoing, Transport
from tests.fuzz.lines import check_line
from tests.fuzz.target import Target
from tests.fuzz.values import encode_json, mutate_bytes, mutate_json, odd_text, odd_value
from tests.fuzz.wire import run
from tests.kubernetes.authority import Authority

__all__ = ["Folder", "bomb", "make_target"]

_PYTHON = yaml.SafeLoader
_LIBYAML = getattr(yaml, "CSafeLoader", _PYTHON)
_WHERE = {"current-context": "here", "contexts": [{"name": "here", "context": {"cluster": "c", "user": "u"}}]}
_PATHS = (
    "ca.pem",
    "commented.pem",
    "token",
    "latin-1",
    "none",
    "pipe",
    "/dev/zero",
    ".",
    "\x00",
    "\ud800",
    "a" * 5000,
)
_STRING = re.compile(r'"(?:[^"\\]|\\.)*"')
_ALIASES = ("*wide", "*merged", "{<<: *merged}")
# What only YAML has; each stands where a value may stand.
_YAML = (
    *_ALIASES,
    *("&own [*own]", "&own {a: *own}", "*unknown", "{? [a]: b, ? {c: d}: e}"),
    *("!!timestamp x", "!!bool x", "!!int ''", "!!float ''", "!!binary x", "!!set {a, b}", "!!omap [a: 1]"),
    *(
        "!!python/object:os.system x",
        "!!null x",
        "2026-11-21",
        "2026-13-41",
        "0x" + "f" * 5000,
        "1:60:60",
        ".inf",
    ),
    *(
        "2026-11-21T07:31:00+99:99",
        "!!str [a]",
        "!!map a",
        "!!merge x",
        "? a",
        "<<",
        "=",
        "{=: 1}",
        "|\n a",
        "%TAG",
    ),
)


def make_target() -> Target:
    """Return the target: a configuration that works, or one line that says what is wrong with it."""
    return _Kubeconfig()


def bomb(levels: int = 25) -> str:
    """Return anchors that double with each level: lists of aliases, and mappings that merge each other."""
    lists = ["&l0 [x]"] + [f"&l{n} [*l{n - 1}, *l{n - 1}]" for n in range(1, levels)]
    maps = ["&m0 {x: y}"] + [f"&m{n} {{<<: [*m{n - 1}, *m{n - 1}]}}" for n in range(1, levels)]
    return f"[{', '.join(lists)}, &wide [*l{levels - 1}], {', '.join(maps)}, &merged {{<<: *m{levels - 1}}}]"


class Folder:
    """A folder with the files that a kubeconfig may name, and an environment in which it is read.

    Attributes:
        path: of the folder.
        authority: of a certificate authority, PEM.
    """

    def __init__(self) -> None:
        self._stack = ExitStack()
        memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # a disk would be most of the cost
        temporary = tempfile.TemporaryDirectory(prefix="tenure-fuzz-", dir=memory)
        self.path = Path(self._stack.enter_context(temporary))
        authority = Authority()
        self.authority = authority.pem
        self.pair = authority.issue("u")
        (self.path / "ca.pem").write_text(self.authority)
        (self.path / "token").write_text("abc\n")
        (self.path / "client.pem").write_text(self.pair.certificate)
        (self.path / "client.key").write_text(self.pair.key)
        (self.path / "latin-1").write_bytes(b"\xe9")
        (self.path / "commented.pem").write_text(f"# Autorit\u00e9 de tests\n{self.authority}")
        os.mkfifo(self.path / "pipe")
        # The system's own authorities take longer to load than everything else together.
        self._before = {name: os.environ.get(name) for name in ("SSL_CERT_FILE", "KUBECONFIG")}
        os.environ["SSL_CERT_FILE"] = str(self.path / "ca.pem")

    def close(self) -> None:
        """Remove the folder, and restore the environment."""
        for name, value in self._before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value
        self._stack.close()


class _Kubeconfig:
    def __init__(self) -> None:
        self._folder = Folder()
        self._seeds = _seeds(self._folder)

    def check(self, decisions: random.Random) -> None:
        paths = []
        for number in range(1 if decisions.random() < 0.8 else 3):
            path = self._folder.path / f"config-{number}"
            path.write_bytes(self._text(decisions))
            paths.append(str(path))
        os.environ["KUBECONFIG"] = os.pathsep.join(paths)
        context = odd_text(decisions) if decisions.random() < 0.1 else None
        # The scanner of YAML in Python takes longer than all else, and is not ours: most are read by libyaml.
        yaml.SafeLoader = _PYTHON if decisions.random() > 0.96 else _LIBYAML  # type: ignore[misc, assignment]
        try:
            config = load_kubeconfig(paths[0] if len(paths) == 1 else None, context)
        except ConfigurationError as error:
            check_line(str(error))
        else:
            _use(config)

    def close(self) -> None:
        yaml.SafeLoader = _PYTHON  # type: ignore[misc]
        self._folder.close()

    def _text(self, decisions: random.Random) -> bytes:
        content = decisions.choice(self._seeds)
        if decisions.random() < 0.1:
            content = odd_value(decisions)
        content = mutate_json(decisions, content)
        _put_odd_paths(decisions, content)
        text = _with_yaml(decisions, encode_json(content))
        return mutate_bytes(decisions, text.encode()) if decisions.random() < 0.3 else text.encode()


def _seeds(folder: Folder) -> list[dict[str, Any]]:
    def encoded(text: str) -> str:
        return b64encode(text.encode()).decode()

    server = {"server": "https://127.0.0.1:6443"}
    plugin = {
        "apiVersion": "client.authentication.k8s.io/v1",
        "command": "./plugin",
        "args": ["--a"],
        "env": [{"name": "REGION", "value": "north"}],
        "interactiveMode": "Never",
        "provideClusterInfo": True,
        "installHint": "install it",
    }
    extension = {"name": "client.authentication.k8s.io/exec", "extension": {"audience": "a"}}
    pair = {"client-certificate": "client.pem", "client-key-data": encoded(folder.pair.key)}
    cases: list[tuple[dict[str, Any], dict[str, Any]]] = [
        (server, {"token": "abc"}),
        ({**server, "certificate-authority-data": encoded(folder.authority)}, {"tokenFile": "token"}),
        ({**server, "certificate-authority": "ca.pem", "tls-server-name": "kubernetes"}, pair),
        ({**server, "insecure-skip-tls-verify": True}, {"username": "u", "password": "p"}),
        ({"server": "http://[::1]:8080/k8s", "proxy-url": "http://u:p@127.0.0.1:3128"}, {}),
        ({**server, "extensions": [extension]}, {"exec": plugin}),
        (server, {"as": "a", "as-uid": "1", "as-groups": ["g"], "as-user-extra": {"k": ["v"]}}),
        (server, {"auth-provider": {"name": "gcp"}}),
    ]
    return [
        {**_WHERE, "clusters": [{"name": "c", "cluster": cluster}], "users": [{"name": "u", "user": user}]}
        for cluster, user in cases
    ]


def _put_odd_paths(decisions: random.Random, content: Any) -> None:
    """Name files of the folder, or some that no file can have."""
    if decisions.random() < 0.2 and isinstance(content, dict):
        key = decisions.choice(("tokenFile", "certificate-authority", "client-certificate", "client-key"))
        plural, singular = ("clusters", "cluster") if key == "certificate-authority" else ("users", "user")
        fields = {"server": "https://127.0.0.1", key: decisions.choice(_PATHS)}
        content[plural] = [{"name": singular[0], singular: fields}]


def _with_yaml(decisions: random.Random, text: str) -> str:
    """Put something that only YAML has in the place of a text of this JSON."""
    places = list(_STRING.finditer(text))
    if not places or decisions.random() < 0.6:
        return text
    place, snippet = decisions.choice(places), decisions.choice(_YAML)
    text = f"{text[: place.start()]}{snippet}{text[place.end() :]}"
    if snippet not in _ALIASES or not text.startswith("{"):
        return text
    return f'{{"bomb": {bomb()}, {text[1:]}'


def _use(config: ClusterConfig) -> None:
    """Do with a configuration what a client does before it connects."""
    hash(config)
    assert config.server
    transport = Transport(config)
    authorization = ""
    if isinstance(config.credentials, ExecPlugin):
        if config.credentials.cluster:
            json.loads(config.credentials.cluster)
    else:
        try:
            authorization, _ = run(transport._identity.show())
        except LockUnavailableError as error:
            check_line(str(error))
    request = transport._request(Outgoing("GET", "/"), authorization, Exchange())
    for name, value in request.headers:
        assert not set(name + value) & set(b"\r\n\x00"), (name, value)
