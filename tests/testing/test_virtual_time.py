"""Virtual time: the clocks that go by it, machines with clocks of their own, what is outside of it."""

from __future__ import annotations

import asyncio
import math
import os
import random
import secrets
import signal
import socket
import subprocess
import sys
import threading
import uuid
from collections.abc import Callable, Coroutine
from pathlib import Path

import pytest

from tenure import LeaderElector, MemoryLock, Term
from tenure.clock import BootTimer, boot_time, simulated_clock
from tenure.testing.virtual_time import Machine, run_simulated, true_time

ROOT = Path(__file__).parents[2]


def test_hours_pass_and_the_result_is_returned() -> None:
    async def scene() -> tuple[float, float, float]:
        loop, began, loop_began = asyncio.get_running_loop(), boot_time(), asyncio.get_running_loop().time()
        await asyncio.sleep(3 * 86400)
        return boot_time() - began, loop.time() - loop_began, true_time()

    assert run_simulated(scene()) == (3 * 86400,) * 3


def test_error_of_the_scene_is_raised() -> None:
    async def scene() -> None:
        await asyncio.sleep(5)
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        run_simulated(scene())


def test_timeouts_and_order() -> None:
    async def scene() -> list[str]:
        told: list[str] = []

        async def tell(after: float, what: str) -> None:
            await asyncio.sleep(after)
            told.append(what)

        async with asyncio.TaskGroup() as group:
            for after, what in [(7200, "c"), (0.001, "a"), (60, "b")]:
                group.create_task(tell(after, what))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1000):
                await asyncio.Event().wait()
        return told

    assert run_simulated(scene()) == ["a", "b", "c"]


@pytest.mark.parametrize(("offset", "rate"), [(0.0, 1.0), (1e4, 1.005), (-1e4, 0.995), (12345.678, 1.0)])
def test_boot_timer_fires_at_the_first_instant(offset: float, rate: float) -> None:
    async def scene() -> list[tuple[float, float]]:
        fired: list[tuple[float, float]] = []
        draw = random.Random(1)
        with Machine(offset=offset, rate=rate).here():
            timer = BootTimer(lambda: fired.append((due, boot_time())))
            for _ in range(50):
                due = boot_time() + draw.random() * draw.choice([1e-9, 1e-3, 1, 1e5])
                timer.set(due + 1)
                timer.set(due)
                await asyncio.sleep(2e5)
            timer.set(boot_time() + 5)
            timer.close()
            await asyncio.sleep(10)
        return fired

    fired = run_simulated(scene())
    assert len(fired) == 50
    assert all(due <= at < due + 2e-9 for due, at in fired)


def test_boot_timer_that_is_due_fires_at_once() -> None:
    async def scene() -> None:
        fired = asyncio.Event()
        BootTimer(fired.set).set(-math.inf)
        await fired.wait()
        assert true_time() == 0

    run_simulated(scene())


def test_machines_have_clocks_of_their_own() -> None:
    async def scene() -> None:
        async def look() -> tuple[float, float]:
            began = boot_time()
            await asyncio.sleep(10)  # by the machine's own clock
            return began, boot_time() - began

        with Machine(offset=1000, rate=2).here():
            fast = asyncio.create_task(look())
        with Machine(offset=-50, rate=0.5).here():
            slow = asyncio.create_task(look())
        right = asyncio.create_task(look())
        assert await fast == (1000, 10)
        assert true_time() == 5
        assert await right == (0, 10)
        assert await slow == (-50, 10)
        assert true_time() == 20

    run_simulated(scene())


def test_paused_machine_runs_nothing_and_then_everything_in_order() -> None:
    async def scene() -> None:
        machine, told = Machine(), []

        async def tell(after: float) -> None:
            await asyncio.sleep(after)
            told.append((after, true_time()))

        with machine.here():
            tasks = [asyncio.create_task(tell(after)) for after in (5, 30, 20, 90)]
        await asyncio.sleep(10)
        machine.pause(50)
        machine.pause(10)  # shortens nothing
        await tell(1)
        await asyncio.gather(*tasks)
        assert told == [(5, 5), (1, 11), (20, 60), (30, 60), (90, 90)]

    run_simulated(scene())


