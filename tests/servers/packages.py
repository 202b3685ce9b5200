"""Servers out of Debian's packages, unpacked into a cache of the user: nothing is installed."""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

from tests.cluster.build import BinaryUnavailableError

__all__ = ["PACKAGES", "is_unpacked", "unpacked"]

PACKAGES = ("postgresql-15", "redis-server")
"""The packages that tests need; those that they depend on come along, where the machine has them not."""


def unpacked(package: str) -> Path:
    """Return the folder that stands for ``/`` of a package, fetching it first if need be (seconds).

    Raises:
        BinaryUnavailableError: it is neither there nor can it be had.
    """
    folder = _folder(package)
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the kernel when its holder dies
            if not folder.exists():  # unpacked by the one that we waited for
                _unpack(package, folder)
    return folder


def is_unpacked(package: str) -> bool:
    """Tell whether a call of `unpacked` would be quick."""
    return _folder(package).exists()


def _folder(package: str) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tenure" / "servers" / package


def _unpack(package: str, folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg") is None:
        raise BinaryUnavailableError(f"no {package}: it comes from Debian's packages, and here is no apt-get")
    print(f"unpacking {package}, once ...", file=sys.stderr, flush=True)
    start = time.monotonic()
    work = folder.with_name(f".{package}.new")
    shutil.rmtree(work, ignore_errors=True)
    for name in ("lists/partial", "archives/partial", "root"):
        (work / name).mkdir(parents=True)
    # An index of our own: it needs no root, and that of the machine is empty (images) or out of date.
    ours = (
        f"-o=Dir::State::lists={work / 'lists'}",
        f"-o=Dir::Cache={work}",
        *(("-o=APT::Sandbox::User=root",) if os.geteuid() == 0 else ()),  # it may read our folder
    )
    _run(work, "apt-get", *ours, "--quiet", "update")
    wanted = ("install", "--simulate", "--reinstall", "--no-install-recommends", package)
    planned = re.findall(r"^Inst (\S+)", _run(work, "apt-get", *ours, *wanted), re.MULTILINE)
    _run(work, "apt-get", *ours, "--quiet", "download", *planned)
    for archive in sorted(work.glob("*.deb")):
        _run(work, "dpkg", "--extract", archive.name, "root")
    (work / "root").rename(folder)
    shutil.rmtree(work)
    print(f"unpacked {package} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def _run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "LC_ALL": "C"}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        fault = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1]
        raise BinaryUnavailableError(
            f"{command[0]} failed: {fault}; give apt-get access to a mirror of Debian 12"
        )
    return done.stdout
