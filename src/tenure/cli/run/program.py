"""Program: one run of COMMAND, from its start until nothing of it is left."""

from __future__ import annotations

import asyncio
import math
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from tenure.cli.run import launcher
from tenure.clock import BootTimer, boot_time
from tenure.guard.cgroup import Cgroup
from tenure.guard.processes import Process, below, kill
from tenure.guard.signals import passed_on
from tenure.kubernetes.exec_plugin import plugins_at_work

__all__ = ["Program"]

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.05


class Program:
    """Runs COMMAND in a session and process group of its own, with this process's standard streams.

    Args:
        command: its name, which is looked up in PATH, and its arguments.
        environment: its whole environment.
        grace_s: how long it may take to end when it is told to.
        kill_by: boot time in seconds at which it is killed if it has been told to end; see `renew`.
        cgroup: where it is to run; None: where this process does.

    Raises:
        OSError: no process can be started.
    """

    def __init__(
        self,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        grace_s: float,
        kill_by: float,
        cgroup: Cgroup | None,
    ) -> None:
        self._grace_s = grace_s
        self._kill_by = kill_by
        self._cgroup = cgroup
        self._told_at = math.inf
        loop = asyncio.get_running_loop()
        self._exited: asyncio.Future[int] = loop.create_future()
        self._time_is_up = asyncio.Event()
        self._timer = BootTimer(self._time_is_up.set)
        self._process = _start(command, environment, cgroup.path if cgroup else "")
        self._fd = os.pidfd_open(self._process.pid)
        loop.add_reader(self._fd, self._exit)

    @property
    def was_told(self) -> bool:
        """Whether it was told to end."""
        return self._told_at < math.inf

    def renew(self, kill_by: float) -> None:
        """Its term goes on: `kill_by` (boot time, seconds) is later now."""
        self._kill_by = kill_by
        self._set_timer()

    def pass_on(self, number: int) -> None:
        """Send a signal to its process group; what has a group of its own does not get it."""
        try:
            os.killpg(self._process.pid, number)
        except (ProcessLookupError, PermissionError):
            pass  # nobody is left there; or nobody who listens to us (setuid)

    def end(self, number: int = signal.SIGTERM) -> None:
        """Tell it to end; when it has used up its grace, or at the time to kill it, it is killed."""
        if self._exited.done() and not self.was_told:
            return  # it has ended by itself, and what it left behind is being killed
        self._told_at = min(self._told_at, boot_time())
        self.pass_on(number)
        self._set_timer()

    def kill(self) -> None:
        """Kill it now, and all that it has started."""
        self._told_at = min(self._told_at, boot_time())
        self._time_is_up.set()

    async def until_nothing_is_left(self) -> int:
        """Wait for its end, kill what it leaves behind, and return its status: 128+n if a signal ended it.

        What it has started may use the grace, too, if it was told to end.
        """
        time_is_up = asyncio.create_task(self._time_is_up.wait(), name="tenure time to kill")
        try:
            either: set[asyncio.Future[Any]] = {self._exited, time_is_up}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            while self.was_told and not time_is_up.done() and _left() != []:
                await asyncio.wait({time_is_up}, timeout=_LONGEST_PAUSE_S)
            await self._kill_everything()
            status = await self._exited
        finally:
            time_is_up.cancel()
            self._timer.close()
        return status if status >= 0 else 128 - status

    async def _kill_everything(self) -> None:
        pause_s, looks_that_found_nothing = _FIRST_PAUSE_S, 0
        while looks_that_found_nothing < 2:
            left = _left()
            if left == []:
                looks_that_found_nothing += 1
            else:
                looks_that_found_nothing = 0
                if self._cgroup:
                    self._cgroup.kill()
                for process in left or ():
                    kill(process)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    def _set_timer(self) -> None:
        if self.was_told:
            self._timer.set(min(self._told_at + self._grace_s, self._kill_by))

    def _exit(self) -> None:
        asyncio.get_running_loop().remove_reader(self._fd)
        os.close(self._fd)
        self._exited.set_result(self._process.wait())


def _left() -> list[Process] | None:
    """Return what is alive below this process; what asks for its credentials is none of the program's.

    None: there are no descriptors or no memory to look with, so that it is not known.
    """
    try:
        return below(os.getpid(), spared=plugins_at_work())
    except OSError:
        return None


def _start(command: Sequence[str], environment: Mapping[str, str], cgroup: str) -> subprocess.Popen[bytes]:
    # A signal that comes before COMMAND has begun waits for it: the launcher could not answer it.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, passed_on())
    try:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", launcher.__file__, str(os.getpid()), cgroup, *command],
            env=environment,
            start_new_session=True,
            close_fds=False,  # tenure's own are closed by the kernel; what else was handed to us is COMMAND's
        )
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