def test_paused_machine_can_be_resumed_and_cancelled_calls_are_not_made() -> None:
    async def scene() -> list[str]:
        machine, told = Machine(), list[str]()
        machine.pause()
        loop = asyncio.get_running_loop()
        with machine.here():
            handles = [loop.call_later(1, told.append, name) for name in "abc"]
        await asyncio.sleep(1000)
        assert told == []
        handles[1].cancel()
        machine.resume()
        await asyncio.sleep(0)
        return told

    assert run_simulated(scene()) == ["a", "c"]


def test_cancellation_from_outside_waits_for_a_paused_machine() -> None:
    async def scene() -> None:
        machine = Machine()
        with machine.here():
            task = asyncio.create_task(asyncio.sleep(1000))
        await asyncio.sleep(1)
        machine.pause(60)
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
        assert true_time() == 61

    run_simulated(scene())


def test_machine_that_never_wakes_does_not_hinder_the_end() -> None:
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            ended.append("work")

    async def scene() -> None:
        machine = Machine()
        with machine.here():
            asyncio.create_task(work())
        await asyncio.sleep(1)
        machine.pause()
        await asyncio.sleep(1e6)
        assert ended == []

    run_simulated(scene())
    assert ended == ["work"]


def test_suspended_machine_has_boot_time_run_on_and_timers_stand_still() -> None:
    async def scene() -> None:
        machine = Machine()
        fired: list[float] = []
        with machine.here():
            timer = BootTimer(lambda: fired.append(boot_time()))
            timer.set(30)
            sleeping = asyncio.create_task(asyncio.sleep(30))
        await asyncio.sleep(10)
        machine.suspend(100)
        await sleeping
        assert fired == [110]
        assert true_time() == 130
        with machine.here():
            assert boot_time() == 130
            assert asyncio.get_running_loop().time() == 30

    run_simulated(scene())


def test_machine_can_stall_anywhere() -> None:
    async def scene() -> None:
        stalls = iter([0, 0, 7, 0, 2])
        machine = Machine(stalls=lambda: next(stalls, 0))
        seen: list[float] = []

        async def look() -> None:
            for _ in range(5):
                seen.append(boot_time())
                await asyncio.sleep(0)

        with machine.here():
            await asyncio.create_task(look())
        assert seen == [0, 0, 7, 9, 9]

    run_simulated(scene())


def test_a_process_that_pauses_has_lost_its_term_on_waking() -> None:
    async def scene() -> None:
        lock, machine, holders = MemoryLock(), Machine(offset=1e4), list[tuple[str, float, bool]]()

        def candidate(name: str) -> asyncio.Task[None]:
            async def work(term: Term) -> None:
                try:
                    await asyncio.sleep(100)
                finally:
                    holders.append((name, true_time(), term.is_valid()))

            return asyncio.create_task(LeaderElector(lock, identity=name).run(work))

        with machine.here():
            first = candidate("a")
        await asyncio.sleep(20)
        second = candidate("b")
        machine.pause(40)
        await asyncio.gather(first, second)
        assert holders[0] == ("a", 60, False)
        assert [name for name, _, _ in holders] == ["a", "b", "a"]
        assert 20 + 15 < holders[1][1] - 100 < 20 + 16
        assert holders[2][2]

    run_simulated(scene())


@pytest.mark.parametrize("seed", [1, "one"])
def test_a_seed_determines_every_random_number(seed: int | str) -> None:
    async def scene() -> list[object]:
        system = random.SystemRandom()
        return [
            random.random(),
            system.random(),
            system.choice(range(10**9)),
            secrets.token_hex(16),
            os.urandom(8),
            uuid.uuid4(),
        ]

    state, real = random.getstate(), os.urandom
    first, second, other = (run_simulated(scene(), seed=given) for given in (seed, seed, "other"))
    assert first == second
    assert all(mine != theirs for mine, theirs in zip(first, other, strict=True))
    assert random.getstate() == state
    assert os.urandom is real
    assert random.SystemRandom().random() != random.SystemRandom().random()


def test_waiting_for_ever_is_an_error_that_names_who_waits() -> None:
    async def scene() -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(asyncio.Event().wait(), name="the unlucky one")

    with pytest.raises(RuntimeError, match=r"stuck at 0 s.*the unlucky one"):
        run_simulated(scene())


