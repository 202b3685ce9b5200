"""Kubeconfigs that are merged, and those that cannot work: the message names the file and the field."""

from __future__ import annotations

import contextlib
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tenure.errors import ConfigurationError
from tenure.kubernetes.credentials import BearerToken
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tenure.kubernetes.material import Material
from tests.kubernetes.authority import Authority
from tests.kubernetes.files import encoded, kubeconfig

SERVER = {"server": "https://127.0.0.1:6443"}
PLUGIN = {"apiVersion": "client.authentication.k8s.io/v1", "command": "login", "interactiveMode": "Never"}


def write(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def fault(path: Path | None, context: str | None = None) -> str:
    with pytest.raises(ConfigurationError) as caught:
        load_kubeconfig(path, context)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def named(name: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, **fields}


def test_files_of_the_variable_are_merged_and_the_first_to_name_something_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = {
        "contexts": [named("a", context={"cluster": "c", "user": "u"})],
        "users": [named("u", user={"tokenFile": "token"})],
    }
    second = {
        "current-context": "a",
        "contexts": [named("a", context={"cluster": "none", "user": "none"})],
        "clusters": [named("c", cluster={**SERVER, "certificate-authority": "ca.pem"})],
        "users": [named("u", user={"token": "never"})],
    }
    third = {"current-context": "b", "clusters": [named("c", cluster={"server": "https://never"})]}
    authority = Authority().pem
    write(tmp_path / "one" / "token", "secret")
    write(tmp_path / "two" / "ca.pem", authority)
    paths = [
        write(tmp_path / "one" / "config", first),
        tmp_path / "missing",
        write(tmp_path / "two" / "config", second),
        write(tmp_path / "three", third),
    ]
    monkeypatch.setenv("KUBECONFIG", os.pathsep.join(["", *map(str, paths)]))
    config = load_kubeconfig()
    assert config.server == SERVER["server"]
    assert config.namespace == "default"
    assert config.credentials == BearerToken(Material(path=str(tmp_path / "one" / "token")))
    assert config.certificate_authority == Material(path=str(tmp_path / "two" / "ca.pem"))


def test_without_the_variable_the_file_at_home_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBECONFIG", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".kube").mkdir()
    kubeconfig(tmp_path / ".kube", SERVER, {"token": "t"})
    assert load_kubeconfig().server == SERVER["server"]


def test_a_context_can_be_chosen(tmp_path: Path) -> None:
    content = {
        "current-context": "a",
        "contexts": [
            named("a", context={"cluster": "c"}),
            named("b", context={"cluster": "d", "namespace": "n"}),
        ],
        "clusters": [named("c", cluster=SERVER), named("d", cluster={"server": "https://d.example"})],
    }
    path = write(tmp_path / "config", content)
    assert load_kubeconfig(str(path)).server == SERVER["server"]
    chosen = load_kubeconfig(path, "b")
    assert (chosen.server, chosen.namespace) == ("https://d.example", "n")
    assert 'names "z", which contexts of' in fault(path, "z")


def test_inline_data_beats_a_file_and_a_token_beats_a_plugin(tmp_path: Path) -> None:
    cluster = {
        **SERVER,
        "certificate-authority-data": encoded(Authority().pem),
        "certificate-authority": "not-there",
    }
    config = load_kubeconfig(kubeconfig(tmp_path, cluster, {"token": "t", "exec": PLUGIN}))
    assert config.certificate_authority is not None
    assert config.certificate_authority.path == ""
    assert config.credentials == BearerToken(Material(data="t"))


def test_secrets_stay_out_of_the_representation(tmp_path: Path) -> None:
    pair = Authority().issue("ann")
    user = {"client-certificate-data": encoded(pair.certificate), "client-key-data": encoded(pair.key)}
    for extra in ({"token": "s3cret"}, {"username": "ann", "password": "s3cret"}):
        cluster = {**SERVER, "proxy-url": "http://u:s3cret@proxy"}
        config = load_kubeconfig(kubeconfig(tmp_path, cluster, {**user, **extra}))
        assert "s3cret" not in repr(config)
        assert "PRIVATE" not in repr(config)


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert re.search(r"cannot read kubeconfig .*/none: No such file", fault(tmp_path / "none"))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "none"))
    assert "none of the files of KUBECONFIG exists" in fault(None)
    assert "is not YAML" in fault(write(tmp_path / "torn", "{a: [b"))
    assert "is not a mapping" in fault(write(tmp_path / "list", "- a"))
    assert "is not a mapping" in fault(write(tmp_path / "empty", ""))
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    assert "is not YAML" in fault(tmp_path / "binary")


def test_what_the_context_misses(tmp_path: Path) -> None:
    path = tmp_path / "config"
    assert "current-context is not set; set it with: kubectl config use-context" in fault(
        write(path, {"a": 1})
    )
    content: dict[str, Any] = {"current-context": "a"}
    assert 'config: current-context names "a", which contexts' in fault(write(path, content))
    content["contexts"] = {"a": {}}
    assert "config: contexts must be a list" in fault(write(path, content))
    content["contexts"] = [named("a", context={"cluster": "c", "user": "u"})]
    assert 'contexts["a"].context.cluster names "c", which clusters' in fault(write(path, content))
    content["clusters"] = [named("c", cluster=SERVER)]
    assert 'contexts["a"].context.user names "u", which users' in fault(write(path, content))


