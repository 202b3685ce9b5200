"""Complaint: a fault that lasts is logged once, and once more when it is over."""

from __future__ import annotations

import logging
from collections.abc import Callable

__all__ = ["Complaint"]

_log = logging.getLogger("tenure")


class Complaint:
    """What is wrong with one way to find peers, for the logger ``tenure``.

    Args:
        describe: returns what the way is, for people.
        meanwhile: what happens as long as it is wrong.
    """

    def __init__(
        self, describe: Callable[[], str], *, meanwhile: str = "the peers that are known stay"
    ) -> None:
        self._describe = describe
        self._meanwhile = meanwhile
        self._kind = ""

    def say(self, fault: str, kind: str) -> None:
        """Log the fault, unless the last one was of the same kind."""
        if kind != self._kind:
            _log.warning("%s: %s; %s", self._describe(), fault, self._meanwhile)
        self._kind = kind

    def over(self) -> None:
        """Log that nothing is wrong any more, if something was."""
        if self._kind:
            _log.info("%s: all is well again", self._describe())
        self._kind = ""
