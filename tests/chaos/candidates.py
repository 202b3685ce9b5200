"""Candidates: real processes, as the nemesis handles them."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tenure.clock import boot_time
from tests.chaos.candidate.options import REFUSED
from tests.chaos.judgement import CLIENT_GO
from tests.chaos.network import Place
from tests.cluster.process import start_process

__all__ = ["MODULES", "Candidate", "Ended", "Rules"]

MODULES = {
    "asyncio": "asynchronous",
    "blocking": "blocking",
    "sidecar": "sidecar",
    CLIENT_GO: "client_go",
    "careless": "careless",
}

_CANNOT_LISTEN = 4  # `tenure sidecar`: somebody else took the port that it was given


@dataclass(frozen=True)
class Rules:
    """What all candidates of the election are told; durations in seconds.

    Short, so that a minute sees many takeovers; renewals a second apart, because client-go in the same
    election compares Leases by the second.
    """

    namespace: str
    referee: Path
    name: str = "chaos"
    lease_duration: float = 3.0
    renew_deadline: float = 2.0
    renew_period: float = 1.0
    retry_period: float = 0.4

    def arguments(self) -> list[str]:
        """The command line; a switch that is off is left out."""
        flags = {f"--{name.replace('_', '-')}": value for name, value in vars(self).items()}
        values = [(flag, value) for flag, value in flags.items() if value not in (None, False)]
        return [flag if value is True else f"{flag}={value}" for flag, value in values]


@dataclass(frozen=True)
class Ended:
    """A process of a candidate ended without being told to."""

    who: str
    kind: str
    at: float
    status: int
    last_words: str

    @property
    def is_fault(self) -> bool:
        """Whether tenure is to blame: client-go ends at each loss, and any may be refused at its start."""
        return self.kind != CLIENT_GO and self.status not in (REFUSED, _CANNOT_LISTEN)


class Candidate:
    """One candidate through all its processes, one at a time.

    Args:
        name: who it is, for the referee.
        kind: one of `MODULES`.
        place: where its processes run.
        rules: of the election.
        folder: for its log.
    """

    def __init__(self, name: str, kind: str, place: Place, rules: Rules, folder: Path) -> None:
        self.name, self.kind, self.place = name, kind, place
        self.log = folder / f"{name}.log"
        self.identity = name
        self.is_wanted = False
        self.ended: list[Ended] = []
        self._rules = rules
        self._process: subprocess.Popen[bytes] | None = None
        self._identities = 1

    def start(self) -> None:
        """Start a process that campaigns at once, unless one runs."""
        self.is_wanted = True
        if self.is_running:
            return
        with self.log.open("ab") as log:
            self._process = start_process(self._command(), stdout=log, stderr=log)

    def keep(self) -> None:
        """Start it again if it has ended by itself, as a kubelet does."""
        if self.is_wanted and self._process is not None and not self.is_running:
            status, last = self._process.returncode, self.log.read_text(errors="replace").splitlines()[-1:]
            self.ended.append(Ended(self.name, self.kind, boot_time(), status, "".join(last)))
            self.start()

    def rename(self) -> None:
        """Its next process has another identity, as that of a Pod's successor."""
        self._identities += 1
        self.identity = f"{self.name}.{self._identities}"

    def twin(self) -> Candidate:
        """Return another one of the same name and identity, at the same place; it is not started."""
        twin = Candidate(self.name, self.kind, self.place, self._rules, self.log.parent)
        twin.identity = self.identity
        return twin

    def kill(self) -> None:
        """Kill all its processes; it stays down."""
        self.is_wanted = False
        if self._process is not None:
            self.send(signal.SIGKILL)
            self._process.wait()

    def terminate(self) -> None:
        """Ask it to end in good order; it stays down."""
        self.is_wanted = False
        if self.is_running and self._process is not None:
            self._process.terminate()

    def send(self, number: signal.Signals, *, to: int | None = None) -> None:
        """Send a signal to all its processes, or to one (an index of `processes`)."""
        processes = self.processes
        for process in processes if to is None else processes[to : to + 1]:
            with suppress(ProcessLookupError):
                os.kill(process, number)

    @property
    def is_running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.poll() is None

    @property
    def processes(self) -> list[int]:
        """The ids of its processes: the one that acts, and the one that campaigns for it, if there is one."""
        if not self.is_running or self._process is None:
            return []
        parent = self._process.pid
        try:
            children = Path(f"/proc/{parent}/task/{parent}/children").read_text()
        except OSError:
            children = ""
        return [parent, *map(int, children.split())]

    def _command(self) -> list[str]:
        prefix = self.place.command_prefix
        settings = [f"{name}={value}" for name, value in self.place.environment.items()]
        program = [sys.executable, "-m", f"tests.chaos.candidate.{MODULES[self.kind]}"]
        own = [f"--who={self.name}", f"--identity={self.identity}", f"--kubeconfig={self.place.kubeconfig}"]
        command = [*prefix, "env", *settings, *program, *own, *self._rules.arguments()]
        return [shutil.which(command[0]) or command[0], *command[1:]]
