"""Switch: what connects the network namespaces of peers, in a process of its own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.carrier import Carrier

__all__ = ["Port", "Switch", "SwitchUnavailableError"]

PROCESS = "tests.chaos.peers.switch_process"


class SwitchUnavailableError(RuntimeError):
    """There are no network namespaces here; says why."""


@dataclass(frozen=True, kw_only=True)
class Port:
    """One place on the switch.

    Attributes:
        address: of the place; all places reach each other.
        namespace: a file that stands for its network namespace.
    """

    address: str
    namespace: str


class Switch(Carrier):
    """The process that carries each packet from one namespace to another, or does not.

    Args:
        folder: for its files.

    Attributes:
        ports: in the order of their numbers.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(PROCESS, folder, {})
        self.ports: list[Port] = []

    def start(self, ports: int) -> None:
        """Start it with so many ports.

        Raises:
            SwitchUnavailableError: namespaces cannot be had.
            CarrierError: it does not start; names the reason.
        """
        told = self.launch(ports=ports)
        self.ports = [Port(**port) for port in told["ports"]]
        if told["lacking"]:
            self.stop()
            raise SwitchUnavailableError(f"no network namespaces: {told['lacking']}")

    def cut(self, name: str, ways: Iterable[tuple[int, int]]) -> None:
        """Let nothing pass from one port to another, for all these pairs of numbers.

        Raises:
            CarrierError: it has ended.
        """
        self.tell({"do": "cut", "name": name, "ways": list(ways)})

    def mend(self, name: str) -> None:
        """Take back the cut of this name; without effect if there is none.

        Raises:
            CarrierError: it has ended.
        """
        self.tell({"do": "mend", "name": name})