@pytest.mark.parametrize(
    ("cluster", "message"),
    [
        ({}, "cluster.server is no http:// or https:// URL"),
        ({"server": "127.0.0.1:6443"}, "cluster.server is no http://"),
        ({"server": "https://[::1"}, "cluster.server is no http://"),
        ({"server": "https://a:99999"}, "cluster.server is no http://"),
        ({"server": "https://ann:pw@a"}, "cluster.server holds a user name"),
        ({"server": 5}, "cluster.server must be a string, not 5"),
        ([], 'clusters["c"].cluster must be a mapping'),
        ({**SERVER, "certificate-authority": "none.pem"}, "cluster.certificate-authority: cannot read"),
        ({**SERVER, "certificate-authority-data": "%%%"}, "cluster.certificate-authority-data is not base64"),
        ({**SERVER, "certificate-authority-data": encoded("x")}, "check certificate-authority"),
        ({**SERVER, "insecure-skip-tls-verify": "yes"}, "cluster.insecure-skip-tls-verify must be true or"),
        ({**SERVER, "proxy-url": "ftp://proxy"}, "cluster.proxy-url is no http://, https://"),
        ({**SERVER, "proxy-url": "socks5://proxy"}, "pip install httpcore2[socks]"),
    ],
)
def test_faults_of_a_cluster(tmp_path: Path, cluster: Any, message: str) -> None:
    text = fault(kubeconfig(tmp_path, cluster, {"token": "t"}))
    assert message in text
    assert str(tmp_path / "config") in text


PAIR = Authority().issue("ann")
OTHER = Authority().issue("bob")


@pytest.mark.parametrize(
    ("user", "message"),
    [
        ({"token": 5}, "user.token must be a string, not 5; put it in quotes"),
        ({"tokenFile": "none"}, "user.tokenFile: cannot read"),
        ({"client-certificate-data": encoded(PAIR.certificate)}, "user.client-key is missing"),
        ({"client-key-data": encoded(PAIR.key)}, "user.client-certificate is missing"),
        (
            {
                "client-certificate-data": encoded(PAIR.certificate),
                "client-key-data": encoded(OTHER.key),
            },
            "check client-certificate and client-key",
        ),
        ({"as-groups": "ops"}, "user.as-groups must be a list of strings"),
        ({"auth-provider": {"name": "gcp"}}, "is retired; use the exec plugin gke-gcloud-auth-plugin"),
        ({"auth-provider": {"name": "azure"}}, "is retired; use the exec plugin kubelogin"),
        ({"auth-provider": {"name": "oidc"}}, "is retired; use the exec plugin kubectl oidc-login"),
        ({"auth-provider": {"name": "x"}}, "is retired; use the exec plugin one of your cluster's vendor"),
        ({"exec": []}, "user.exec must be a mapping"),
        (
            {"exec": {**PLUGIN, "apiVersion": "client.authentication.k8s.io/v1alpha1"}},
            "exec.apiVersion must be",
        ),
        ({"exec": {**PLUGIN, "command": ""}}, "exec.command is missing"),
        ({"exec": {**PLUGIN, "args": "x"}}, "exec.args must be a list of strings"),
        ({"exec": {**PLUGIN, "args": [1]}}, "exec.args must be a list of strings"),
        ({"exec": {**PLUGIN, "env": {"A": "b"}}}, "exec.env must be a list"),
        ({"exec": {**PLUGIN, "env": [{"name": "A", "value": 1}]}}, "exec.env[0].value must be a string"),
        ({"exec": {**PLUGIN, "interactiveMode": ""}}, "exec.interactiveMode must be Never, IfAvailable"),
    ],
)
def test_faults_of_a_user(tmp_path: Path, user: Any, message: str) -> None:
    text = fault(kubeconfig(tmp_path, SERVER, user))
    assert message in text
    assert str(tmp_path / "config") in text


FIELDS = [
    "server",
    "certificate-authority",
    "certificate-authority-data",
    "tls-server-name",
    "insecure-skip-tls-verify",
    "proxy-url",
    "token",
    "tokenFile",
    "username",
    "password",
    "exec",
    "auth-provider",
    "client-certificate",
    "client-key-data",
    "as",
    "as-groups",
    "apiVersion",
    "command",
    "args",
    "env",
    "interactiveMode",
    "provideClusterInfo",
    "name",
    "value",
]
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6) | st.sampled_from(["https://a", "a/b"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4),
    max_leaves=10,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(cluster=values, user=values, plugin=values, contexts=values)
def test_no_kubeconfig_raises_anything_else(
    tmp_path: Path, cluster: Any, user: Any, plugin: Any, contexts: Any
) -> None:
    if isinstance(user, dict) and isinstance(plugin, dict):
        user = {**user, "exec": {**PLUGIN, **plugin}}
    for fields in (cluster, {**SERVER, **(cluster if isinstance(cluster, dict) else {})}):
        path = kubeconfig(tmp_path, fields, user)
        with contextlib.suppress(ConfigurationError):
            hash(load_kubeconfig(path))
    path = write(tmp_path / "other", {"current-context": "a", "contexts": contexts})
    assert str(path) in fault(path)
