"""What is wrong between one candidate and the API server at the moment."""

from __future__ import annotations

import asyncio
import math
from dataclasses import dataclass

__all__ = ["Trouble", "Troubles"]


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """One thing that is wrong; what is left out is in order.

    Attributes:
        loss_out: which share of the packets from the candidate is lost without a word, 0 to 1.
        loss_in: the same of those to it.
        delay_s: how long each packet travels, either way.
        jitter_s: up to how much longer, at random; packets overtake each other then.
        copied: which share of the packets, either way, comes twice.
        copy_delay_s: up to how much later the copy comes, at random.
        reset_open: the connections that are open when this begins are reset.
        reset: each new connection is reset.
        hold_requests: requests wait until this is over, and are forwarded then, whoever still waits.
        swallow_requests: requests are read and never forwarded.
        swallow_answers: requests are forwarded and never answered.
        bad_gateway: the answer is an HTML page with status 502, "before" or "after" the request is forwarded.
        truncate: the body of the answer ends halfway, with its connection.
        piece_bytes: answers come in pieces of that size; 0: as they are.
        piece_delay_s: before each of the pieces.
        share: of the requests that concern it; packets and new connections have no part in this.
    """

    loss_out: float = 0.0
    loss_in: float = 0.0
    delay_s: float = 0.0
    jitter_s: float = 0.0
    copied: float = 0.0
    copy_delay_s: float = 0.0
    reset_open: bool = False
    reset: bool = False
    hold_requests: bool = False
    swallow_requests: bool = False
    swallow_answers: bool = False
    bad_gateway: str = ""
    truncate: bool = False
    piece_bytes: int = 0
    piece_delay_s: float = 0.0
    share: float = 1.0


class Troubles:
    """All that is wrong at one place, by name: several faults at a time add up, and each ends by itself."""

    def __init__(self) -> None:
        self._now: dict[str, Trouble] = {}
        self._changed = asyncio.Event()

    def begin(self, name: str, trouble: Trouble) -> None:
        """Add one; another of the same name ends."""
        self._now[name] = trouble
        self._tell()

    def end(self, name: str) -> None:
        """Remove one; without effect if it is over."""
        self._now.pop(name, None)
        self._tell()

    def concerning(self, lot: float) -> list[Trouble]:
        """Those that concern a request which drew `lot` (0 to 1) when it came."""
        return [trouble for trouble in self._now.values() if lot < trouble.share]

    @property
    def reset(self) -> bool:
        """Is each new connection reset?"""
        return any(trouble.reset for trouble in self._now.values())

    @property
    def loss_out(self) -> float:
        """Which share of the packets from the candidate is lost."""
        return 1 - math.prod(1 - trouble.loss_out for trouble in self._now.values())

    @property
    def loss_in(self) -> float:
        """Which share of the packets to the candidate is lost."""
        return 1 - math.prod(1 - trouble.loss_in for trouble in self._now.values())

    @property
    def delay_s(self) -> float:
        """How long each packet travels at least."""
        return sum(trouble.delay_s for trouble in self._now.values())

    @property
    def jitter_s(self) -> float:
        """Up to how much longer."""
        return sum(trouble.jitter_s for trouble in self._now.values())

    @property
    def copied(self) -> float:
        """Which share of the packets comes twice."""
        return 1 - math.prod(1 - trouble.copied for trouble in self._now.values())

    @property
    def copy_delay_s(self) -> float:
        """Up to how much later the copy comes."""
        return sum(trouble.copy_delay_s for trouble in self._now.values())

    async def change(self) -> None:
        """Wait until one begins or ends."""
        await self._changed.wait()

    def _tell(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
