"""The examples as processes, in one election."""

from __future__ import annotations

import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

from tests.cluster.process import start_process
from tests.devserver.api import Api
from tests.sidecar.process import eventually

__all__ = ["EXAMPLES", "Members"]

EXAMPLES = Path(__file__).parents[2] / "examples"
LIMIT_S = 60.0


class Members:
    """Starts members of the election ``example``, and ends all of them with the block.

    Args:
        folder: for what they say.
        kubeconfig: of the API server.
        api: the same server.
    """

    def __init__(self, folder: Path, kubeconfig: Path, api: Api) -> None:
        self._folder, self._kubeconfig, self._api = folder, kubeconfig, api
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, script: str, identity: str, *arguments: str, lease_duration_s: float | None = 3) -> None:
        """Start one member; its own arguments come last."""
        lease = () if lease_duration_s is None else (f"--lease-duration={lease_duration_s}",)
        self.start_command(
            identity,
            sys.executable,
            str(EXAMPLES / script),
            "--election=example",
            f"--kubeconfig={self._kubeconfig}",
            f"--identity={identity}",
            *lease,
            *arguments,
        )

    def start_command(self, identity: str, *command: str) -> None:
        """Start any program under this name."""
        with self._log(identity).open("ab") as log:
            self._running[identity] = start_process(command, stdout=log, stderr=log)

    def pid(self, identity: str) -> int:
        """Return the process id of a member."""
        return self._running[identity].pid

    def is_running(self, identity: str) -> bool:
        """Tell whether a member has not ended."""
        return self._running[identity].poll() is None

    def said(self, identity: str) -> str:
        """Return all that a member has printed."""
        return self._log(identity).read_text()

    def leader(self, *, other_than: str = "") -> str:
        """Wait until one of the members holds the lease, and return its name."""

        def holder() -> str:
            name = (self._api.get("leases.coordination.k8s.io", "example").body.get("spec") or {}).get(
                "holderIdentity"
            )
            return name if name != other_than and name in self._running else ""

        found: str = eventually(holder)
        return found

    def kill(self, identity: str) -> None:
        """Take a member out as a broken machine does."""
        self._end(identity, signal.SIGKILL)

    def terminate(self, identity: str) -> int:
        """Ask a member to end, as Kubernetes does; return its exit status."""
        return self._end(identity, signal.SIGTERM)

    def freeze(self, identity: str) -> None:
        """Stop a member without its knowledge."""
        self._running[identity].send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.pid(identity)}/stat")
        eventually(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T")

    def thaw(self, identity: str) -> None:
        """Let it run on."""
        self._running[identity].send_signal(signal.SIGCONT)

    def wait(self, identity: str) -> int:
        """Wait for the end of a member, and return its exit status."""
        return self._running[identity].wait(LIMIT_S)

    def end(self) -> None:
        """End them all."""
        for identity, process in self._running.items():
            if process.poll() is None:
                process.kill()
            with suppress(subprocess.TimeoutExpired):
                process.wait(LIMIT_S)
            print(f"---- {identity} said:", self.said(identity), sep="\n")

    def _end(self, identity: str, number: signal.Signals) -> int:
        self._running[identity].send_signal(number)
        return self.wait(identity)

    def _log(self, identity: str) -> Path:
        return self._folder / f"{identity}.log"
