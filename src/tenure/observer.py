"""LeaderObserver: sees who leads, and never campaigns."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from tenure.announcements import Announcements
from tenure.events import Event, LeaderChanged
from tenure.fork import fork_generation
from tenure.instrumentation.logs import log_events
from tenure.lock import Lock
from tenure.lock_driver import LockDriver
from tenure.places import lock_at
from tenure.sighting import Sighting
from tenure.timing import Timing

__all__ = ["LeaderObserver"]


class LeaderObserver:
    """Watches one election: ``async with LeaderObserver("reports") as seen: print(seen.leader)``.

    Entering waits for the first answer of the store, or its first failure. What was seen last stays until
    its lease has run out; then the leader is unknown.

    Args:
        where: a lock; a string stands for ``LeaseLock(where)`` in the Pod's namespace.
        timing: `lease_duration` stands in where a record has none.
        kubeconfig: for a string: path of a kubeconfig file, instead of the Pod's own configuration.
        context: for a string: the context of that file.
    """

    def __init__(
        self,
        where: str | Lock,
        *,
        timing: Timing | None = None,
        kubeconfig: str | Path | None = None,
        context: str | None = None,
    ) -> None:
        self.lock = lock_at(where, kubeconfig=kubeconfig, context=context)
        self.timing = timing or Timing()
        self._announcements = Announcements()
        self._announcements.subscribe(log_events(self.lock.describe, "", self.timing))
        self._generation = -1  # of the process that watches; -1: none does

    @property
    def leader(self) -> str | None:
        """Identity of the leader; empty: there is none; None: unknown."""
        return self._announcements.latest.leader

    @property
    def latest(self) -> LeaderChanged:
        """What is known of the leader now, with its token, or the reason why it is unknown."""
        return self._announcements.latest

    def changes(self) -> AsyncIterator[LeaderChanged]:
        """Iterate over what is known of the leader: the present state, then each change, the latest only."""
        return self._announcements.changes()

    def subscribe(self, callback: Callable[[Event], None]) -> Callable[[], None]:
        """Call back with every event (`tenure.events`), in the event loop's thread; it must not block.

        Returns:
            a function that ends the subscription.
        """
        return self._announcements.subscribe(callback)

    async def __aenter__(self) -> Self:
        """Begin to watch.

        Raises:
            ConfigurationError, PermissionDeniedError: the record cannot be read, and never could.
            RuntimeError: this observer is in use already.
        """
        if self._generation == fork_generation():
            raise RuntimeError(f"this observer of {self.lock.describe()} is in use; make another one")
        async with AsyncExitStack() as stack:
            self._generation = fork_generation()
            stack.callback(self._leave)
            session = await stack.enter_async_context(self.lock.open())
            sighting = Sighting(self.timing, self.lock.election)
            driver = LockDriver(sighting, session, self.timing, self._announcements.publish)
            stack.push_async_callback(driver.aclose)
            driver.start()
            await driver.contact.wait()
            if driver.failed.done():
                driver.failed.result()
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.__aexit__(kind, error, trace)

    def _leave(self) -> None:
        self._announcements.close()
        self._generation = -1
