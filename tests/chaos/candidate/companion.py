"""Companion: a child process beside the one that acts, and the one way in which both end."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Sequence
from types import FrameType

from tests.cluster.process import start_process

__all__ = ["Companion"]


class Companion:
    """A child that campaigns for this process. It dies with this one; this one is to end when it has ended.

    Attributes:
        is_ending: SIGTERM has come: nothing may be done in the child's name any more.
    """

    def __init__(self, command: Sequence[str], *, reports: bool = False) -> None:
        self.is_ending = False
        signal.signal(signal.SIGTERM, self._terminated)
        stdout = subprocess.PIPE if reports else subprocess.DEVNULL
        self.process = start_process(command, stdout=stdout, stderr=sys.stderr.buffer)

    @property
    def is_useful(self) -> bool:
        """Whether the child runs and nobody asked for the end."""
        return not self.is_ending and self.process.poll() is None

    def end(self) -> int:
        """Let the child give up what it holds, and return its exit status."""
        if self.process.poll() is None:
            self.process.terminate()
        return self.process.wait()

    def _terminated(self, _number: int, _frame: FrameType | None) -> None:
        self.is_ending = True
