"""Faults that only peers can meet, beside those of `tests.chaos.faults`."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Callable, Sequence
from itertools import permutations

from tests.chaos.candidates import Candidate
from tests.chaos.carrier import CarrierError
from tests.chaos.cpu_quota import CpuQuota
from tests.chaos.peers.api_server import ApiServer
from tests.chaos.peers.arena import PeerArena
from tests.chaos.peers.switch import Switch

__all__ = ["EDITS", "Amnesia", "ApiFrozen", "ApiRefusing", "Deafness", "Edit", "Partition", "Throttled"]


class Amnesia:
    """Two or all three voters are killed at once, and start again: they remember no promise."""

    name = "voters killed together"

    def __init__(self, voters: Sequence[Candidate]) -> None:
        self._voters = voters
        self._killed: list[Candidate] = []

    def begin(self, rng: random.Random) -> str:
        """Kill them."""
        self._killed = rng.sample(list(self._voters), rng.choice((len(self._voters) - 1, len(self._voters))))
        for voter in self._killed:
            voter.kill()
        return f"killed {', '.join(voter.name for voter in self._killed)}"

    def end(self) -> None:
        """Start them."""
        for voter in self._killed:
            voter.start()


class Throttled:
    """A candidate may have only a little of a CPU, as a Pod with too low a limit."""

    name = "processor throttled"

    def __init__(self, victim: Candidate) -> None:
        self._victim = victim
        self._quota: CpuQuota | None = None

    def begin(self, rng: random.Random) -> str:
        """Throttle it."""
        share = rng.choice((0.01, 0.02, 0.05))
        self._quota = CpuQuota(share)
        self._quota.add(self._victim.processes)
        return f"{self._victim.name} has {share:.0%} of a CPU"

    def end(self) -> None:
        """Give it all that it wants."""
        if self._quota is not None:
            self._quota.close()


class Partition:
    """The places fall into two sides that do not hear each other, or one does not hear the other.

    Args:
        switch: that connects them.
        names: of its ports, in order.
        one_way: what the other side says is heard still.
    """

    def __init__(self, switch: Switch, names: Sequence[str], *, one_way: bool) -> None:
        self.name = "partitioned, one way" if one_way else "partitioned"
        self._switch = switch
        self._names = names
        self._one_way = one_way

    def begin(self, rng: random.Random) -> str:
        """Cut all ways from one side to the other."""
        ports = range(len(self._names))
        side = sorted(rng.sample(ports, rng.randrange(1, len(ports))))
        ways = [(source, target) for source in side for target in ports if target not in side]
        if not self._one_way:
            ways += [(target, source) for source, target in ways]
        self._switch.cut(self.name, ways)
        names = ", ".join(self._names[number] for number in side)
        return f"{names} not heard by the others{'' if self._one_way else ', and hear none of them'}"

    def end(self) -> None:
        """Let all hear each other."""
        with contextlib.suppress(CarrierError):
            self._switch.mend(self.name)


class Deafness:
    """Who hears whom is left to chance: two that do not hear each other may well reach the same voters.

    Args:
        switch: that connects them.
        names: of its ports, in order.
    """

    name = "some ways cut"

    def __init__(self, switch: Switch, names: Sequence[str]) -> None:
        self._switch = switch
        self._names = names

    def begin(self, rng: random.Random) -> str:
        """Cut every third way, more or less."""
        ways = [way for way in permutations(range(len(self._names)), 2) if rng.random() < 1 / 3]
        self._switch.cut(self.name, ways)
        return "not heard: " + ", ".join(f"{self._names[one]} by {self._names[other]}" for one, other in ways)

    def end(self) -> None:
        """Let all hear each other."""
        with contextlib.suppress(CarrierError):
            self._switch.mend(self.name)


class ApiFrozen:
    """SIGSTOP of the API server."""

    name = "API server frozen"

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def begin(self, rng: random.Random) -> str:
        """Freeze it."""
        self._api.freeze()
        return "froze the API server"

    def end(self) -> None:
        """Let it run on."""
        self._api.thaw()


class ApiRefusing:
    """The API server closes all connections and refuses new ones."""

    name = "API server refusing"

    def __init__(self, api: ApiServer) -> None:
        self._api = api

    def begin(self, rng: random.Random) -> str:
        """Let it refuse."""
        self._api.refuse()
        return "the API server refuses"

    def end(self) -> None:
        """Let it serve."""
        self._api.serve()


class Edit:
    """Somebody meddles with the object that says who was elected. Nothing is undone: nobody is to care."""

    def __init__(self, arena: PeerArena, kind: str) -> None:
        self._arena = arena
        self._edit = EDITS[kind]
        self.name = kind

    def begin(self, rng: random.Random) -> str:
        """Do it, unless the server refuses or does not answer."""
        try:
            return self._edit(self._arena)
        except OSError as error:
            return f"{self.name}, in vain: {error}"

    def end(self) -> None:
        """Nothing to undo."""


def _delete(arena: PeerArena) -> str:
    arena.administer("DELETE")
    return "deleted the record"


def _overwrite(arena: PeerArena) -> str:
    arena.administer("PATCH", {"data": {"elected": "stranger"}})
    return "named a stranger as elected"


EDITS: dict[str, Callable[[PeerArena], str]] = {
    "record deleted": _delete,
    "holder replaced by hand": _overwrite,
}
