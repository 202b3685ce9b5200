"""Audience: everybody who wants to know who leads, some for the whole run and some for a moment."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from typing import Any, cast

from tenure import LeaderElector, LeaderObserver
from tenure.events import Event, LeaderChanged, Lost
from tenure.serving import Address, bind, serve
from tenure.sidecar.app import App
from tenure.sidecar.outlook import Outlook
from tests.endurance.ground import Ground

__all__ = ["Audience"]


class Audience:
    """Listens to electors in every way that there is.

    Args:
        electors: not in use yet.

    Attributes:
        told: how much each long listener has heard.
        losses: how many terms ended before they were given up.
    """

    def __init__(self, electors: list[LeaderElector]) -> None:
        self._electors = electors
        self._addresses: list[Address] = []
        self.told: dict[str, int] = {}
        self.losses = 0

    @asynccontextmanager
    async def seated(self, ground: Ground) -> AsyncIterator[None]:
        """Listen for as long as the block lasts: subscribers, iterators, an observer, event streams."""
        async with AsyncExitStack() as stack:
            observer = await stack.enter_async_context(LeaderObserver(ground.lock()))
            await stack.enter_async_context(_running(self._iterate("observer", observer.changes())))
            for elector in self._electors:
                stack.callback(elector.subscribe(self._take))
                changes = self._iterate(f"changes of {elector.identity}", elector.changes())
                await stack.enter_async_context(_running(changes))
                app = App(Outlook(elector))
                serving = await stack.enter_async_context(serve(app, sockets=[bind("127.0.0.1", 0)]))
                self._addresses.append(serving.addresses[0])
                stream = self._stream(f"stream of {elector.identity}", serving.addresses[0])
                await stack.enter_async_context(_running(stream))
            yield

    async def look_in(self) -> None:
        """Ask once in every way that ends again."""
        for elector in self._electors:
            elector.subscribe(lambda event: None)()
            async with aclosing(cast("AsyncGenerator[LeaderChanged, None]", elector.changes())) as changes:
                await anext(changes)
        for address in self._addresses:
            for path in (b"/leader", b"/events"):
                reader, writer = await _ask(address, path)
                await reader.readuntil(b'"reason"')
                writer.close()
                await writer.wait_closed()

    def _take(self, event: Event) -> None:
        self.losses += isinstance(event, Lost)
        self.told["subscribers"] = self.told.get("subscribers", 0) + 1

    async def _iterate(self, name: str, changes: AsyncIterator[LeaderChanged]) -> None:
        async for _ in changes:
            self.told[name] = self.told.get(name, 0) + 1

    async def _stream(self, name: str, address: Address) -> None:
        reader, writer = await _ask(address, b"/events")
        try:
            while await reader.readuntil(b"data: "):
                self.told[name] = self.told.get(name, 0) + 1
        finally:
            writer.close()


async def _ask(address: Address, path: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(*address)
    writer.write(b"GET " + path + b" HTTP/1.1\r\nHost: test\r\n\r\n")
    return reader, writer


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        assert not task.done(), task
        task.cancel()
        await asyncio.wait({task})
