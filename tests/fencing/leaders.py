"""Leaders in real processes, of which one is paused between its last check and its write."""

from __future__ import annotations

import signal
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drivers.processes import Child, child

__all__ = ["old_and_new"]

# The body is a thread's: nothing cancels it, as nothing calls back a request that is under way already.
LEAD = """
PAUSES = {pauses}

def pause():
    if PAUSES:
        term.check()
        say("pausing", term.token)
        os.kill(os.getpid(), signal.SIGSTOP)  # for longer than the lease
        say("resumed", term.is_valid())

def outcome(write):
    try:
        say("wrote", write())
    except Exception as error:
        say(type(error).__name__, str(error).replace("\\n", " "))

{program}

def work(given):
    global term
    term = given
    lead(term)
    term.wait_ending()

timing = Timing(lease_duration=2)
blocking.LeaderElector(lock(), identity="{name}", timing=timing).run(work)
"""


@contextmanager
def old_and_new(program: str, kubeconfig: Path) -> Iterator[tuple[Child, Child]]:
    """Yield two leaders in one election: the first is stopped in its `pause`, the second has taken over.

    Args:
        program: defines ``lead(term)``, which calls ``pause()`` where the old leader is to be stopped, and
            ``outcome(write)`` for each write, which is said as ``wrote RESULT`` or as the error.
        kubeconfig: of the election.
    """

    def source(name: str, pauses: bool) -> str:
        return LEAD.format(program=textwrap.dedent(program), name=name, pauses=pauses)

    with child(source("old", True), kubeconfig) as old:
        _hear(old, "pausing")
        old.stopped()
        with child(source("new", False), kubeconfig) as new:
            _hear(new, "wrote")
            old.send(signal.SIGCONT)
            _hear(old, "resumed False")
            yield old, new


def _hear(leader: Child, expected: str) -> None:
    """Wait for what it says next; on a busy machine it may lose a term, and leads again in another one."""
    while (says := leader.says()).startswith("LeadershipLostError"):
        pass
    assert says.startswith(expected), (says, leader.errors)
