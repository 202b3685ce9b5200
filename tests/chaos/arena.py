"""The arena: the servers, the candidates in one election, and the referee."""

from __future__ import annotations

import dataclasses
import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from string import ascii_lowercase
from types import TracebackType
from typing import Any, Self

from tests.chaos.candidates import Candidate, Rules
from tests.chaos.credentials import TokenFile
from tests.chaos.judgement import CLIENT_GO, Emptying
from tests.chaos.network import Network, Place
from tests.chaos.referee import Referee
from tests.chaos.wall_clock import WallClock, WallClockUnavailableError, build_library
from tests.cluster.server import Cluster, ServiceAccount

__all__ = ["CANDIDATES", "Arena"]

CANDIDATES = ("asyncio", "blocking", "sidecar", CLIENT_GO, "asyncio")

_ADMIN_TIMEOUT_S = 2.0
_MAY_ELECT = {
    "apiGroups": ["coordination.k8s.io"],
    "resources": ["leases"],
    "verbs": ["get", "create", "update", "watch"],
}


class Arena:
    """Everything that is under chaos, for the time of the block.

    Args:
        cluster: a running one; a fault of the nemesis stops it for everybody, so it should be nobody else's.
        folder: for logs and the referee's socket; stays.
        kinds: of the candidates; they are made, not started.

    Attributes:
        candidates: each at a place of its own, from which it finds the API server through a proxy.
        tokens: the token file of each candidate, by its name.
        clocks: the wall clock of each candidate that has one of its own, by its name.
        emptyings: when an administrator emptied the holder.
        left_out: what cannot be done on this machine, and why.
    """

    def __init__(self, cluster: Cluster, folder: Path, kinds: Sequence[str] = CANDIDATES) -> None:
        self.cluster, self.folder = cluster, folder
        self.referee = Referee(folder / "referee")
        self.candidates: list[Candidate] = []
        self.tokens: dict[str, TokenFile] = {}
        self.clocks: dict[str, WallClock] = {}
        self.emptyings: list[Emptying] = []
        self.left_out: list[str] = []
        self._kinds = {f"{letter}-{kind}": kind for letter, kind in zip(ascii_lowercase, kinds, strict=False)}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            namespace = self.cluster.namespace(f"chaos-{secrets.token_hex(4)}")
            account = self.cluster.service_account(namespace, "candidate", [_MAY_ELECT])
            self.rules = Rules(namespace, self.referee.path)
            exits.enter_context(self.referee)
            network = exits.enter_context(Network(self.cluster, account, list(self._kinds)))
            if network.lacking:
                self.left_out.append(f"cut networks and lost packets: {network.lacking}")
            library = self._clock_library()
            for place in network.places:
                exits.callback(self._add(place, account, library).kill)
            self._exits = exits.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._exits.close()

    @property
    def leader(self) -> Candidate | None:
        """The candidate that acted last, if one did lately."""
        who = self.referee.leader
        return next((each for each in self.candidates if each.name == who), None)

    def start(self) -> None:
        """Start all candidates."""
        for candidate in self.candidates:
            candidate.start()

    def keep(self) -> None:
        """Start candidates again that have ended by themselves."""
        for candidate in self.candidates:
            candidate.keep()

    def administer(self, method: str, body: Any = None) -> Any:
        """Make a call about the record as administrator, and return the answer.

        Raises:
            ApiError: the server answered with an error status.
            OSError: there was no answer in time; it may have been done all the same.
        """
        path = f"/apis/coordination.k8s.io/v1/namespaces/{self.rules.namespace}/leases/{self.rules.name}"
        return self.cluster.request(method, path, body, timeout_s=_ADMIN_TIMEOUT_S)

    def _add(self, place: Place, account: ServiceAccount, library: Path | None) -> Candidate:
        self.tokens[place.name] = TokenFile(self.cluster, account, place.mount / "token")
        kind = self._kinds[place.name]
        if library is not None and kind != CLIENT_GO:  # which asks the kernel for the time, not the library
            clock = self.clocks[place.name] = WallClock(library, self.folder, place.name)
            place = dataclasses.replace(place, environment={**place.environment, **clock.environment})
        candidate = Candidate(place.name, kind, place, self.rules, self.folder)
        self.candidates.append(candidate)
        return candidate

    def _clock_library(self) -> Path | None:
        try:
            return build_library(self.folder)
        except WallClockUnavailableError as error:
            self.left_out.append(f"stepped wall clocks: {error}")
            return None
