"""Sidecar: one candidate, its HTTP answers and its log line on stdout, until a signal ends it."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Coroutine
from dataclasses import dataclass
from typing import Never

from tenure.elector import LeaderElector
from tenure.events import Event, LeaderChanged
from tenure.sidecar.answering import answering
from tenure.sidecar.campaign import Campaign
from tenure.sidecar.outlook import Outlook
from tenure.sidecar.predecessors import Predecessors
from tenure.sidecar.termination import termination
from tenure.term import Term

__all__ = ["Sidecar", "run_sidecar"]

_STDOUT = 1


@dataclass(frozen=True, kw_only=True)
class Sidecar:
    """What a sidecar is to do.

    Attributes:
        campaign: the candidate.
        drain_timeout: seconds, as of `LeaderElector`.
        listener: serves HTTP on this listening socket; None: serves nothing.
    """

    campaign: Campaign
    drain_timeout: float
    listener: socket.socket | None


async def run_sidecar(sidecar: Sidecar) -> None:
    """Campaign and answer until SIGTERM or SIGINT; then release, end the streams, close.

    Raises:
        ConfigurationError: there is no way to the API server, or an older kind of lock has a live leader.
        PermissionDeniedError: the record cannot be read, and never could.
    """
    elector = sidecar.campaign.elector(drain_timeout=sidecar.drain_timeout)
    elector.subscribe(_Announcer())
    outlook = Outlook(elector)
    with termination() as ending:
        async with answering(sidecar.listener, outlook):
            await _until_done_or(ending, _campaign(sidecar.campaign, elector, outlook))


async def _campaign(campaign: Campaign, elector: LeaderElector, outlook: Outlook) -> None:
    await Predecessors(campaign.kind, campaign.place, campaign.timing, outlook.waiting).refuse_live()
    await elector.run(_hold, handle_signals=False)


async def _hold(term: Term) -> Never:
    """Hold the term for others: what they do while it is valid is their business."""
    await asyncio.Event().wait()
    raise AssertionError(f"the wait of {term!r} ended by itself")


async def _until_done_or(ending: asyncio.Event, work: Coroutine[None, None, None]) -> None:
    """Run `work` until it ends, or until it is to stop: then it releases before this returns."""
    working = asyncio.create_task(work, name="tenure campaign")
    stop = asyncio.create_task(ending.wait(), name="tenure signals")
    try:
        await asyncio.wait({working, stop}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stop.cancel()
        working.cancel()
        await asyncio.wait({working})
    if not working.cancelled():
        working.result()


class _Announcer:
    """Prints the leader's name at each change, as the original sidecar does."""

    def __init__(self) -> None:
        self._last = ""

    def __call__(self, event: Event) -> None:
        # A leader that was unknown for a while and is the same afterwards is no change.
        if isinstance(event, LeaderChanged) and event.leader is not None and event.leader != self._last:
            self._last = event.leader
            if event.leader:
                _print(f"{event.leader} is the leader\n")


def _print(line: str) -> None:
    """Write to stdout at once, past any buffer: what stayed there would fail again when the process ends."""
    try:
        os.write(_STDOUT, line.encode())
    except OSError:
        pass  # nobody reads it any more, and the election goes on
