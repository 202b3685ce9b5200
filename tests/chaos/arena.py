"""The arena: the servers, the candidates in one election, and the referee."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.chaos.candidates import Candidate, Rules
from tests.chaos.judgement import Emptying
from tests.chaos.place import Place
from tests.chaos.referee import Referee
from tests.cluster.server import Cluster

__all__ = ["CANDIDATES", "Arena"]

CANDIDATES = ("asyncio", "blocking", "sidecar", "client-go", "asyncio")

_ADMIN_TIMEOUT_S = 2.0


class Arena:
    """Everything that is under chaos, for the time of the block; the candidates campaign from its begin on.

    Args:
        cluster: a running one; a fault of the nemesis stops it for everybody, so it should be nobody else's.
        folder: for logs and the referee's socket; stays.
        kinds: of the candidates.

    Attributes:
        emptyings: when an administrator emptied the holder.
    """

    def __init__(self, cluster: Cluster, folder: Path, kinds: Sequence[str] = CANDIDATES) -> None:
        self.cluster, self.folder = cluster, folder
        self.referee = Referee(folder / "referee")
        self.candidates: list[Candidate] = []
        self.emptyings: list[Emptying] = []
        self._kinds = kinds
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as exits:
            namespace = self.cluster.namespace(f"chaos-{secrets.token_hex(4)}")
            self.rules = Rules(namespace, self.referee.path)
            exits.enter_context(self.referee)
            for number, kind in enumerate(self._kinds):
                candidate = self._candidate(f"{chr(ord('a') + number)}-{kind}", kind)
                exits.callback(candidate.kill)
                self.candidates.append(candidate)
                candidate.start()
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

    def _candidate(self, name: str, kind: str) -> Candidate:
        place = Place(self.cluster.admin_kubeconfig)
        return Candidate(name, kind, place, self.rules, self.folder)
