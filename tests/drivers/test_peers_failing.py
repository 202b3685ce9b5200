"""What becomes of a peer that cannot go on, and who is told."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tenure import PermissionDeniedError
from tenure.peer.discovery.peer import Peer as Place
from tenure.peer.udp import PeerDriver
from tests.drivers.peers import Circle
from tests.drivers.tools import forever, play, until

MISSING_RULE = "to list endpointslices takes the rule …"


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


def test_what_ends_it_later_is_said_while_the_program_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def scene() -> None:
        discovery = Refused(PermissionDeniedError(MISSING_RULE))
        elector = Circle(tmp_path).peer("a", peers={"at": discovery}).elector
        with pytest.raises(PermissionDeniedError, match=MISSING_RULE):
            async with elector.running(forever):
                discovery.breaks.set()
                await until(lambda: caplog.messages)
        assert caplog.messages == [f"peers default/reports: campaigns no more: {MISSING_RULE}"]

    with caplog.at_level(logging.WARNING, "tenure"):
        play(scene())
