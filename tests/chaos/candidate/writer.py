"""Writer: writes to the fenced store in the belief that its process leads, in a thread of its own."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

from tenure import StaleTokenError
from tenure.token import FencingToken
from tests.chaos.act import ACT_PERIOD_S
from tests.chaos.store import write

__all__ = ["Writer"]


class Writer:
    """Looks at its term, and writes a moment later, over and over, until it is ended.

    The moment is the gap that no elector can close: a process that is frozen in it writes when it wakes,
    whatever has become of its term. Only the fence can refuse that.

    Args:
        store: the path of its socket; None: there is none, and nothing is written.
        who: the candidate.
        token: of the term.
        left_s: tells for how many seconds the term is valid.
    """

    def __init__(
        self, store: Path | None, who: str, token: FencingToken, left_s: Callable[[], float]
    ) -> None:
        self._who, self._token, self._left_s = who, token, left_s
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        if store is not None:
            self._thread = threading.Thread(target=self._write, args=(store,), daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Write no more; returns when the last write is done."""
        self._over.set()
        if self._thread is not None:
            self._thread.join()

    def _write(self, store: Path) -> None:
        while not self._over.is_set() and self._left_s() > 0:
            time.sleep(ACT_PERIOD_S)
            try:
                write(store, self._who, self._token)
            except StaleTokenError:
                return
