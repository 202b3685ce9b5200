"""What an idle sidecar that leads keeps resident."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from benchmarks.bench import Bench
from benchmarks.mounts import mounted_account
from benchmarks.row import Row
from benchmarks.subjects import ClientGo, Subject

__all__ = ["run"]

_TARGET_MIB = 36.0
_REPEATS = 3

# A Pod's folder is a constant; the benchmark's is elsewhere. Everything else is the sidecar as it is.
_IN_POD = """
import os, sys
from pathlib import Path
from tenure.kubernetes import config
config.in_cluster.__defaults__ = (Path(sys.argv.pop(1)),)
host, port = sys.argv.pop(1), sys.argv.pop(1)
os.environ.update(KUBERNETES_SERVICE_HOST=host, KUBERNETES_SERVICE_PORT=port)
from tenure.cli import main
main()
"""


def run(bench: Bench) -> list[Row]:
    """Run it: all at once, each in an election of its own."""
    namespace = bench.namespace("memory")
    mount, environment = mounted_account(bench.cluster, namespace)
    config = bench.cluster.admin_kubeconfig
    in_pod = [sys.executable, "-c", _IN_POD, str(mount), *environment.values(), "sidecar"]
    outside = [sys.executable, "-m", "tenure", "sidecar", f"--kubeconfig={config}"]
    cases: dict[str, list[Subject]] = {"mounted account": [], "kubeconfig": [], "client-go": []}
    for number in range(_REPEATS):
        for case, command in (("mounted account", in_pod), ("kubeconfig", outside)):
            name = f"{case.replace(' ', '-')}-{number}"
            flags = [f"--election={name}", f"--id={name}", f"--election-namespace={namespace}"]
            cases[case].append(_Sidecar(name, [*command, *flags, "--http=127.0.0.1:0"]))
        cases["client-go"].append(ClientGo(config, namespace, f"client-go-{number}", f"client-go-{number}"))
    for subject in (each for subjects in cases.values() for each in subjects):
        bench.start(subject)
        _wait_until_leading(subject)
    time.sleep(30.0 if not bench.quick else 5.0)
    return [
        _row(case, [_resident_mib(each.process.pid) for each in subjects]) for case, subjects in cases.items()
    ]


class _Sidecar(Subject):
    """Its standard output is the log line of the sidecar, no JSON."""

    def _read_events(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                if line.endswith(b"is the leader\n"):
                    self.events.append({"event": "started", "leader": self.identity, "boottime": 0.0})


def _wait_until_leading(subject: Subject) -> None:
    subject.wait_for("started")


def _row(case: str, values: list[float]) -> Row:
    ours = case != "client-go"
    return Row(
        measure="memory",
        subject="tenure" if ours else case,
        what=f"resident after 30 s of leading, {f'sidecar with HTTP, {case}' if ours else 'candidate'}",
        unit="MiB",
        values=values,
        at_most=_TARGET_MIB if ours else None,
    )


def _resident_mib(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    kib = next(line.split()[1] for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(kib) / 1024
