"""Peers: what a user says of candidates that elect among themselves."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tenure.errors import ConfigurationError
from tenure.peer.discovery.discovery import Discovery
from tenure.peer.electorate import SIZES, Electorate
from tenure.peer.layout import LONGEST_NAME
from tenure.peer.registration import OnOutage
from tenure.timing import Timing

__all__ = ["DEFAULT_LEASE_S", "Peers"]

DEFAULT_LEASE_S = 2.0
"""T, where no timing is given."""
DEFAULT_PORT = 7411
_LONGEST_LEASE_SHARE = 1.25  # M, in leases
_ORDINAL = re.compile(r"(.+)-\d+")


class Peers:
    """How the candidates of an election find and trust each other, and which of them vote.

    Given as `where`, the peers are alone: no API server is needed, and a fencing token goes by the wall clock
    once all of them have restarted. Given as `peers`, each change of leader is written to the API, whose
    version of that write is the token.

    Args:
        name: of the election, where peers are alone; else it is that of the lock.
        at: where they are, as ``--peers`` takes it (docs/peers.md), a list of ``HOST:PORT``, names with
            theirs, or one of `tenure.peer.discovery`.
        voters: the names of those that vote, 3 or 5; a number means the first ordinals of this candidate's
            StatefulSet; None: all that `at` names, if these are 1, 3 or 5.
        secret: path of the file with the shared secret (docs/peer-wire.md).
        listen: ``HOST:PORT`` to receive datagrams at; None: port 7411 of ``POD_IP``, else of all interfaces.
        namespace: of the election, where peers are alone; None: ``POD_NAMESPACE``, else ``default``.
        previous_voters: those of the epoch before, while voters change.
        voters_epoch: raised with every change of voters.
        longest_lease: M, seconds that a voter is silent after its start; None: 5/4 of the lease. Raise it
            everywhere before the lease is raised, and lower it after the lease was lowered everywhere: a
            voter that restarts would grant the lease anew while somebody still holds a longer one.
        on_outage: what a new leader does if the API server does not answer: ``"wait"`` until it does, or
            ``"elect"``: lead without a token, which every fence refuses.

    Raises:
        ConfigurationError: the arguments cannot work; the message names them.
    """

    def __init__(
        self,
        name: str = "",
        *,
        at: str | Sequence[str] | Mapping[str, str] | Discovery,
        voters: int | Sequence[str] | None = None,
        secret: str | Path,
        listen: str | None = None,
        namespace: str | None = None,
        previous_voters: Sequence[str] = (),
        voters_epoch: int = 0,
        longest_lease: float | None = None,
        on_outage: OnOutage = "wait",
    ) -> None:
        if on_outage not in ("wait", "elect"):
            raise ConfigurationError(f"on_outage must be 'wait' or 'elect', not {on_outage!r}.")
        if isinstance(voters, str) or isinstance(previous_voters, str):
            raise ConfigurationError("voters and previous_voters must be lists of names, not one text.")
        self.name = name
        self.namespace = namespace or os.environ.get("POD_NAMESPACE") or "default"
        self.discovery = _discovery(at)
        self.secret = Path(secret)
        self.listen = listen
        self.on_outage: OnOutage = on_outage
        self._voters = voters
        self._previous_voters = tuple(previous_voters)
        self._voters_epoch = voters_epoch
        self._longest_lease = longest_lease

    def electorate(self, identity: str, timing: Timing) -> Electorate:
        """Return who votes, as a candidate of this name sees it.

        Raises:
            ConfigurationError: the voters are not known, or cannot be these.
        """
        longest = self._longest_lease
        voters = self._names(identity)
        for name in (identity, *voters, *self._previous_voters):
            if len(name.encode()) > LONGEST_NAME:
                raise ConfigurationError(
                    f"a peer's name has at most {LONGEST_NAME} bytes: {name[:40]!r}… has more."
                )
        electorate = Electorate(
            voters=voters,
            previous=self._previous_voters,
            epoch=self._voters_epoch,
            lease=timing.lease_duration,
            longest_lease=_LONGEST_LEASE_SHARE * timing.lease_duration if longest is None else longest,
            clock_rate_bound=timing.clock_rate_bound,
        )
        self._check_known(voters)
        self._check_port(identity)
        return electorate

    def _names(self, identity: str) -> tuple[str, ...]:
        voters = self._voters
        if voters is None:
            voters = self.discovery.names()
            if len(voters) not in (1, 3, 5):
                raise ConfigurationError(
                    f"voters are needed: {self.discovery.describe()} names {len(voters)} peers, and 3 or 5 "
                    "of them vote, always the same: name these, or give their number in a StatefulSet."
                )
            if identity not in voters and not _are_of_one_set((identity, *voters)):
                raise ConfigurationError(
                    f"this candidate is called {identity!r:.80}, and {self.discovery.describe()} names "
                    f"{', '.join(voters)}: give it its name there (--id, or identity), or name the voters."
                )
        if isinstance(voters, int):
            ordinal = _ORDINAL.fullmatch(identity)
            if ordinal is None:
                raise ConfigurationError(
                    f"voters={voters} means the first Pods of a StatefulSet, but {identity!r} is none "
                    "(NAME-0, NAME-1, …): name the voters instead."
                )
            return tuple(f"{ordinal[1]}-{number}" for number in range(voters))
        return tuple(voters)

    def _check_known(self, voters: tuple[str, ...]) -> None:
        """Refuse what nobody could ever find or have elected; names are not known beforehand everywhere."""
        known = self.discovery.names()
        missing = [name for name in voters if name not in known]
        if known and missing:
            raise ConfigurationError(
                f"{', '.join(missing)} cannot vote: {self.discovery.describe()} names {', '.join(known)}."
            )
        if self._previous_voters and len(self._previous_voters) not in SIZES:
            raise ConfigurationError(
                f"name all that voted before, which were 3 or 5: not {', '.join(self._previous_voters)}."
            )

    def _check_port(self, identity: str) -> None:
        """Refuse to listen, by default, where nobody looks."""
        from tenure.peer.discovery.static import StaticPeers

        known = self.discovery.port_of(identity) if isinstance(self.discovery, StaticPeers) else None
        if self.listen is None and known not in (None, DEFAULT_PORT):
            raise ConfigurationError(
                f"the others look for {identity!r:.80} at port {known}, and it would listen at "
                f"{DEFAULT_PORT}: say where (--peers-listen, or listen), such as :{known}."
            )


def _are_of_one_set(names: Iterable[str]) -> bool:
    """Whether these are Pods of one StatefulSet: it may be larger than its voters are many."""
    ordinals = [_ORDINAL.fullmatch(name) for name in names]
    return None not in ordinals and len({ordinal[1] for ordinal in ordinals if ordinal}) == 1


def _discovery(at: str | Sequence[str] | Mapping[str, str] | Discovery) -> Discovery:
    # Imported late: an elector that has no peers imports this module, too.
    from tenure.peer.discovery.parse import parse_discovery
    from tenure.peer.discovery.static import StaticPeers

    if isinstance(at, str):
        return parse_discovery(at)
    if isinstance(at, Mapping | Sequence):
        return StaticPeers(at)
    return at
