"""Groups: members of one election among themselves, of tenure or of democracy.js, as child processes."""

from __future__ import annotations

import secrets
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

from tests.cluster.candidate_process import CandidateProcess
from tests.democracy.real import RealMember

from benchmarks.bench import Bench
from benchmarks.subjects import Peer

__all__ = ["DemocracyGroup", "Group", "PeerGroup", "write_secret"]

_PATIENCE_S = 60.0
_POLL_S = 0.002


class Group(ABC):
    """Members that all know each other.

    Args:
        bench: kills them when the measure ends.
        addresses: ``HOST:PORT`` of each.
        prefixes: what goes before the command of each, such as ``nsenter``.

    Attributes:
        members: the present process of each; None: it is down.
    """

    begins: ClassVar[str]
    """The event with which a member begins to lead."""
    ends: ClassVar[tuple[str, ...]]
    """The events with which it stops."""

    def __init__(self, bench: Bench, addresses: Sequence[str], prefixes: Sequence[list[str]] = ()) -> None:
        self._bench = bench
        self._prefixes = prefixes
        self._past: list[CandidateProcess] = []
        self.addresses = addresses
        self.members: list[CandidateProcess | None] = [None] * len(addresses)

    @abstractmethod
    def _make(self, number: int) -> CandidateProcess:
        """Return the process of a member; it is not started."""

    def start(self, number: int) -> None:
        """Start a member, anew if it was killed."""
        member = self._make(number)
        if self._prefixes:
            member._command = [*self._prefixes[number], *member._command]
        self.members[number] = self._bench.start(member)

    def start_all(self) -> None:
        """Start all, and wait until one leads."""
        for number in range(len(self.members)):
            self.start(number)
        self.wait_until_led()

    def kill(self, number: int) -> float:
        """Kill a member, and return the boot time of that."""
        member = self.members[number]
        assert member is not None
        killed = time.clock_gettime(time.CLOCK_BOOTTIME)
        member.kill()
        self._past.append(member)
        self.members[number] = None
        return killed

    def stop(self) -> None:
        """Kill all that are up."""
        for number, member in enumerate(self.members):
            if member is not None:
                self.kill(number)

    @property
    def leader(self) -> int | None:
        """The number of the member that leads, as it says itself."""
        turns = (self.begins, *self.ends)
        for number, member in enumerate(self.members):
            told = (
                [seen["event"] for seen in tuple(member.events) if seen["event"] in turns] if member else []
            )
            if told[-1:] == [self.begins]:
                return number
        return None

    def wait_until_led(self) -> int:
        """Wait until somebody leads, and return its number.

        Raises:
            AssertionError: that does not happen.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while (leader := self.leader) is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"nobody leads: {[each and each.errors[-2:] for each in self.members]}")
            time.sleep(_POLL_S)
        return leader

    def led_after(self, since: float) -> float:
        """Wait until somebody begins to lead after a boot time, and return when.

        Raises:
            AssertionError: that does not happen.
        """
        deadline = time.monotonic() + _PATIENCE_S
        while not (found := self.told(self.begins, since)):
            if time.monotonic() > deadline:
                raise AssertionError(f"nobody leads after {_PATIENCE_S:g} s")
            time.sleep(_POLL_S)
        return min(found)

    def told(self, event: str, since: float = 0.0) -> list[float]:
        """Return the boot times at which the living members reported an event after `since`."""
        return [seen["boottime"] for seen in self.events(event) if seen["boottime"] > since]

    def events(self, *names: str) -> list[dict[str, Any]]:
        """Return what the present processes reported of these events."""
        living = [member for member in self.members if member]
        return [seen for member in living for seen in tuple(member.events) if seen["event"] in names]

    def reigns(self, until: float) -> list[tuple[float, float]]:
        """Return when each member led, from its word to its word, at most until then; boot times."""
        found: list[tuple[float, float]] = []
        for member in [*self._past, *(member for member in self.members if member)]:
            began: float | None = None
            for seen in tuple(member.events):
                if seen["event"] == self.begins and began is None:
                    began = seen["boottime"]
                elif seen["event"] in self.ends and began is not None:
                    found.append((began, seen["boottime"]))
                    began = None
            if began is not None:
                found.append((began, until))
        return found


class PeerGroup(Group):
    """Members of tenure; up to five of them vote, the first three of more.

    Args:
        bench: see `Group`.
        addresses: see `Group`.
        lease_duration_s: T.
        kubeconfig: of the API server that they tell of a new leader; empty: they are alone.
        garbage_objects: so many objects on the heap of each, which the collector looks at every second.
        prefixes: see `Group`.
    """

    begins = "started"
    ends = ("lost", "stopped")

    def __init__(
        self,
        bench: Bench,
        addresses: Sequence[str],
        *,
        lease_duration_s: float = 2.0,
        kubeconfig: str = "",
        garbage_objects: int = 0,
        prefixes: Sequence[list[str]] = (),
    ) -> None:
        super().__init__(bench, addresses, prefixes)
        self._folder = tempfile.TemporaryDirectory()
        names = [f"peer-{number}" for number in range(len(addresses))]
        self._options = {
            "at": dict(zip(names, addresses, strict=True)),
            "voters": names if len(names) in (3, 5) else names[:3],
            "secret": str(write_secret(Path(self._folder.name))),
            "lease_duration_s": lease_duration_s,
            "kubeconfig": kubeconfig,
            "garbage_objects": garbage_objects,
        }

    def _make(self, number: int) -> CandidateProcess:
        return Peer(f"peer-{number}", self._options)


class DemocracyGroup(Group):
    """Members of democracy.js, as it comes: a hello every second, a vote after three without one."""

    begins = "elected"
    ends = ("resigned",)

    def _make(self, number: int) -> CandidateProcess:
        own = self.addresses[number]
        others = [address for address in self.addresses if address != own]
        return RealMember(f"member-{number}", own, peers=others, weight=100.0 - number)


def write_secret(folder: Path) -> Path:
    """Write a new secret of peers into a file there, and return its path."""
    path = folder / "secret"
    path.write_text(secrets.token_hex(32))
    return path
