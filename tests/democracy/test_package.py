"""A democracy.js that cannot be had is one clear line, and is tried anew."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.cluster.build import BinaryUnavailableError
from tests.democracy.package import installed, is_installed


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that is all of PATH, beside an empty cache."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return folder


def write_tool(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_without_node(tools: Path) -> None:
    with pytest.raises(BinaryUnavailableError, match=r"no democracy\.js without Node\.js: apt-get install"):
        installed()


def test_without_npm(tools: Path) -> None:
    write_tool(tools / "node", "exit 0")
    with pytest.raises(BinaryUnavailableError, match=r"no democracy\.js without npm: apt-get install"):
        installed()


def test_packages_that_cannot_be_reached(tools: Path) -> None:
    write_tool(tools / "node", "exit 0")
    write_tool(tools / "npm", "echo 'npm error code ENOTFOUND' >&2; echo 'npm error more' >&2; exit 1")
    for _ in range(2):  # a failure leaves nothing that looks like a success
        with pytest.raises(BinaryUnavailableError, match="npm error code ENOTFOUND; give npm access"):
            installed()
    assert not is_installed()


def test_what_was_installed_is_kept(tools: Path) -> None:
    write_tool(tools / "node", "exit 0")
    write_tool(
        tools / "npm", "test -e package-lock.json && test -e .npmrc && /bin/mkdir -p node_modules/democracy"
    )
    folder = installed()
    assert folder.is_dir()
    (tools / "npm").unlink()
    assert installed() == folder
    shutil.rmtree(folder.parents[1])
    assert not is_installed()
