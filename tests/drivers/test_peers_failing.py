"""What becomes of a peer that cannot go on, and who is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenure.peer.discovery.peer import Peer as Place
from tenure.peer.udp import PeerDriver
from tests.drivers.peers import Circle
from tests.drivers.tools import forever, play, until


class Refused:
    """Finds somebody, and is refused then."""

    def __init__(self, error: Exception) -> None:
        self._error = error
        self.breaks = asyncio.Event()

    def describe(self) -> str:
        return "nowhere"

    def names(self) -> tuple[str, ...]:
        return ()

    async def watch(self) -> AsyncIterator[frozenset[Place]]:
        yield frozenset({Place("b", "127.0.0.1", 9)})
        await self.breaks.wait()
        raise self._error


def test_who_has_failed_keeps_nothing_that_it_cannot_send(tmp_path: Path) -> None:
    async def scene() -> None:
        discovery = Refused(RuntimeError("a fault of tenure"))
        elector = Circle(tmp_path).peer("a", peers={"at": discovery}).elector
        with pytest.raises(RuntimeError, match="a fault of tenure"):
            async with elector.running(forever):
                driver = elector._office.candidacy  # type: ignore[union-attr]
                assert isinstance(driver, PeerDriver)
                discovery.breaks.set()
                await until(driver.failed.done)
                probes = driver.core.members._number
                await until(lambda: driver.core.members._number >= probes + 3)
                assert driver.core._outbox == []

    play(scene())
