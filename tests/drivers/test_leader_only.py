"""``@elector.leader_only``: what may be called only with a valid term, of this elector, in this process."""

from __future__ import annotations

import asyncio
import inspect
import multiprocessing
import time
import typing
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tenure import LeaderElector, LeadershipLostError, MemoryLock, NotLeaderError, Term, blocking
from tenure.events import Lost
from tenure.testing.faulty_lock import CALM, FaultyLock
from tenure.testing.virtual_time import run_simulated
from tests.drivers.tools import QUICK, ROOMY, forever, make, play, until, wait_until


def test_a_plain_function_needs_a_valid_term() -> None:
    elector, _, _ = make()
    sent: list[str] = []

    @elector.leader_only
    def send(what: str, *, twice: bool = False) -> int:
        """Send it."""
        sent.extend([what] * (1 + twice))
        return len(sent)

    async def scene() -> None:
        with pytest.raises(NotLeaderError, match=r"send is for the leader of memory memory only, which 'a'"):
            send("before")
        async with elector.term():
            assert send("within", twice=True) == 2
        with pytest.raises(NotLeaderError):
            send("after")

    play(scene())
    assert sent == ["within", "within"]
    assert (send.__name__, send.__doc__) == ("send", "Send it.")
    assert str(inspect.signature(send)) == "(what: 'str', *, twice: 'bool' = False) -> 'int'"
    assert typing.get_type_hints(send)["return"] is int


def test_a_coroutine_is_checked_when_it_begins_to_run() -> None:
    elector, _, _ = make()
    sent: list[str] = []

    @elector.leader_only
    async def send(what: str) -> str:
        sent.append(what)
        return what

    async def scene() -> None:
        early = send("made before, run within")
        async with elector.term():
            assert await early == "made before, run within"
            late = send("made within, run after")
        with pytest.raises(NotLeaderError, match="send is for the leader"):
            await late

    play(scene())
    assert inspect.iscoroutinefunction(send)  # what frameworks ask
    assert sent == ["made before, run within"]


def test_a_term_that_ends_meanwhile_interrupts_no_coroutine() -> None:
    elector, lock, seen = make()
    go_on = asyncio.Event()

    @elector.leader_only
    async def send() -> str:
        await go_on.wait()
        return "sent"

    async def scene() -> str:
        async with elector.running(forever):
            await until(elector.is_leader)
            sending = asyncio.create_task(send())
            await asyncio.sleep(0)
            lock.delete()
            await until(lambda: seen.seen(Lost))
            go_on.set()
            return await sending

    assert play(scene()) == "sent"


def test_methods_and_other_callables() -> None:
    elector, _, _ = make()

    class Outbox:
        name = "outbox"

        @elector.leader_only
        def send(self, what: str) -> str:
            return f"{self.name} {what}"

        @elector.leader_only
        async def send_later(self, what: str) -> str:
            return f"{self.name} {what}"

        @staticmethod
        @elector.leader_only
        def static(what: str) -> str:
            return what

        @classmethod
        @elector.leader_only
        def of_class(cls, what: str) -> str:
            return f"{cls.name} {what}"

        async def __call__(self, what: str) -> str:
            return f"called {what}"

    outbox = Outbox()
    callable_object = elector.leader_only(outbox)

    async def all_of_them() -> list[str]:
        return [
            outbox.send("a"),
            await outbox.send_later("b"),
            outbox.static("c"),
            outbox.of_class("d"),
            await callable_object("e"),
        ]

    async def scene() -> None:
        with pytest.raises(NotLeaderError, match=r"Outbox\.send is for the leader"):
            outbox.send("a")
        for call in (outbox.static, outbox.of_class):
            with pytest.raises(NotLeaderError):
                call("a")
        for call in (outbox.send_later, callable_object):
            with pytest.raises(NotLeaderError):
                await call("a")
        async with elector.term():
            assert await all_of_them() == ["outbox a", "outbox b", "c", "outbox d", "called e"]

    play(scene())


