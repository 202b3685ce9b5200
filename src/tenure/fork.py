"""Fork: a forked child leads nothing that its parent led (rule 5).

gunicorn with preload and Celery's prefork copy a process with all that it holds in memory; the sockets and
the renewal loop stay with the parent, so in the child every inherited term is over.
"""

from __future__ import annotations

import os

__all__ = ["fork_generation"]

_generation = 0


def fork_generation() -> int:
    """Return a number that differs between a process and the children it forks."""
    return _generation


def _count() -> None:
    global _generation
    _generation += 1


os.register_at_fork(after_in_child=_count)
