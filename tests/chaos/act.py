"""Acts: what candidates do in the belief that they lead, as they tell it to the referee."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import astuple, dataclass
from pathlib import Path

from tenure.clock import boot_time

__all__ = ["ACT_PERIOD_S", "Act", "Actor", "decode"]

ACT_PERIOD_S = 0.02
_LARGEST_BACKLOG = 500  # acts that could not be told yet; fits into one datagram


@dataclass(frozen=True, slots=True)
class Act:
    """One act: at some moment between `before` and `after` the candidate found that it may act.

    Attributes:
        who: the candidate, which keeps its name through restarts and under other identities.
        kind: what it is made with: "asyncio", "blocking", "sidecar", "client-go".
        term: tells this term from every other, also from those of other processes of the same candidate.
        token: the fencing token; None: client-go has none.
        before: boot time in seconds, taken right before the term was checked.
        after: the same, right after.
        valid_for_s: for how long the term was found valid; infinite: client-go does not say.
    """

    who: str
    kind: str
    term: str
    token: int | None
    before: float
    after: float
    valid_for_s: float


def decode(datagram: bytes) -> list[Act]:
    """Return the acts of one datagram."""
    return [Act(*fields) for fields in json.loads(datagram)]


class Actor:
    """Acts for one process of a candidate, and tells the referee of it.

    Args:
        referee: the path of its socket; a path works across network namespaces.
        who: see `Act`.
        kind: see `Act`.
    """

    def __init__(self, referee: Path, who: str, kind: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        self._socket.connect(str(referee))
        self._who, self._kind = who, kind
        self._process = f"{os.getpid()}.{boot_time():.3f}"
        self._terms = 0
        self._token: int | None = None
        self._untold: list[Act] = []

    def begin(self, token: int | None) -> None:
        """A term begins: the acts that follow are made in it."""
        self._terms += 1
        self._token = token

    def act(self, valid_for_s: Callable[[], float]) -> bool:
        """Act if the term is valid; return whether it was.

        The clock is read on both sides of the check: however long the process is frozen in between, the
        moment of the check lies between the two.
        """
        before = boot_time()
        left_s = valid_for_s()
        after = boot_time()
        if left_s <= 0:
            return False
        term = f"{self._who}/{self._process}/{self._terms}"
        self._untold.append(Act(self._who, self._kind, term, self._token, before, after, left_s))
        self._tell()
        return True

    def _tell(self) -> None:
        """Send what is untold; a referee that is busy hears it with the next act, nobody waits for it."""
        try:
            self._socket.send(json.dumps([astuple(act) for act in self._untold]).encode())
        except BlockingIOError:
            del self._untold[:-_LARGEST_BACKLOG]
        else:
            self._untold.clear()
