"""The referee: hears every act of every candidate."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from tenure.clock import boot_time
from tests.chaos.act import Act, decode

__all__ = ["Referee"]

_LARGEST_DATAGRAM = 1 << 20
_RECENT_S = 0.5


class Referee:
    """Collects the acts that are told to the socket at `path`, for the time of the block."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._acts: list[Act] = []
        self._early: list[Act] = []
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._thread = threading.Thread(target=self._listen, name="referee")

    def __enter__(self) -> Self:
        self._socket.bind(str(self.path))
        self._socket.settimeout(0.1)
        self._is_closing = False
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_closing = True
        self._thread.join()
        self._socket.close()

    @property
    def acts(self) -> Sequence[Act]:
        """All acts so far, in the order in which they were heard."""
        return list(self._acts)

    @property
    def untimely(self) -> Sequence[Act]:
        """Acts that came before their own time: the clock of their process was not boot time."""
        return list(self._early)

    @property
    def leader(self) -> str:
        """Who acted last; empty: nobody did for a while."""
        latest = self._acts[-1:]
        return latest[0].who if latest and boot_time() - latest[0].after < _RECENT_S else ""

    def wait_for_act(self, since: float, timeout_s: float, *, who: str = "") -> bool:
        """Wait until somebody (or `who`) has acted after `since` (boot time); return whether it happened."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if any(act.before > since and who in ("", act.who) for act in self._acts[-200:]):
                return True
            time.sleep(0.05)
        return False

    def _listen(self) -> None:
        while not self._is_closing:
            try:
                acts = decode(self._socket.recv(_LARGEST_DATAGRAM))
            except TimeoutError:
                continue
            heard = boot_time()
            self._early += [act for act in acts if act.after > heard]
            self._acts += acts