def test_sleeping_for_ever_is_an_error() -> None:
    with pytest.raises(RuntimeError, match="virtual time ends"):
        run_simulated(asyncio.sleep(math.inf))


def test_spinning_is_an_error() -> None:
    async def scene() -> None:
        while True:  # noqa: ASYNC110  (that is the mistake)
            await asyncio.sleep(0)

    with pytest.raises(RuntimeError, match="no time passes"):
        run_simulated(scene())


async def _connect() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        await asyncio.get_running_loop().sock_accept(server)


async def _resolve() -> None:
    await asyncio.get_running_loop().getaddrinfo("localhost", 80)


async def _use_thread() -> None:
    await asyncio.to_thread(boot_time)


async def _execute() -> None:
    await asyncio.create_subprocess_exec("true")


async def _execute_by_shell() -> None:
    await asyncio.create_subprocess_shell("true")


@pytest.mark.parametrize("scene", [_connect, _resolve, _use_thread, _execute, _execute_by_shell])
def test_what_takes_real_time_is_refused(scene: Callable[[], Coroutine[None, None, None]]) -> None:
    with pytest.raises(RuntimeError, match=r"virtual time cannot wait for a .* in memory"):
        run_simulated(scene())


def test_other_threads_live_in_real_time_and_cannot_call_in() -> None:
    async def scene() -> None:
        loop, seen = asyncio.get_running_loop(), list[object]()

        def work() -> None:
            seen.append(simulated_clock.get())
            try:
                loop.call_soon_threadsafe(print)
            except RuntimeError as error:
                seen.append(str(error))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen[0] is None
        assert "another thread" in str(seen[1])

    run_simulated(scene())


def test_sigterm_still_ends_the_test_program() -> None:
    async def scene() -> None:
        async def work(term: Term) -> None:
            assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
            await asyncio.sleep(1)

        await LeaderElector(MemoryLock(), identity="a").run(work)

    run_simulated(scene())


def test_machines_need_virtual_time() -> None:
    async def scene() -> None:
        with pytest.raises(RuntimeError, match="run_simulated"):
            Machine()
        with pytest.raises(RuntimeError, match="run_simulated"):
            true_time()

    asyncio.run(scene())


def test_a_day_of_leading_is_one_term() -> None:
    async def scene() -> list[int]:
        elector, terms = LeaderElector(MemoryLock(), identity="a"), list[int]()

        async def work(term: Term) -> None:
            terms.append(int(term.token))
            await asyncio.sleep(86400)
            term.check(remaining_s=4)

        await elector.run(work)
        return terms

    assert run_simulated(scene()) == [1]


# On a lock without faults and delays much happens at the same instant, and order is all.
_CROWD = """
import asyncio
from tenure import LeaderElector, MemoryLock
from tenure.testing.virtual_time import run_simulated, true_time

async def scene():
    lock, story = MemoryLock(), []

    async def live(name):
        elector = LeaderElector(lock, identity=name)

        async def work(term):
            story.append((true_time(), name, str(term.token)))
            await asyncio.sleep(1)

        async def listen(number):
            async for change in elector.changes():
                story.append((name, number, change.leader))

        listening = [asyncio.create_task(listen(number)) for number in range(3)]
        for _ in range(3):
            await elector.run(work)
        for task in listening:
            task.cancel()

    await asyncio.gather(*map(live, "abcdefgh"))
    return story
"""

_STORM = """
from tenure.testing.virtual_time import run_simulated
from tests.testing.ballot import Ballot

async def scene():
    ballot = Ballot(5)
    await ballot.play()
    return ballot.story()
"""


@pytest.mark.parametrize("scene", [_CROWD, _STORM], ids=["crowd", "storm"])
def test_one_seed_is_one_run_in_every_process(scene: str) -> None:
    stories = {
        subprocess.run(
            # Neither the order of sets nor the moment of garbage collection may matter.
            [sys.executable, "-c", f"{collecting}{scene}\nprint(run_simulated(scene(), seed=5))"],
            cwd=ROOT,
            env={
                "PYTHONPATH": str(ROOT / "src"),
                "PYTHONHASHSEED": str(number),
                "PADDING": "x" * 999 * number,
            },
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for number, collecting in enumerate(
            ["", "import gc; gc.set_threshold(50)", "import gc; gc.disable()"]
        )
    }
    assert len(stories) == 1
