"""Options: what every candidate's program is told, and how it says what happens to it."""

from __future__ import annotations

import argparse
import logging
from dataclasses import dataclass
from pathlib import Path

from tenure import LeaseLock, Timing
from tenure.clock import boot_time
from tests.chaos.act import Actor

__all__ = ["REFUSED", "Options", "log_to_stderr", "options"]

REFUSED = 3
"""Exit status: the API server refused this identity before the first read (as `tenure sidecar` has it)."""


@dataclass(frozen=True)
class Options:
    """What a candidate is told; durations in seconds."""

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
    def lock(self) -> LeaseLock:
        """The election's lock, for a candidate of tenure."""
        return LeaseLock(self.name, self.namespace, kubeconfig=self.kubeconfig)

    def actor(self, kind: str) -> Actor:
        """Return the one that acts for this process."""
        return Actor(self.referee, self.who, kind)


def options() -> Options:
    """Read the command line."""
    parser = argparse.ArgumentParser()
    for name in ("who", "identity", "namespace", "name"):
        parser.add_argument(f"--{name}", required=True)
    for name in ("kubeconfig", "referee"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    for name in ("lease-duration", "renew-deadline", "renew-period", "retry-period"):
        parser.add_argument(f"--{name}", type=float, required=True)
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
