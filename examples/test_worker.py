"""How to test a worker that elects: against an API server in memory, and in virtual time.

Run it with ``pytest examples/test_worker.py``; the fixture comes with tenure.
"""

from __future__ import annotations

import asyncio

import pytest

from tenure import FencingToken, LeaderElector, LeaseLock, MemoryLock, StaleTokenError, Term
from tenure.fencing.memory import MemoryFence
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.pytest_plugin import RunningDevServer
from tenure.testing.virtual_time import Machine, run_simulated, true_time


class Worker:
    """The code under test: it sends one batch every ten seconds, and remembers what it sent.

    Attributes:
        fence: of whoever takes the batches.
        sent: the moments at which it did, and the fencing tokens that went with them.
    """

    def __init__(self, fence: MemoryFence) -> None:
        self.fence = fence
        self.sent: list[tuple[float, int]] = []

    async def work(self, term: Term) -> None:
        while not await term.wait_ending(timeout=10):
            term.check(remaining_s=1)  # a batch takes at most a second
            await self.send(term.token)

    async def send(self, token: FencingToken) -> None:
        await self.fence.raise_to(token)
        self.sent.append((asyncio.get_running_loop().time(), int(token)))


def test_another_worker_goes_on(tenure_devserver: RunningDevServer) -> None:
    """A Lease on a real HTTP API, in real time."""

    async def term_of(identity: str) -> int:
        lock = LeaseLock("batches", namespace="default", kubeconfig=str(tenure_devserver.kubeconfig))
        async with LeaderElector(lock, identity=identity).term() as term:
            return int(term.token)

    async def scene() -> list[int]:
        return [await term_of("a"), await term_of("b")]

    first, second = asyncio.run(scene())
    assert first < second


def test_nothing_is_sent_twice_when_the_leader_freezes() -> None:
    """Ten minutes in some milliseconds: the process of the leader stands still for one of them."""
    fence = MemoryFence()
    workers = {"a": Worker(fence), "b": Worker(fence)}

    async def scene() -> float:
        lock = FaultyLock(MemoryLock(), seed=7, weather=CALM)
        machines = {name: Machine() for name in workers}
        running = []
        for name, worker in workers.items():
            elector = LeaderElector(lock.seen_by(name), identity=name)
            with machines[name].here():
                running.append(asyncio.create_task(elector.run(worker.work)))
            await asyncio.sleep(1)  # so that a is the first
        await asyncio.sleep(120)
        frozen_at = true_time()
        machines["a"].pause(60)
        await asyncio.sleep(480)
        for task in running:
            task.cancel()
        return frozen_at

    frozen_at = run_simulated(scene(), seed=7)
    assert max(at for at, _ in workers["a"].sent) < frozen_at  # what woke up did not send once more
    tokens = [token for _, token in sorted(workers["a"].sent + workers["b"].sent)]
    assert tokens == sorted(tokens)
    assert len(set(tokens)) == 2


def test_what_a_stale_leader_sends_is_refused() -> None:
    """Where it froze after its check, nothing but the fence of the receiver helps."""
    worker = Worker(MemoryFence())

    async def scene() -> None:
        await worker.send(FencingToken(0, 8))
        with pytest.raises(StaleTokenError):
            await worker.send(FencingToken(0, 7))

    asyncio.run(scene())
    assert [token for _, token in worker.sent] == [8]
