"""How the binaries are found, built and kept, with a stand-in for the Go command."""

from __future__ import annotations

import shutil
import threading
from pathlib import Path

import pytest

from tests.cluster import build
from tests.cluster.build import BINARIES, BinaryUnavailableError, binary, missing

GO_THAT_WORKS = """#!/bin/sh
echo "$@" >> "$LOG"
while [ "$1" != -o ]; do shift; done
echo built > "$2"
"""
GO_THAT_FAILS = """#!/bin/sh
while [ "$1" != -o ]; do shift; done
echo half > "$2"
echo "go: downloading k8s.io/api" >&2
echo "main.go:1: syntax error" >&2
exit 1
"""


@pytest.fixture
def log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Isolate the cache and the PATH; the file has one line per call of the stand-in."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/bin:/usr/bin")
    monkeypatch.setenv("LOG", str(tmp_path / "log"))
    monkeypatch.delenv("KUBEBUILDER_ASSETS", raising=False)
    (tmp_path / "bin").mkdir()
    return tmp_path / "log"


def install(name: str, script: str, folder: Path) -> None:
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)


@pytest.mark.parametrize("name", BINARIES)
def test_each_is_built_once_from_pinned_modules(log: Path, name: str) -> None:
    install("go", GO_THAT_WORKS, log.parent / "bin")
    assert missing(name) == [name]

    first, second = binary(name), binary(name)

    assert first == second
    assert first.read_text() == "built\n"
    assert missing(name) == []
    (call,) = log.read_text().splitlines()
    assert "-trimpath -mod=readonly" in call


def test_builders_at_the_same_time_wait_for_each_other(log: Path) -> None:
    install("go", GO_THAT_WORKS, log.parent / "bin")
    builders = [threading.Thread(target=binary, args=["etcd"]) for _ in range(4)]
    for builder in builders:
        builder.start()
    for builder in builders:
        builder.join()

    assert len(log.read_text().splitlines()) == 1


def test_changed_version_is_built_anew(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install("go", GO_THAT_WORKS, log.parent / "bin")
    sources = log.parent / "go"
    shutil.copytree(build.SOURCES, sources)
    monkeypatch.setattr(build, "SOURCES", sources)
    before = {name: binary(name) for name in BINARIES}

    modfile = sources / "candidate023" / "go.mod"
    modfile.write_text(modfile.read_text().replace("v0.23.17", "v0.23.16"))

    assert missing(*BINARIES) == ["candidate-v0.23"]
    assert binary("candidate-v0.23") != before["candidate-v0.23"]


def test_failed_build_says_why_and_provides_nothing(log: Path) -> None:
    install("go", GO_THAT_FAILS, log.parent / "bin")

    with pytest.raises(
        BinaryUnavailableError, match=r"^go build of kubectl failed: main\.go:1: syntax error; "
    ):
        binary("kubectl")

    assert missing("kubectl") == ["kubectl"]


@pytest.mark.parametrize(
    ("name", "remedy"), [("etcd", "KUBEBUILDER_ASSETS"), ("candidate-v0.36", "install Go")]
)
def test_without_go_the_error_names_the_remedy(
    log: Path, monkeypatch: pytest.MonkeyPatch, name: str, remedy: str
) -> None:
    monkeypatch.setenv("PATH", str(log.parent / "bin"))

    with pytest.raises(BinaryUnavailableError, match=remedy):
        binary(name)


def test_assets_are_preferred_and_not_built(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assets = log.parent / "bin"
    install("etcd", "", assets)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(assets))

    assert binary("etcd") == assets / "etcd"
    assert missing("etcd", "candidate-v0.23") == ["candidate-v0.23"]


def test_incomplete_assets_are_an_error(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(log.parent / "bin"))

    with pytest.raises(BinaryUnavailableError, match="has no kubectl"):
        binary("kubectl")
