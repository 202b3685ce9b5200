"""The real servers and client-go candidates, built from their Go modules into a cache of the user."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["BINARIES", "BinaryUnavailableError", "binary", "main", "missing"]

SOURCES = Path(__file__).parent / "go"

NO_SERVERS = (
    "no etcd, kube-apiserver and kubectl: install Go 1.21 or newer and run `make cluster`, "
    "or set KUBEBUILDER_ASSETS to a folder that has the three"
)
NO_OTHER = "no {name}: install Go 1.21 or newer and run `make cluster`"


class BinaryUnavailableError(Exception):
    """A binary cannot be had on this machine; the message is one line that says how to get it."""


@dataclass(frozen=True)
class Binary:
    """One command and where it comes from: `package` in `folder`, with the versions of `modfile`."""

    name: str
    folder: str
    package: str
    modfile: str
    is_asset: bool = False  # KUBEBUILDER_ASSETS may have it
    is_stamped: bool = False  # answers with the version of Kubernetes, which only the linker can tell it


COMMANDS = "k8s.io/kubernetes/cmd"
BINARIES = {
    each.name: each
    for each in (
        Binary("etcd", "kubernetes", "./etcd", "kubernetes/go.mod", is_asset=True),
        Binary(
            "kube-apiserver",
            "kubernetes",
            f"{COMMANDS}/kube-apiserver",
            "kubernetes/go.mod",
            True,
            True,
        ),
        Binary("kubectl", "kubernetes", f"{COMMANDS}/kubectl", "kubernetes/go.mod", True, True),
        Binary("candidate-v0.36", "candidate", ".", "candidate/go.mod"),
        Binary("candidate-v0.23", "candidate", ".", "candidate023/go.mod"),
        Binary("versitygw", "versitygw", "github.com/versity/versitygw/cmd/versitygw", "versitygw/go.mod"),
    )
}


def binary(name: str) -> Path:
    """Return the path of the binary `name` (a key of `BINARIES`), building it first if need be (minutes).

    Raises:
        BinaryUnavailableError: it is neither there nor can it be built.
    """
    wanted = BINARIES[name]
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets and wanted.is_asset:
        return _asset(wanted, Path(assets))
    target = _target(wanted)
    if not target.exists():
        _build(wanted, target)
    return target


def missing(*names: str) -> list[str]:
    """Return those of `names` that a call of `binary` would have to build."""
    assets = bool(os.environ.get("KUBEBUILDER_ASSETS"))
    return [n for n in names if not (assets and BINARIES[n].is_asset) and not _target(BINARIES[n]).exists()]


def _asset(wanted: Binary, assets: Path) -> Path:
    path = assets / wanted.name
    if not os.access(path, os.X_OK):
        raise BinaryUnavailableError(
            f"KUBEBUILDER_ASSETS={assets} has no {wanted.name}: complete it, or unset it to build with Go"
        )
    return path


def _target(wanted: Binary) -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "tenure" / "cluster" / _digest(wanted) / wanted.name


def _digest(wanted: Binary) -> str:
    """Hash everything that the binary is made of, apart from the compiler: its sources pin the versions."""
    modfile = SOURCES / wanted.modfile
    files = {modfile, modfile.with_suffix(".sum"), *(SOURCES / wanted.folder).rglob("*.go")}
    digest = hashlib.sha256(repr(_arguments(wanted)).encode())
    for path in sorted(files):
        digest.update(f"\0{path.relative_to(SOURCES)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:16]


def _arguments(wanted: Binary) -> list[str]:
    link = "-s -w"
    if wanted.is_stamped:
        version = _kubernetes_version()
        major, minor = version.removeprefix("v").split(".")[:2]
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "gitTreeState": "clean"}
        packages = ("k8s.io/component-base/version", "k8s.io/client-go/pkg/version")
        link += "".join(
            f" -X {package}.{key}={value}" for package in packages for key, value in values.items()
        )
    # No VCS stamp: it would need a git that trusts the checkout, and would change with every commit.
    return ["-trimpath", "-mod=readonly", "-buildvcs=false", "-ldflags", link]


def _kubernetes_version() -> str:
    found = re.search(r"k8s\.io/kubernetes (v\S+)", (SOURCES / "kubernetes/go.mod").read_text())
    assert found, "go.mod requires no k8s.io/kubernetes"
    return found[1]


def _build(wanted: Binary, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with _locked(target.parent / "lock"):
        if target.exists():  # by the builder that we waited for
            return
        if shutil.which("go") is None:
            raise BinaryUnavailableError(NO_SERVERS if wanted.is_asset else NO_OTHER.format(name=wanted.name))
        print(
            f"building {wanted.name}, once (may take minutes) ...",
            file=sys.stderr,
            flush=True,
        )
        start = time.monotonic()
        temporary = target.with_name(f".{wanted.name}.new")
        _go_build(wanted, temporary)
        temporary.rename(target)
        print(f"built {wanted.name} in {time.monotonic() - start:.0f} s", file=sys.stderr, flush=True)


def _go_build(wanted: Binary, output: Path) -> None:
    modfile = f"-modfile={SOURCES / wanted.modfile}"
    command = ["go", "build", *_arguments(wanted), modfile, "-o", str(output), wanted.package]
    # Without cgo there is no need of a C compiler, nor of this machine's libc; a workspace file is not ours.
    environment = {**os.environ, "CGO_ENABLED": "0", "GOWORK": "off"}
    done = subprocess.run(
        command, cwd=SOURCES / wanted.folder, env=environment, stderr=subprocess.PIPE, text=True
    )
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if not line.startswith("go: downloading")]
        fault = lines[-1] if lines else f"exit status {done.returncode}"
        remedy = "give Go access to its modules" + (", or set KUBEBUILDER_ASSETS" if wanted.is_asset else "")
        raise BinaryUnavailableError(f"go build of {wanted.name} failed: {fault}; {remedy}")


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Wait for other builders of the same folder; the kernel frees the lock of one that died."""
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> int:
    """Build all that is missing and print where each binary is."""
    for name in BINARIES:
        try:
            print(f"{name:16} {binary(name)}")
        except BinaryUnavailableError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
