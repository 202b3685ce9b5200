"""Commands that go on until they are ended."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Any, Self

__all__ = ["Running"]

_GIVE_UP_S = 60.0  # a test that waits this long hangs; nothing is measured by it


class Running:
    """A running ``tenure`` command, whose output is read line by line; it is killed when the block ends.

    Args:
        arguments: of the command.
        kubeconfig: its ``KUBECONFIG``.
    """

    def __init__(self, *arguments: str, kubeconfig: Path) -> None:
        environment = {name: value for name, value in os.environ.items() if not name.startswith("KUBE")}
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tenure", *arguments],
            stdout=pipe,
            stderr=pipe,
            text=True,
            env={**environment, "KUBECONFIG": str(kubeconfig)},
        )
        self._stdout = _read(self.process.stdout)
        self._stderr = _read(self.process.stderr)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(_GIVE_UP_S)

    def line(self) -> str:
        """Wait for the next line on stdout."""
        return self._stdout.get(timeout=_GIVE_UP_S)

    def note(self) -> str:
        """Wait for the next line on stderr."""
        return self._stderr.get(timeout=_GIVE_UP_S)

    def end(self, number: signal.Signals) -> int:
        """Send a signal and wait; return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(_GIVE_UP_S)

    def has_said_all(self) -> bool:
        """Whether nothing is left to read; of a command that has ended."""
        return self._stdout.empty() and self._stderr.empty()


def _read(pipe: Any) -> queue.Queue[str]:
    lines: queue.Queue[str] = queue.Queue()

    def read() -> None:
        with pipe:
            for line in pipe:
                lines.put(line.rstrip("\n"))

    threading.Thread(target=read, daemon=True).start()
    return lines
