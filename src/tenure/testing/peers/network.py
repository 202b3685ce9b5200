"""Network: carries datagrams between simulated peers: late, twice, in another order, or not at all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Protocol

from tenure.peer.membership import Address
from tenure.peer.messages import Envelope
from tenure.testing.schedule import Schedule

__all__ = ["CALM", "Host", "Network", "Weather"]

_QUICKEST_S = 0.0002
_MEAN_EXCESS_S = 0.0005


@dataclass(frozen=True)
class Weather:
    """What happens to datagrams.

    Attributes:
        loss: share that is lost.
        duplication: share that arrives twice, the second time as late as any.
        lateness: share that is held up somewhere.
        late_s: for at most so long, in seconds.
    """

    loss: float = 0.0
    duplication: float = 0.0
    lateness: float = 0.0
    late_s: float = 0.0


CALM = Weather()


class Host(Protocol):
    """Who has an address."""

    @property
    def name(self) -> str:
        """Of the process."""
        ...

    @property
    def address(self) -> Address:
        """That it is reached at, and sends from."""
        ...

    def receive(self, envelope: Envelope, source: Address) -> None:
        """A datagram has arrived."""
        ...


class Network:
    """Datagrams on their way, and what stands in it.

    What is under way to an address reaches whoever has it by then: another process, or the next one.

    Args:
        schedule: of the simulation.
        random: of the simulation.

    Attributes:
        weather: everywhere, but for the processes that have their own.
        local_weather: by name of a process, for all that it sends and receives.
    """

    def __init__(self, schedule: Schedule, random: Random) -> None:
        self._schedule = schedule
        self._random = random
        self._hosts: dict[Address, Host] = {}
        self._cut: Counter[tuple[str, str]] = Counter()
        self.weather = CALM
        self.local_weather: dict[str, Weather] = {}

    def attach(self, host: Host) -> None:
        """Somebody is reached at its address from now on."""
        self._hosts[host.address] = host

    def detach(self, host: Host) -> None:
        """Nobody is reached there any more, unless somebody else has come."""
        if self._hosts.get(host.address) is host:
            del self._hosts[host.address]

    def cut(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Let nothing through from the first to the second of each pair of processes."""
        self._cut.update(pairs)

    def mend(self, pairs: Iterable[tuple[str, str]]) -> None:
        """End one cut of each pair."""
        for pair in pairs:
            self._cut[pair] -= 1
        self._cut = +self._cut

    def heal(self) -> None:
        """Let everything through again, in calm weather."""
        self._cut.clear()
        self.weather = CALM
        self.local_weather.clear()

    def send(self, sender: Host, to: Address, envelope: Envelope) -> None:
        """Carry a datagram."""
        receiver = self._hosts.get(to)
        name = receiver.name if receiver is not None else ""
        if (sender.name, name) in self._cut:
            return
        weather = self.local_weather.get(sender.name) or self.local_weather.get(name) or self.weather
        copies = 1 + (self._random.random() < weather.duplication)
        for _ in range(copies):
            if self._random.random() >= weather.loss:
                self._schedule.after(self._latency_s(weather), self._deliver, to, envelope, sender.address)

    def _latency_s(self, weather: Weather) -> float:
        if self._random.random() < weather.lateness:
            return self._random.random() * weather.late_s
        return _QUICKEST_S + self._random.expovariate(1 / _MEAN_EXCESS_S)

    def _deliver(self, to: Address, envelope: Envelope, source: Address) -> None:
        receiver = self._hosts.get(to)
        if receiver is not None:
            receiver.receive(envelope, source)
