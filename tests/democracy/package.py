"""The real democracy.js, installed by npm into a cache of the user."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.cluster.build import BinaryUnavailableError

__all__ = ["MEMBER", "installed", "is_installed"]

_SOURCES = Path(__file__).parent / "node"
_FILES = ("package.json", "package-lock.json", ".npmrc")
MEMBER = _SOURCES / "member.js"
"""A program that is one member."""


def installed() -> Path:
    """Return the folder of the package, installing it first if need be (seconds).

    Raises:
        BinaryUnavailableError: it is not there and cannot be had, or there is no Node.js to run it.
    """
    if shutil.which("node") is None:
        raise BinaryUnavailableError("no democracy.js without Node.js: apt-get install nodejs npm")
    folder = _folder()
    if not folder.exists():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with (folder.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # freed by the kernel when its holder dies
            if not folder.exists():  # installed by the one that we waited for
                _install(folder)
    return folder / "node_modules" / "democracy"


def is_installed() -> bool:
    """Tell whether a call of `installed` would be quick."""
    return _folder().exists()


def _folder() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    digest = hashlib.sha256(b"\0".join((_SOURCES / name).read_bytes() for name in _FILES))
    return cache / "tenure" / "democracy" / digest.hexdigest()[:16]


def _install(folder: Path) -> None:
    if shutil.which("npm") is None:
        raise BinaryUnavailableError("no democracy.js without npm: apt-get install npm")
    print("installing democracy.js, once ...", file=sys.stderr, flush=True)
    work = folder.with_name(f".{folder.name}.new")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    for name in _FILES:
        shutil.copy(_SOURCES / name, work)
    done = subprocess.run(["npm", "ci"], cwd=work, capture_output=True, text=True, check=False)
    if done.returncode:
        fault = (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[0]
        raise BinaryUnavailableError(f"npm ci failed: {fault}; give npm access to its packages")
    work.rename(folder)
