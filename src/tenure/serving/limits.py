"""Limits: what clients may take of a server that has something better to do."""

from __future__ import annotations

import resource
from dataclasses import dataclass
from typing import Self

__all__ = ["Limits"]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What clients may take. Who goes beyond is cut off: an answer would be one more thing to wait for.

    Attributes:
        connections: how many there may be; for one more, the one goes that has waited longest without a
            request, and if all have theirs answered, the newcomer.
        request_s: seconds until a request is complete, its body included, from the opening of the connection
            or from the last answer.
        stall_s: seconds for which a client may read nothing of what is to be sent to it.
        request_bytes: how much may come before an answer, and again after it.
    """

    connections: int = 4096
    request_s: float = 10.0
    stall_s: float = 30.0
    request_bytes: int = 4 * 1024 * 1024

    @classmethod
    def of_process(cls) -> Self:
        """Return the usual ones, with no more connections than half the descriptors that are allowed.

        The other half is for what the process itself has to say. The soft limit is raised for that, as far as
        the hard one allows it.
        """
        wanted = 2 * cls.connections
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        if 0 <= soft < wanted:  # negative: there is no limit
            soft = wanted if hard < 0 else min(wanted, hard)
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            return cls(connections=soft // 2)
        return cls()
