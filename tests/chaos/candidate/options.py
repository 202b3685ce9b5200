"""Options: what every candidate's program is told, and how it says what happens to it."""

from __future__ import annotations

import argparse
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tenure import LeaseLock, Peers, Timing
from tenure.clock import boot_time
from tenure.locks.peers import PeersLock
from tenure.token import FencingToken
from tests.chaos.act import Actor
from tests.chaos.candidate.writer import Writer

__all__ = ["REFUSED", "Options", "log_to_stderr", "options"]

REFUSED = 3
"""Exit status: the API server refused this identity before the first read (as `tenure sidecar` has it)."""


@dataclass(frozen=True)
class Options:
    """What a candidate is told; durations in seconds.

    Attributes:
        peers: how to find them, as ``tenure sidecar --peers`` takes it; None: they elect by a Lease.
        peers_secret: the file of their secret.
        peers_voters: the names of those that vote, with commas.
        peers_alone: they have no API server.
        store: the socket of the fenced store that the leader writes to; None: there is none.
    """

    who: str
    identity: str
    kubeconfig: Path
    namespace: str
    name: str
    referee: Path
    lease_duration: float
    renew_deadline: float
    renew_period: float
    retry_period: float
    peers: str | None
    peers_secret: Path | None
    peers_voters: str
    peers_alone: bool
    store: Path | None

    @property
    def timing(self) -> Timing:
        """The durations, for a candidate of tenure."""
        return Timing(
            lease_duration=self.lease_duration,
            renew_deadline=self.renew_deadline,
            renew_period=self.renew_period,
            retry_period=self.retry_period,
        )

    @property
    def elector(self) -> dict[str, Any]:
        """What an elector of tenure, of either facade, is made with."""
        common: dict[str, Any] = {"identity": self.identity, "timing": self.timing}
        if self.peers is None:
            lock = LeaseLock(self.name, self.namespace, kubeconfig=self.kubeconfig)
            return {**common, "where": lock, "on_missing": "wait"}
        assert self.peers_secret is not None
        peers = Peers(
            self.name if self.peers_alone else "",
            at=self.peers,
            voters=self.peers_voters.split(","),
            secret=self.peers_secret,
            namespace=self.namespace,
        )
        if self.peers_alone:
            return {**common, "where": peers}
        lock = PeersLock(self.name, self.namespace, kubeconfig=self.kubeconfig)
        return {**common, "where": lock, "peers": peers}

    @property
    def election(self) -> str:
        """What its fencing tokens belong to."""
        return f"{self.namespace}/{self.name}"

    def actor(self, kind: str) -> Actor:
        """Return the one that acts for this process."""
        return Actor(self.referee, self.who, kind)

    def writer(self, token: FencingToken, left_s: Callable[[], float]) -> Writer:
        """Begin to write to the store, if there is one."""
        return Writer(self.store, self.who, token, left_s)


def options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    for name in ("who", "identity", "namespace", "name"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("kubeconfig", "referee"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("lease-duration", "renew-deadline", "renew-period", "retry-period"):
        parser.add_argument(f"--{name}", type=float, required=True)
    parser.add_argument("--peers")
    parser.add_argument("--peers-voters", default="")
    parser.add_argument("--peers-alone", action="store_true")
    for name in ("peers-secret", "store"):
        parser.add_argument(f"--{name}", type=Path)
    return Options(**vars(parser.parse_args()))


def log_to_stderr() -> None:
    """Log every change of state with the boot time, which is the time that the referee judges by."""
    handler = logging.StreamHandler()
    handler.setFormatter(_BootTimeFormatter("%(asctime)s %(levelname)s %(message)s"))
    logger = logging.getLogger("tenure")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)


class _BootTimeFormatter(logging.Formatter):
    def formatTime(self, record: logging.LogRecord, datefmt: str | None = None) -> str:  # noqa: N802
        return f"{boot_time():.3f}"