@pytest.mark.parametrize("thing", [staticmethod(print), classmethod(print), "print", Term])
def test_what_is_no_function_is_refused(thing: Any) -> None:
    elector, _, _ = make()
    with pytest.raises(TypeError, match="leader_only decorates a function"):
        elector.leader_only(thing)


def test_the_message_says_who_leads() -> None:
    lock = MemoryLock("reports")
    leader, _, _ = make(lock, identity="b")
    elector, _, _ = make(lock)
    act = elector.leader_only(lambda: None)

    def complaint() -> str:
        with pytest.raises(NotLeaderError) as caught:
            act()
        return str(caught.value).partition("only, ")[2]

    async def scene() -> None:
        assert complaint() == "which 'a' is not; who leads is unknown: nothing has been read yet"
        async with leader.term(), elector.running(forever):
            await until(lambda: elector.leader == "b")
            assert complaint() == "which 'a' is not; 'b' leads"

    play(scene())


def test_a_namesake_that_leads_is_somebody_else() -> None:
    lock = MemoryLock()
    leader, _, _ = make(lock, identity="a")
    elector, _, _ = make(lock, identity="a")
    act = elector.leader_only(lambda: "done")

    async def scene() -> None:
        async with leader.term(), elector.running(forever):
            await until(lambda: elector.latest.reason.startswith("another process"))
            with pytest.raises(NotLeaderError, match="another process holds the record under this identity"):
                act()
            assert leader.leader_only(lambda: "done")() == "done"

    play(scene())


def test_a_blocked_event_loop_does_not_keep_it_open() -> None:
    elector, _, _ = make(timing=QUICK)
    act = elector.leader_only(lambda: "done")

    async def scene() -> None:
        with pytest.raises(LeadershipLostError):
            async with elector.term():
                assert act() == "done"
                time.sleep(1.5 * QUICK.lease_duration)  # noqa: ASYNC251  (what must not be done)
                with pytest.raises(NotLeaderError, match="this candidate's term is over"):
                    act()

    play(scene())


def test_it_is_open_while_the_body_drains_and_closed_from_the_loss_on() -> None:
    async def scene() -> list[object]:
        lock = FaultyLock(MemoryLock(), weather=CALM)
        elector = LeaderElector(lock.seen_by("a"), identity="a")
        act = elector.leader_only(lambda: "done")
        seen: list[object] = []

        async def work(term: Term) -> None:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                seen.append(act())
                lock.cut("a")
                await asyncio.sleep(5)
                seen.append(act())
                try:
                    await asyncio.Event().wait()  # cancelled again at the loss
                finally:
                    with pytest.raises(NotLeaderError):
                        act()
                    seen.append("closed")

        async with elector.running(work):
            await asyncio.sleep(1)
        return seen

    assert run_simulated(scene()) == ["done", "done", "closed"]


def test_threads() -> None:
    lock = MemoryLock()
    elector = blocking.LeaderElector(lock, identity="a", timing=ROOMY)

    @elector.leader_only
    def act(n: int) -> int:
        return n + 1

    with pytest.raises(NotLeaderError, match="act is for the leader of memory"):
        act(1)
    with pytest.raises(LeadershipLostError), elector.term() as term, ThreadPoolExecutor(4) as pool:
        assert list(pool.map(act, range(20))) == list(range(1, 21))
        lock.delete()
        wait_until(lambda: not term.is_valid())
        with pytest.raises(NotLeaderError):
            pool.submit(act, 1).result()


def _tried(act: Any, answers: Any) -> None:
    try:
        answers.send(act())
    except NotLeaderError as error:
        answers.send(str(error))


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_forked_child_is_not_the_leader() -> None:
    elector, _, _ = make()
    act = elector.leader_only(lambda: "done")
    fork = multiprocessing.get_context("fork")

    async def scene() -> tuple[str, str]:
        async with elector.term():
            mine, theirs = fork.Pipe()
            child = fork.Process(target=_tried, args=(act, theirs))
            child.start()
            answer = await asyncio.to_thread(mine.recv)
            child.join()
            mine.close()
            theirs.close()
            return act(), answer

    own, childs = asyncio.run(scene())
    assert own == "done"
    assert childs.endswith("which 'a' is not; who leads is unknown: nothing has been read yet")
