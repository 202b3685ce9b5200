"""``term.on_ending(callback)``: called once, wherever the term's end comes from, and nobody is hurt by it."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable

import pytest

from tenure import LeaderElector, LeadershipLostError, MemoryLock, Term, blocking
from tenure.clock import boot_time
from tenure.events import Lost
from tenure.term import Tenure
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.pytest_plugin import RunningDevServer
from tenure.testing.virtual_time import run_simulated, true_time
from tenure.token import FencingToken
from tests.drivers.processes import child
from tests.drivers.tools import PATIENCE_S, QUICK, ROOMY, holder_of, make, play, wait_until


def test_a_loss_calls_back_once_in_the_event_loop() -> None:
    elector, lock, seen = make()
    called: list[object] = []

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with elector.term() as term:
                term.on_ending(
                    lambda: called.append((asyncio.get_running_loop(), term.is_valid(), term.is_ending()))
                )
                lock.delete()
                await asyncio.Event().wait()
        assert called == [(asyncio.get_running_loop(), False, True)]

    play(scene())
    assert seen.seen(Lost) == 1


def test_a_stop_calls_back_while_the_term_is_valid_and_a_loss_after_it_does_not() -> None:
    async def scene() -> list[object]:
        memory = MemoryLock()
        lock = FaultyLock(memory, weather=CALM)
        elector = LeaderElector(lock.seen_by("a"), identity="a")
        called: list[object] = []

        async def work(term: Term) -> None:
            term.on_ending(lambda: called.append((term.is_valid(), holder_of(memory))))
            try:
                await asyncio.Event().wait()
            finally:
                assert called, "the body is cancelled after the callbacks"
                lock.cut("a")
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                called.append(term.is_valid())

        async with elector.running(work):
            await asyncio.sleep(1)
        return called

    assert run_simulated(scene()) == [(True, "a"), False]


@pytest.mark.parametrize("way", ["resign", "transfer"])
def test_giving_up_calls_back_and_interrupts_no_block(way: str) -> None:
    elector, lock, _ = make()
    called: list[object] = []

    async def scene() -> None:
        async with elector.term() as term:
            term.on_ending(
                lambda: called.append((asyncio.get_running_loop(), term.is_valid(), holder_of(lock)))
            )
            if way == "resign":
                elector.resign()
            else:
                elector.transfer("b")
            assert await term.wait_ending(timeout=PATIENCE_S)
            assert called == [(asyncio.get_running_loop(), True, "a")]
            await asyncio.sleep(0.05)
            term.check()
        assert len(called) == 1

    play(scene())
    assert holder_of(lock) == ""


def test_the_end_of_the_body_calls_back_before_the_release() -> None:
    elector, lock, _ = make()
    called: list[str] = []

    async def work(term: Term) -> str:
        term.on_ending(lambda: called.append(holder_of(lock)))
        return "done"

    assert play(elector.run(work)) == "done"
    assert called == ["a"]
    assert holder_of(lock) == ""


def test_what_is_ending_already_calls_back_at_once() -> None:
    elector, lock, _ = make()
    called: list[str] = []

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with elector.term() as term:
                lock.delete()
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
                term.on_ending(lambda: called.append("late"))
                assert called == ["late"]
        assert called == ["late"]

    play(scene())


def test_an_end_that_the_event_loop_has_not_noticed_calls_back_once() -> None:
    elector, _, seen = make(timing=QUICK)
    called: list[str] = []

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with elector.term() as term:
                term.on_ending(lambda: called.append("registered in time"))
                time.sleep(1.5 * QUICK.lease_duration)  # noqa: ASYNC251  (what must not be done)
                assert not seen.seen(Lost)
                term.on_ending(lambda: called.append("at once"))
                assert called == ["at once"]
                await asyncio.Event().wait()

    play(scene())
    assert called == ["at once", "registered in time"]


def test_a_callback_that_fails_hurts_nobody(caplog: pytest.LogCaptureFixture) -> None:
    elector, lock, _ = make()
    called: list[str] = []
    drained: list[bool] = []
    begun = asyncio.Event()

    def fail() -> None:
        raise LookupError("mine")

    async def work(term: Term) -> None:
        for callback in (fail, lambda: called.append("first"), fail, lambda: called.append("second")):
            term.on_ending(callback)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            drained.append(term.is_valid())
            term.on_ending(fail)

    async def scene() -> None:
        async with elector.running(work):
            await begun.wait()

    play(scene())
    assert called == ["first", "second"]
    assert drained == [True]
    assert holder_of(lock) == ""
    assert caplog.text.count("a callback failed when the term 1 began to end") == 3
    assert caplog.text.count("LookupError: mine") == 3


def test_a_callback_can_be_taken_back() -> None:
    elector, _, _ = make()
    called: list[str] = []

    def twice() -> None:
        called.append("twice")

    async def scene() -> None:
        async with elector.term() as term:
            removals = [term.on_ending(twice) for _ in range(3)]
            last = term.on_ending(lambda: called.append("last"))
            removals[1]()
            removals[1]()
        last()
        assert called == ["twice", "twice", "last"]

    play(scene())


def test_a_callback_may_take_back_another_and_add_one() -> None:
    elector, _, _ = make()
    called: list[str] = []

    async def scene() -> None:
        async with elector.term() as term:
            term.on_ending(lambda: remove())
            term.on_ending(lambda: term.on_ending(lambda: called.append("added")))
            remove = term.on_ending(lambda: called.append("taken back"))

    play(scene())
    assert called == ["added"]


def test_waiting_tasks_of_a_body_are_told_too() -> None:
    """Not the body alone, which is cancelled: whatever it started can wait for the end."""
    told: list[tuple[str, float, bool]] = []

    async def scene() -> None:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        elector = LeaderElector(lock.seen_by("a"), identity="a")

        async def wait(term: Term) -> None:
            assert not await term.wait_ending(timeout=5)
            told.append(("timeout", round(true_time()), term.is_valid()))
            assert await term.wait_ending()
            told.append(("ending", round(true_time()), term.is_valid()))
            assert await term.wait_ending(timeout=0)

        async def work(term: Term) -> None:
            waiting = asyncio.create_task(wait(term))
            try:
                await asyncio.Event().wait()
            finally:
                await waiting

        async with elector.running(work):
            await asyncio.sleep(60)

    run_simulated(scene())
    assert told == [("timeout", 5, True), ("ending", 60, True)]


# ---- threads


@pytest.mark.parametrize("way", ["loss", "stop", "resign", "transfer"])
def test_threads_are_called_back_by_tenures_own(way: str) -> None:
    lock = MemoryLock()
    elector = blocking.LeaderElector(lock, identity="a", timing=ROOMY)
    called: list[tuple[str, bool]] = []
    terms: list[blocking.Term] = []
    ended = threading.Event()

    def work(term: blocking.Term) -> None:
        if not terms:
            term.on_ending(lambda: called.append((threading.current_thread().name, term.is_valid())))
            term.on_ending(ended.set)
        terms.append(term)
        term.wait_ending()

    with elector.running(work):
        wait_until(lambda: terms)
        if way == "loss":
            lock.delete()
        elif way == "resign":
            elector.resign()
        elif way == "transfer":
            elector.transfer("b")
        if way != "stop":
            assert ended.wait(PATIENCE_S)
    assert ended.is_set()
    assert called == [("tenure", way != "loss")]


def test_threads_that_come_late_are_called_back_at_once_where_they_ask(
    caplog: pytest.LogCaptureFixture,
) -> None:
    lock = MemoryLock()
    called: list[threading.Thread] = []
    with blocking.LeaderElector(lock, identity="a", timing=ROOMY).term() as term:
        remove = term.on_ending(lambda: called.append(threading.main_thread()))
        remove()
    term.on_ending(lambda: called.append(threading.current_thread()))
    assert called == [threading.current_thread()]
    term.on_ending(lambda: 1 / 0)
    assert "ZeroDivisionError" in caplog.text


def _race(ask: Callable[[], None], end: Callable[[], None]) -> None:
    """Let four threads ask while another ends the term."""
    barrier = threading.Barrier(5)

    def start(act: Callable[[], None]) -> None:
        barrier.wait()
        act()

    threads = [threading.Thread(target=start, args=(act,)) for act in (ask, ask, end, ask, ask)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_whoever_asks_while_the_term_begins_to_end_is_called_exactly_once() -> None:
    for _ in range(50):
        tenure = Tenure(FencingToken(0, 1), boot_time() + 60)
        asked: list[list[int]] = []

        def ask(tenure: Tenure = tenure, asked: list[list[int]] = asked) -> None:
            for _ in range(50):
                calls: list[int] = []
                asked.append(calls)
                tenure.on_ending(lambda calls=calls: calls.append(1))  # type: ignore[misc]

        _race(ask, tenure.begin_ending)
        tenure.end()
        assert asked == [[1]] * 200


# ---- forks


@pytest.mark.parametrize("blocks", [True, False], ids=["blocking", "asyncio"])
def test_a_forked_child_calls_no_callback_of_its_parent(
    tenure_devserver: RunningDevServer, blocks: bool
) -> None:
    """Neither when its copy of the term ends; what it asks for itself is called at once."""
    program = f"""
    parent = os.getpid()
    def ending():
        say("called in the", "parent" if os.getpid() == parent else "child")
    def fork(term):
        term.on_ending(ending)
        if (pid := os.fork()) == 0:
            term.on_ending(lambda: say("the child asks"))
            sys.exit(7)
        say(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    async def body(term):
        fork(term)
    if {blocks}:
        blocking.LeaderElector(lock()).run(fork)
    else:
        asyncio.run(LeaderElector(lock()).run(body))
    """
    with child(program, tenure_devserver.kubeconfig) as process:
        said = [process.says() for _ in range(3)]
        assert process.ends() == 0, process.errors
    assert said == ["the child asks", "7", "called in the parent"]
