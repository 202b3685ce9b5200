"""`tenure.blocking`: the same outcomes, with the body in the calling thread."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tenure import LeadershipLostError, MemoryLock, PermissionDeniedError, blocking
from tenure.events import CampaignStarted, Elected, Lost, Released
from tests.drivers.tools import QUICK, ROOMY, FaultyLock, Recorder, holder_of, open_files, wait_until


@pytest.fixture(autouse=True)
def nothing_stays() -> Iterator[None]:
    """Every test leaves no thread and no file descriptor behind."""
    threads, files = set(threading.enumerate()), open_files()
    yield
    wait_until(lambda: set(threading.enumerate()) <= threads)
    assert open_files() <= files


@pytest.fixture
def lock() -> MemoryLock:
    return MemoryLock()


def make(lock: MemoryLock | FaultyLock, identity: str = "a") -> tuple[blocking.LeaderElector, Recorder]:
    elector = blocking.LeaderElector(lock, identity=identity, timing=ROOMY)
    recorder = Recorder()
    elector.subscribe(recorder)
    return elector, recorder


def test_result_is_returned_after_the_release(lock: MemoryLock) -> None:
    elector, seen = make(lock)

    def work(term: blocking.Term) -> int:
        assert threading.current_thread() is threading.main_thread()
        assert elector.is_leader()
        assert elector.leader == "a"
        assert elector.latest.token == term.token
        term.check(remaining_s=0.1)
        assert not term.wait_ending(timeout=0)
        return 42

    assert elector.run(work) == 42
    assert holder_of(lock) == ""
    assert seen.seen(Released) == 1


def test_a_thread_of_a_pool(lock: MemoryLock) -> None:
    elector, _ = make(lock)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(elector.run, lambda term: threading.current_thread().name).result() != "MainThread"
    assert holder_of(lock) == ""


def test_error_of_the_work_is_raised_after_the_release(lock: MemoryLock) -> None:
    elector, _ = make(lock)

    def work(term: blocking.Term) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError, match="mine"):
        elector.run(work)
    assert holder_of(lock) == ""


def test_an_error_of_the_work_is_told_once(lock: MemoryLock, caplog: pytest.LogCaptureFixture) -> None:
    """asyncio logs what nobody has asked a future for, when that is collected as garbage."""
    elector, _ = make(lock)

    def work(term: blocking.Term) -> None:
        raise LookupError("mine")

    with pytest.raises(LookupError):
        elector.run(work)
    gc.collect()
    assert "never retrieved" not in caplog.text


@pytest.mark.parametrize("checks", [True, False])
def test_loss_ends_the_work_and_campaigns_again(lock: MemoryLock, checks: bool) -> None:
    elector, seen = make(lock)
    turns: list[blocking.Term] = []

    def work(term: blocking.Term) -> str:
        turns.append(term)
        if len(turns) > 1:
            return "second"
        lock.delete()
        assert term.wait_ending()
        if checks:
            term.check()
        assert not term.is_valid()
        assert seen.seen(CampaignStarted) == 1
        return "stale"

    assert elector.run(work) == "second"
    assert seen.seen(Lost) == 1
    assert len(turns) == 2


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit])
def test_an_interrupt_or_exit_of_the_work_releases_and_campaigns_no_more(
    lock: MemoryLock, error: type[BaseException]
) -> None:
    elector, seen = make(lock)

    def work(term: blocking.Term) -> None:
        raise error

    for _ in range(10):
        with pytest.raises(error):
            elector.run(work)
    assert holder_of(lock) == ""
    assert seen.seen(Elected) == 10


@pytest.mark.parametrize("way", ["run", "term", "observer"])
def test_an_interrupt_while_waiting(lock: MemoryLock, way: str) -> None:
    holder, _ = make(lock)
    elector, _ = make(lock, "b")

    def wait() -> None:
        if way == "run":
            elector.run(lambda term: None)
        elif way == "term":
            with elector.term():
                raise AssertionError("there is a leader")
        else:
            with blocking.LeaderObserver(lock) as seen:
                list(seen.changes())

    def interrupt() -> None:
        wait_until(lambda: way == "observer" or elector.leader == "a")
        time.sleep(0.05)
        os.kill(os.getpid(), signal.SIGINT)

    with holder.term():
        interrupter = threading.Thread(target=interrupt)
        interrupter.start()
        with pytest.raises(KeyboardInterrupt):
            wait()
        interrupter.join()
        assert holder_of(lock) == "a"
    assert holder_of(lock) == ""


def test_term(lock: MemoryLock) -> None:
    elector, _ = make(lock)
    with elector.term() as term:
        assert holder_of(lock) == "a"
        with pytest.raises(RuntimeError, match="in use"):
            elector.run(lambda term: None)
        assert term.is_valid()
    assert holder_of(lock) == ""
    assert not term.is_valid()


def test_term_that_was_lost(lock: MemoryLock) -> None:
    elector, _ = make(lock)
    with pytest.raises(LeadershipLostError, match="deleted"), elector.term() as term:
        lock.delete()
        assert term.wait_ending()


def test_error_of_the_block(lock: MemoryLock) -> None:
    elector, _ = make(lock)
    with pytest.raises(LookupError), elector.term():
        raise LookupError
    assert holder_of(lock) == ""


def test_running(lock: MemoryLock, caplog: pytest.LogCaptureFixture) -> None:
    elector, seen = make(lock)
    worked: list[str] = []

    def work(term: blocking.Term) -> None:
        worked.append(threading.current_thread().name)
        if len(worked) == 1:
            raise LookupError("mine")
        assert term.wait_ending()
        assert term.is_valid()
        worked.append("drained")

    with elector.running(work) as same:
        assert same is elector
        wait_until(lambda: len(worked) == 2)
        assert elector.is_leader()
    assert worked[-1] == "drained"
    assert holder_of(lock) == ""
    assert "the work failed" in caplog.text
    assert seen.seen(Released) == 2


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_work_that_exits_its_thread_ends_its_term(lock: MemoryLock) -> None:
    elector, seen = make(lock)

    def work(term: blocking.Term) -> None:
        if seen.seen(Elected) == 1:
            raise SystemExit
        term.wait_ending()

    with elector.running(work):
        wait_until(lambda: seen.seen(Elected) == 2)
    assert holder_of(lock) == ""


def _refused(lock: MemoryLock) -> FaultyLock:
    async def refuse(operation: str) -> None:
        raise PermissionDeniedError("get leases is missing")

    faulty = FaultyLock(lock)
    faulty.before = refuse
    return faulty


def _enter(manager: Callable[[], object]) -> Callable[[], object]:
    def enter() -> None:
        with manager():  # type: ignore[attr-defined]
            raise AssertionError("it must not be entered")

    return enter


def test_permission_that_is_missing(lock: MemoryLock) -> None:
    elector, _ = make(_refused(lock))
    observer = blocking.LeaderObserver(_refused(lock))
    for way in (
        lambda: elector.run(lambda term: None),
        _enter(elector.term),
        _enter(lambda: elector.running(lambda term: None)),
        _enter(lambda: observer),
    ):
        with pytest.raises(PermissionDeniedError):
            way()


def test_coroutine_functions_are_refused(lock: MemoryLock) -> None:
    elector, _ = make(lock)

    async def work(term: blocking.Term) -> None: ...

    with pytest.raises(TypeError, match=r"tenure\.LeaderElector"):
        elector.run(work)
    with pytest.raises(TypeError, match="plain function"):
        elector.run("work")  # type: ignore[arg-type]


def test_observer_and_changes(lock: MemoryLock) -> None:
    elector, _ = make(lock)
    with blocking.LeaderObserver(lock, timing=QUICK) as seen:
        assert seen.leader == ""
        leaders = []
        with elector.term():
            for change in seen.changes():
                leaders.append(change.leader)
                if change.leader == "a":
                    break
        assert leaders[-1] == "a"
        wait_until(lambda: seen.leader == "")
    assert seen.leader is None


def test_changes_of_an_elector_come_to_several_threads(lock: MemoryLock) -> None:
    elector, _ = make(lock)

    def first_leader() -> str:
        return next(change.leader for change in elector.changes() if change.leader)

    with ThreadPoolExecutor(3) as pool:
        answers = [pool.submit(first_leader) for _ in range(3)]
        with elector.term():
            assert [answer.result() for answer in answers] == ["a"] * 3


def test_blocked_threads_do_not_delay_renewals(lock: MemoryLock) -> None:
    elector = blocking.LeaderElector(lock, identity="a", timing=QUICK)

    def work(term: blocking.Term) -> bool:
        time.sleep(2 * QUICK.lease_duration)
        return term.is_valid()

    assert elector.run(work)


def test_within_a_running_event_loop(lock: MemoryLock) -> None:
    elector, _ = make(lock)

    async def main() -> bool:
        return await asyncio.to_thread(elector.run, lambda term: term.is_valid())

    assert asyncio.run(main())
