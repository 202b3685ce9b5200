"""The guard itself: the outermost process, and the last that ends.

It is the parent of the supervisor and, as a subreaper or as PID 1, of everything that the program leaves
behind when the supervisor is gone. It waits for the next deadline, for the end of the pipe over which it is
told of new ones, and for signals, which it passes on. At the deadline or at the end it kills all below it.
"""

from __future__ import annotations

import os
import select
import sys
import time

from tenure.guard.cgroup import Cgroup, make_cgroup
from tenure.guard.linux import become_subreaper
from tenure.guard.memory import give_back_file_pages
from tenure.guard.processes import Process, below, kill
from tenure.guard.signals import passed_on, signal
from tenure.guard.voice import say
from tenure.timerfd import CLOCK, open_timerfd, set_timerfd

__all__ = ["stand_guard"]

_EXIT_STATUS = 70
"""tenure itself was killed, or stopped or starved until the term had run out (``EX_SOFTWARE``)."""
_EXIT_STATUS_USAGE = 2
_NEVER = float("inf")
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.002, 0.5
_TELL_AFTER_S = 5.0


def stand_guard(variable: str, command: list[str]) -> int:
    """Run `command` below this process, as its supervisor, and return the exit status after the last is dead.

    Args:
        variable: tells the supervisor, in its environment, the descriptor over which it tells deadlines.
        command: is executed by the interpreter that runs this.
    """
    try:
        os.close(os.pidfd_open(os.getpid()))
        become_subreaper()
        timer = open_timerfd()
    except (OSError, AttributeError) as error:
        say(f"run needs Linux 5.3 or newer: {error}")
        return _EXIT_STATUS_USAGE
    reading, writing = os.pipe()
    numbers, cgroup = passed_on(), make_cgroup()
    # Whoever signals us does not know that we are two: what comes from here on waits for the handlers.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {*numbers, signal.SIGCHLD})
    supervisor = os.fork()
    if supervisor == 0:
        become_subreaper()
        # A session of its own: what a terminal or a `kill -STOP -GROUP` sends to ours reaches the guard only,
        # and no terminal stops the supervisor for having said something in the background (`stty tostop`).
        os.setsid()
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.set_inheritable(writing, True)
        os.environ[variable] = f"{writing}:{cgroup.path if cgroup else ''}"
        os.execv(sys.executable, command)
    os.close(writing)
    guard = _Guard(supervisor, reading, timer, numbers, cgroup)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    give_back_file_pages()
    return guard.until_the_end()


class _Guard:
    def __init__(
        self, supervisor: int, pipe: int, timer: int, numbers: tuple[int, ...], cgroup: Cgroup | None
    ) -> None:
        self._supervisor = supervisor
        self._pipe = pipe
        self._timer = timer
        self._passed_on = numbers
        self._cgroup = cgroup
        self._deadline = _NEVER
        self._is_cut = False
        self._status: int | None = None  # of the supervisor, as `os.waitpid` tells it
        self._signals, writing = os.pipe()
        for fd in (pipe, self._signals, writing):
            os.set_blocking(fd, False)
        signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
        for number in (*numbers, signal.SIGCHLD):
            signal.signal(number, _wake_up)
        self._poll = select.poll()
        for fd in (pipe, timer, self._signals):
            self._poll.register(fd, select.POLLIN)

    def until_the_end(self) -> int:
        """Wait for the end, kill and reap everything, and return the exit status."""
        while self._status is None and not self._is_cut and not self._is_late():
            self._poll.poll()
            self._pass_signals_on()
            self._read_deadlines()
            self._reap()
        was_late = self._is_late()
        self._kill_everything()
        return self._verdict(was_late)

    def _is_late(self) -> bool:
        return _now() >= self._deadline

    def _pass_signals_on(self) -> None:
        for number in _read(self._signals):
            if number in self._passed_on and self._status is None:
                os.kill(self._supervisor, number)  # it was not waited for yet, so that the number is its own

    def _read_deadlines(self) -> None:
        """Take the newest one, whatever woke us: a deadline counts only if there is no later one."""
        try:
            message = os.read(self._pipe, 65536)
        except BlockingIOError:
            return
        if not message:
            self._is_cut = True
            return
        self._deadline = float(message.split()[-1])
        set_timerfd(self._timer, None if self._deadline == _NEVER else self._deadline)

    def _reap(self) -> bool:
        """Wait for all who have ended; return whether there are children left."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return False
            if pid == 0:
                return True
            if pid == self._supervisor:
                self._status = status

    def _kill_everything(self) -> None:
        """Kill until there is no child: then there is no descendant either, since each would be ours."""
        began, pause_s, told = time.monotonic(), _FIRST_PAUSE_S, False
        while self._reap():
            if self._cgroup:
                self._cgroup.kill()
            for process in (left := _left()):
                kill(process)
            if os.getpid() == 1:
                _kill_all_others()
            if left and not told and time.monotonic() - began > _TELL_AFTER_S:
                told = True
                pids = " ".join(str(process.pid) for process in left)
                say(f"waiting for processes that SIGKILL has not ended yet: {pids}")
            time.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)
        if self._cgroup:
            self._cgroup.remove()

    def _verdict(self, was_late: bool) -> int:
        status = self._status or 0
        if was_late:
            late_s = _now() - self._deadline
            say(f"stopped or starved until the term had run out: everything was dead {late_s:.1f} s later")
            return _EXIT_STATUS
        if os.WIFEXITED(status):
            return os.WEXITSTATUS(status)
        number = os.WTERMSIG(status)
        if number in self._passed_on:
            return 128 + number
        say(f"the supervisor was killed by signal {number}, and everything below it after it")
        return _EXIT_STATUS


def _left() -> list[Process]:
    try:
        return below(os.getpid())
    except OSError:
        return []  # it cannot be looked now; there are children, so it will be tried again


def _kill_all_others() -> None:
    """PID 1 takes its namespace along anyway; so do what nobody escapes who forks while others look."""
    try:
        os.kill(-1, signal.SIGKILL)
    except ProcessLookupError:
        pass  # there are no others


def _read(fd: int) -> bytes:
    try:
        return os.read(fd, 65536)
    except BlockingIOError:
        return b""


def _wake_up(*_: object) -> None:
    """What is to be done is done when the number is read from the wakeup pipe."""


def _now() -> float:
    return time.clock_gettime(CLOCK)  # type: ignore[arg-type]  # a timer could be opened on it
