"""The arena of peers: the switch, the candidates on it, the referee, and what hybrid mode needs."""

from __future__ import annotations

import dataclasses
import secrets
import shutil
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from string import ascii_lowercase
from types import TracebackType
from typing import Any, Self

from tests.chaos.candidates import Candidate
from tests.chaos.network import WIRE_FAULTS, NetworkFault, Place
from tests.chaos.peers.api_server import ApiServer
from tests.chaos.peers.candidates import PeerCandidate, PeerRules
from tests.chaos.peers.switch import Switch
from tests.chaos.peers.troubles import PEER_FAULTS
from tests.chaos.referee import Referee
from tests.chaos.store import Store
from tests.chaos.wall_clock import WallClock, WallClockUnavailableError, build_library
from tests.cluster.folder import create_folder, remove_folder

__all__ = ["CANDIDATES", "PeerArena"]

CANDIDATES = ("asyncio", "blocking", "sidecar", "asyncio", "blocking")
VOTERS = 3

_PORT = 7411
_FAULTS = {**WIRE_FAULTS, **PEER_FAULTS}
_NAMESPACE = "chaos"


class PeerArena:
    """Everything that is under chaos, for the time of the block.

    Args:
        folder: for logs and sockets; stays.
        kinds: of the candidates, of which the first three vote; they are made, not started.
        hybrid: there is an API server, and a fenced store that the leader writes to.

    Attributes:
        candidates: each in a namespace of its own.
        switch: connects them; its ports are the candidates, in that order, and then the API server.
        api: the API server; None: the peers are alone.
        store: what leaders write to; None: the same.
        clocks: the wall clock of each candidate, by its name.
        left_out: what cannot be done on this machine, and why.
    """

    def __init__(self, folder: Path, kinds: Sequence[str] = CANDIDATES, *, hybrid: bool) -> None:
        self.folder = folder
        self.referee = Referee(folder / "referee")
        self.candidates: list[Candidate] = []
        self.clocks: dict[str, WallClock] = {}
        self.left_out: list[str] = []
        self.api: ApiServer | None = None
        self.store: Store | None = None
        self._hybrid = hybrid
        self._kinds = {f"{letter}-{kind}": kind for letter, kind in zip(ascii_lowercase, kinds, strict=False)}
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        """Open it.

        Raises:
            SwitchUnavailableError: there are no network namespaces here.
        """
        with ExitStack() as exits:
            exits.enter_context(self.referee)
            private = create_folder()
            exits.callback(remove_folder, private)
            self.switch = Switch(private)
            self.switch.start(len(self._kinds) + self._hybrid)
            exits.callback(self.switch.stop)
            if self._hybrid:
                self.api = ApiServer(self.switch.ports[-1], self.folder)
                self.api.start()
                exits.callback(self.api.stop)
                self.store = exits.enter_context(Store(self.folder / "store"))
            self.rules = self._rules(private / "secret")
            library = self._clock_library()
            for number, name in enumerate(self._kinds):
                exits.callback(self._add(number, name, library).kill)
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

    @property
    def voters(self) -> list[Candidate]:
        """Those that vote."""
        return self.candidates[:VOTERS]

    def start(self) -> None:
        """Start all candidates."""
        for candidate in self.candidates:
            candidate.start()

    def keep(self) -> None:
        """Start candidates again that have ended by themselves."""
        for candidate in self.candidates:
            candidate.keep()

    def administer(self, method: str, body: Any = None) -> Any:
        """Make a call about the object that says who was elected, as administrator.

        Raises:
            OSError: there was no answer, or an error.
        """
        assert self.api is not None
        path = f"/api/v1/namespaces/{self.rules.namespace}/configmaps/{self.rules.name}"
        return self.api.request(method, path, body)

    def _rules(self, secret: Path) -> PeerRules:
        secret.write_text(secrets.token_hex(32))
        names = list(self._kinds)
        places = zip(names, self.switch.ports, strict=False)
        return PeerRules(
            namespace=_NAMESPACE,
            referee=self.referee.path,
            peers=",".join(f"{name}={port.address}:{_PORT}" for name, port in places),
            peers_secret=secret,
            peers_voters=",".join(names[:VOTERS]),
            peers_alone=not self._hybrid,
            store=self.store.path if self.store else None,
        )

    def _add(self, number: int, name: str, library: Path | None) -> Candidate:
        place = self._place(number, name)
        if library is not None:
            clock = self.clocks[name] = WallClock(library, self.folder, name)
            place = dataclasses.replace(place, environment={**place.environment, **clock.environment})
        candidate = PeerCandidate(name, self._kinds[name], place, self.rules, self.folder)
        self.candidates.append(candidate)
        return candidate

    def _place(self, number: int, name: str) -> Place:
        port = self.switch.ports[number]
        return Place(
            name=name,
            command_prefix=[str(shutil.which("nsenter")), f"--net={port.namespace}"],
            kubeconfig=self.api.kubeconfig if self.api else Path("/dev/null"),
            mount=self.folder,
            environment={"POD_IP": port.address},
            faults=tuple(
                NetworkFault(fault, self.switch, number, name, choose) for fault, choose in _FAULTS.items()
            ),
        )

    def _clock_library(self) -> Path | None:
        try:
            return build_library(self.folder)
        except WallClockUnavailableError as error:
            self.left_out.append(f"stepped wall clocks: {error}")
            return None
