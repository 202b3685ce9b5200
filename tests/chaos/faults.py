"""Faults of processes and of the record: what the nemesis does, and undoes."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
import urllib.error
from collections.abc import Callable
from typing import Protocol

from tenure.clock import boot_time
from tests.chaos.arena import Arena
from tests.chaos.candidates import Candidate
from tests.chaos.judgement import Emptying
from tests.cluster.process import start_process
from tests.cluster.server import ApiError, Cluster

__all__ = ["EDITS", "Crash", "Edit", "Fault", "Freeze", "Kill", "Pause", "Starvation", "Terminate", "Twin"]


class Fault(Protocol):
    """Something bad, once."""

    @property
    def name(self) -> str:
        """The kind of fault, for the report."""

    def begin(self, rng: random.Random) -> str:
        """Do it, and return in words what was done."""

    def end(self) -> None:
        """Undo it; may be repeated, and raises nothing if the victim is gone."""


class Kill:
    """SIGKILL; at the end it is started again, under its old identity or another one."""

    name = "candidate killed"

    def __init__(self, victim: Candidate) -> None:
        self._victim = victim

    def begin(self, rng: random.Random) -> str:
        """Kill it."""
        self._victim.kill()
        if rng.random() < 0.5:
            self._victim.rename()
        return f"killed {self._victim.name}, its successor is {self._victim.identity}"

    def end(self) -> None:
        """Start its successor."""
        self._victim.start()


class Terminate:
    """SIGTERM, as in a rollout: the leader gives its term up; at the end there is a successor."""

    name = "candidate terminated"

    def __init__(self, victim: Candidate) -> None:
        self._victim = victim

    def begin(self, rng: random.Random) -> str:
        """Ask it to end."""
        self._victim.terminate()
        self._victim.rename()
        return f"terminated {self._victim.name}, its successor is {self._victim.identity}"

    def end(self) -> None:
        """Kill it if it is still there, as a kubelet does, and start its successor."""
        self._victim.kill()
        self._victim.start()


class Freeze:
    """SIGSTOP: of all processes of a candidate, or only of the one that acts, or of its sidecar alone."""

    name = "candidate frozen"

    def __init__(self, victim: Candidate) -> None:
        self._victim = victim

    def begin(self, rng: random.Random) -> str:
        """Freeze it."""
        processes = len(self._victim.processes)
        only = rng.choice([None, 0, 1]) if processes > 1 else None
        self._victim.send(signal.SIGSTOP, to=only)
        part = {None: "", 0: " (only the process that acts)", 1: " (only the process that campaigns)"}[only]
        return f"froze {self._victim.name}{part}"

    def end(self) -> None:
        """Let it run on."""
        self._victim.send(signal.SIGCONT)


class Twin:
    """Another process of the same candidate, under the same identity, at the same time."""

    name = "identity used twice"

    def __init__(self, victim: Candidate) -> None:
        self._twin = victim.twin()

    def begin(self, rng: random.Random) -> str:
        """Start it."""
        self._twin.start()
        return f"started a second {self._twin.identity}"

    def end(self) -> None:
        """Kill it."""
        self._twin.kill()


class Pause:
    """SIGSTOP of a server, "kube-apiserver" or "etcd"."""

    def __init__(self, cluster: Cluster, server: str) -> None:
        self._cluster, self._server = cluster, server
        self.name = f"{server} frozen"

    def begin(self, rng: random.Random) -> str:
        """Freeze it."""
        self._cluster.pause(self._server)
        return f"froze {self._server}"

    def end(self) -> None:
        """Let it run on."""
        self._cluster.resume(self._server)


class Crash:
    """SIGKILL of the API server; it is started again within a second, and takes some more to be ready."""

    name = "kube-apiserver killed"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._is_down = False

    def begin(self, rng: random.Random) -> str:
        """Kill it, and start it."""
        self._is_down = True
        self._cluster.crash()
        after_s = rng.uniform(0, 1)
        time.sleep(after_s)
        self.end()
        return f"killed kube-apiserver, started it again after {after_s:.1f} s"

    def end(self) -> None:
        """Start it, without waiting, unless that was done."""
        if self._is_down:
            self._is_down = False
            self._cluster.restart()


class Starvation:
    """Too many processes that want the processor."""

    name = "processor starved"

    def __init__(self) -> None:
        self._hogs: list[subprocess.Popen[bytes]] = []

    def begin(self, rng: random.Random) -> str:
        """Start them."""
        number = (os.cpu_count() or 1) * rng.choice([2, 4, 8])
        command = [sys.executable, "-c", "while True: pass"]
        nothing = subprocess.DEVNULL
        self._hogs = [start_process(command, stdout=nothing, stderr=nothing) for _ in range(number)]
        return f"{number} processes that only compute"

    def end(self) -> None:
        """Kill them."""
        for hog in self._hogs:
            hog.kill()
            hog.wait()


class Edit:
    """An administrator meddles with the record. Nothing is undone: it is up to the candidates.

    All of these may meet a leader that is cut off from the server. A deletion is harmless then, because the
    candidates wait out the lease that a missing record may stand for (``on_missing="wait"``); a holder that
    was emptied by hand is not, and the judgement allows what the contract does (`Emptying`).
    """

    def __init__(self, arena: Arena, kind: str) -> None:
        self._arena = arena
        self._edit = EDITS[kind]
        self.name = kind

    def begin(self, rng: random.Random) -> str:
        """Do it, unless the server refuses or does not answer."""
        try:
            return self._edit(self._arena, rng)
        except (ApiError, OSError) as error:
            return f"{self.name}, in vain: {error}"

    def end(self) -> None:
        """Nothing to undo."""


def _delete(arena: Arena, _rng: random.Random) -> str:
    arena.administer("DELETE")
    return "deleted the record"


def _empty(arena: Arena, _rng: random.Random) -> str:
    sent = boot_time()
    try:
        arena.administer("PATCH", {"spec": {"holderIdentity": ""}})
    except urllib.error.URLError:
        raise  # there was no connection, so it was not done
    except OSError:
        # It may still be done, by a server that was frozen with it: no later than its own time limit.
        arena.emptyings.append(Emptying(sent, sent + _REQUEST_LIMIT_S))
        raise
    arena.emptyings.append(Emptying(sent, boot_time()))
    return "emptied the holder"


def _name_a_stranger(arena: Arena, _rng: random.Random) -> str:
    arena.administer("PATCH", {"spec": {"holderIdentity": "stranger"}})
    return "named a stranger as the holder"


def _annotate(arena: Arena, rng: random.Random) -> str:
    label = str(rng.randrange(1_000_000))
    arena.administer("PATCH", {"metadata": {"labels": {"by-hand": label}, "annotations": {"note": label}}})
    return "labelled and annotated the record"


def _set_back(arena: Arena, _rng: random.Random) -> str:
    arena.administer("PATCH", {"spec": {"renewTime": "2001-01-01T00:00:00.000000Z"}})
    return "set the record's renewTime back by years"


_REQUEST_LIMIT_S = 60.0  # of kube-apiserver

EDITS: dict[str, Callable[[Arena, random.Random], str]] = {
    "record deleted": _delete,
    "holder emptied by hand": _empty,
    "holder replaced by hand": _name_a_stranger,
    "record annotated by hand": _annotate,
    "renewTime set back": _set_back,
}
