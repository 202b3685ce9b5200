"""The tests' own way to the API server, in a process of its own, where a request can meet with accidents."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tests.chaos.carrier import Carrier

__all__ = ["Door", "Proxy"]

PROCESS = "tests.chaos.proxy_process"


@dataclass(frozen=True, kw_only=True)
class Door:
    """Where the candidate of one place finds the API server.

    Attributes:
        address: of the proxy.
        port: the same.
        namespace: a file that stands for the network namespace of the place; "": it has none.
    """

    address: str
    port: int
    namespace: str


class Proxy(Carrier):
    """The process of the proxy.

    Each place has a door of its own. Where network namespaces can be had, the only way from a place to its
    door is a `Wire`.

    Args:
        folder: for its files; nobody else may read it, for it holds a private key.
        upstream: URL of the API server.
        authority: PEM file of the authority that the API server's certificate is checked against.
        certificate: PEM file with certificate and key, for `addresses`.
    """

    def __init__(self, folder: Path, *, upstream: str, authority: Path, certificate: Path) -> None:
        settings = {"upstream": upstream, "authority": str(authority), "certificate": str(certificate)}
        super().__init__(PROCESS, folder, settings)
        self.doors: list[Door] = []
        self.lacking = ""  # why there are no network namespaces; "": there are

    def start(self, places: int, *, namespaces: bool = True) -> None:
        """Start it with so many doors; without `namespaces` they are on loopback.

        Raises:
            CarrierError: it does not start; names the reason.
        """
        told = self.launch(places=places, namespaces=namespaces)
        self.doors = [Door(**door) for door in told["doors"]]
        self.lacking = told["lacking"]
