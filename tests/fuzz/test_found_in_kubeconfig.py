"""What fuzzing has found in the reader of kubeconfigs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tenure.errors import ConfigurationError
from tenure.kubernetes.config import ClusterConfig
from tenure.kubernetes.kubeconfig import load_kubeconfig
from tests.fuzz.kubeconfig import Folder, bomb
from tests.fuzz.lines import check_line
from tests.fuzz.target import alarm

SERVER = {"server": "https://127.0.0.1:6443"}


@pytest.fixture(scope="module")
def folder() -> Iterator[Folder]:
    made = Folder()
    yield made
    made.close()


def load(folder: Folder, cluster: Any = SERVER, user: Any = "{}") -> ClusterConfig:
    """Load a kubeconfig; `cluster` and `user` may be written in YAML."""
    path = folder.path / "config"
    path.write_text(
        f"clusters: [{{name: c, cluster: {cluster}}}]\n"
        f"users: [{{name: u, user: {user}}}]\n"
        "contexts: [{name: here, context: {cluster: c, user: u}}]\n"
        "current-context: here\n"
    )
    with alarm():
        return load_kubeconfig(path)


def fault(folder: Folder, *given: Any) -> str:
    """Return the one line that says what is wrong."""
    with pytest.raises(ConfigurationError) as caught:
        load(folder, *given)
    check_line(str(caught.value))
    return str(caught.value)


def written(folder: Folder, text: str) -> str:
    path = folder.path / "config"
    path.write_text(text)
    with alarm(), pytest.raises(ConfigurationError) as caught:
        load_kubeconfig(path)
    check_line(str(caught.value))
    return str(caught.value)


@pytest.mark.parametrize("token", ["*wide", "*merged", "{<<: *merged}"])
def test_references_that_unfold_without_end_are_refused(folder: Folder, token: str) -> None:
    assert "unfold" in written(folder, f"bomb: {bomb()}\ntoken: {token}\n")


@pytest.mark.parametrize("text", ["a: &own [*own]", "a: &own {a: *own}", "a: &own {<<: *own}"])
def test_what_contains_itself_is_refused(folder: Folder, text: str) -> None:
    assert "contains itself" in written(folder, text)


def test_references_of_a_reasonable_size_are_followed(folder: Folder) -> None:
    assert load(folder, user="{token: &t abc, extra: [*t, *t]}").credentials is not None


@pytest.mark.parametrize("value", ["!!timestamp x", "!!bool x", "!!int ''", "!!float ''"])
def test_a_value_that_is_none_of_its_tag_is_no_yaml(folder: Folder, value: str) -> None:
    assert "none of its tag" in written(folder, f"a: {value}")


@pytest.mark.parametrize("path", ['"\\0"', '"\\ud800"'])
def test_a_path_that_no_file_can_have(folder: Folder, path: str) -> None:
    assert "tokenFile" in fault(folder, SERVER, f"{{tokenFile: {path}}}")


@pytest.mark.parametrize("path", ["pipe", "/dev/zero"])
def test_a_file_without_end_is_not_read(folder: Folder, path: str) -> None:
    assert "no regular file" in fault(folder, SERVER, f"{{tokenFile: {path}}}")


def test_certificates_that_are_no_text_are_a_fault_of_the_configuration(folder: Folder) -> None:
    assert "latin-1" in fault(folder, {**SERVER, "certificate-authority": "latin-1"})
    plugin = (
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never, "
        "provideClusterInfo: true}}"
    )
    assert "latin-1" in fault(folder, {**SERVER, "certificate-authority": "latin-1"}, plugin)


def test_comments_in_any_language_stand_beside_certificates(folder: Folder) -> None:
    assert load(folder, {**SERVER, "certificate-authority": "commented.pem"}).certificate_authority


@pytest.mark.parametrize(
    "user", ['{username: "\\ud800"}', '{as-groups: ["\\udfff"]}', '{as-user-extra: {"\\ud800": [a]}}']
)
def test_half_a_character_is_no_text(folder: Folder, user: str) -> None:
    assert "not valid Unicode" in fault(folder, SERVER, user)


@pytest.mark.parametrize("user", ['{as: "a\\r\\nb"}', '{as-uid: "\\0"}', '{as-user-extra: {k: ["a\\nb"]}}'])
def test_an_impersonation_that_no_header_can_hold(folder: Folder, user: str) -> None:
    assert "no HTTP header can hold" in fault(folder, SERVER, user)


@pytest.mark.parametrize("extension", ["{2026-11-21: 1}", "2026-11-21", "{1: a, b: c}", ".nan"])
def test_an_extension_for_a_plugin_that_json_cannot_hold(folder: Folder, extension: str) -> None:
    cluster = (
        "{server: https://127.0.0.1, extensions: "
        f"[{{name: client.authentication.k8s.io/exec, extension: {extension}}}]}}"
    )
    plugin = (
        "{exec: {apiVersion: client.authentication.k8s.io/v1, command: x, interactiveMode: Never, "
        "provideClusterInfo: true}}"
    )
    assert "extensions holds what JSON cannot" in fault(folder, cluster, plugin)


@pytest.mark.parametrize("token", ["0x" + "f" * 5000, "[1, 2]", "{a: b}", "2026-11-21", ".inf"])
def test_what_is_no_text_is_named_by_its_kind(folder: Folder, token: str) -> None:
    assert "must be a string, not a" in fault(folder, SERVER, f"{{token: {token}}}")


def test_names_of_any_length_and_content_leave_the_message_in_one_line(folder: Folder) -> None:
    long = "n" * 5000
    assert "does not hold" in written(folder, f'current-context: "{long}\\n\\e[31m"')
    assert "must be a mapping" in written(
        folder, f'{{current-context: "{long}\\n", contexts: [{{name: "{long}\\n", context: 5}}]}}'
    )


def test_the_home_of_no_user_is_a_fault_of_the_configuration() -> None:
    with pytest.raises(ConfigurationError, match="cannot read kubeconfig ~nobody-of-that-name/config"):
        load_kubeconfig("~nobody-of-that-name/config")
