"""Servers that cannot be had are one clear line, and are tried anew."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.cluster.build import BinaryUnavailableError
from tests.servers.packages import is_unpacked, unpacked


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


def test_without_apt(tools: Path) -> None:
    with pytest.raises(BinaryUnavailableError, match="here is no apt-get"):
        unpacked("redis-server")


def test_a_mirror_that_cannot_be_reached(tools: Path) -> None:
    write_tool(tools / "apt-get", "echo 'W: first' >&2; echo 'E: no route to the mirror' >&2; exit 100")
    write_tool(tools / "dpkg", "exit 0")
    for _ in range(2):  # a failure leaves nothing that looks like a success
        with pytest.raises(BinaryUnavailableError, match="E: no route to the mirror; give apt-get access"):
            unpacked("redis-server")
    assert not is_unpacked("redis-server")


def test_what_the_machine_lacks_comes_along_and_is_kept(tools: Path) -> None:
    """All that apt-get would install is downloaded and unpacked, and then found again without it."""
    write_tool(
        tools / "apt-get",
        'all="$*"; case $all in\n'
        '  *simulate*) printf "Inst library (1)\\nInst redis-server (7)\\nConf library\\n";;\n'
        '  *" download "*) for name in ${all#* download }; do : >$name.deb; done;;\n'
        "esac",
    )
    write_tool(tools / "dpkg", ': >"$3/${2%.deb}"')
    folder = unpacked("redis-server")
    assert sorted(os.listdir(folder)) == ["library", "redis-server"]
    shutil.rmtree(tools)
    assert unpacked("redis-server") == folder
