"""The fence in PostgreSQL among transactions that are open at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from tenure import FencingToken, StaleTokenError
from tenure.fencing import postgres
from tenure.fencing.postgres import CREATE_TABLE, BlockingPostgresFence
from tests.sidecar.process import eventually

OLD, NEW = FencingToken(0, 9, "default/reports"), FencingToken(0, 10, "default/reports")
GIVE_UP_S = 60  # a hang guard, nothing that a test measures


class Scene:
    """Transactions in threads, and who of them waits for a lock."""

    def __init__(self, conninfo: str) -> None:
        self.conninfo = conninfo
        self.fence = BlockingPostgresFence(conninfo)
        self._looker = psycopg.connect(conninfo, autocommit=True)
        self._looker.execute(CREATE_TABLE)
        self._looker.execute("CREATE TABLE entry (position bigserial, text text)")
        self._threads = ThreadPoolExecutor(16)
        self._let_go: list[threading.Event] = []

    def begin(
        self, token: FencingToken, text: str
    ) -> tuple[Future[None], threading.Event, Callable[[], None]]:
        """Begin a transaction: its end, whether it is past the fence, and what lets it write and commit."""
        is_inside, may_end = threading.Event(), threading.Event()
        self._let_go.append(may_end)

        def run() -> None:
            with self.fence.transaction(token) as connection:
                is_inside.set()
                assert may_end.wait(GIVE_UP_S)
                connection.execute("INSERT INTO entry (text) VALUES (%s)", [text])

        return self._threads.submit(run), is_inside, may_end.set

    def raise_to(self, token: FencingToken) -> Future[None]:
        return self._threads.submit(self.fence.raise_to, token)

    def waiting(self) -> int:
        [(count,)] = self._looker.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return int(count)

    def entries(self) -> list[str]:
        return [text for (text,) in self._looker.execute("SELECT text FROM entry ORDER BY position")]

    def close(self) -> None:
        for event in self._let_go:
            event.set()
        self._threads.shutdown()
        self._looker.close()


@pytest.fixture
def scene(database: str) -> Iterator[Scene]:
    scene = Scene(database)
    try:
        yield scene
    finally:
        scene.close()


def test_transactions_of_one_term_run_side_by_side(scene: Scene) -> None:
    scene.fence.raise_to(OLD)
    begun = [scene.begin(OLD, str(number)) for number in range(4)]
    for _, is_inside, _ in begun:
        assert is_inside.wait(GIVE_UP_S)
    for ended, _, let_end in reversed(begun):
        let_end()
        ended.result(GIVE_UP_S)
    assert scene.entries() == ["3", "2", "1", "0"]


def test_a_raise_waits_for_the_older_term_and_then_shuts_it_out(scene: Scene) -> None:
    scene.fence.raise_to(OLD)
    ended, is_inside, let_end = scene.begin(OLD, "in time")
    assert is_inside.wait(GIVE_UP_S)
    raised = scene.raise_to(NEW)
    eventually(lambda: scene.waiting() == 1)
    late, late_is_inside, let_late_end = scene.begin(OLD, "late")
    eventually(lambda: scene.waiting() == 2)  # behind the raise, which it may not pass by
    assert not raised.done()
    assert not late_is_inside.is_set()
    let_end()
    let_late_end()
    ended.result(GIVE_UP_S)
    raised.result(GIVE_UP_S)
    with pytest.raises(StaleTokenError):
        late.result(GIVE_UP_S)
    assert scene.entries() == ["in time"]


def test_without_the_gate_the_older_term_passes_by_a_raise(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why there is an advisory lock: a busy old leader could go on like this for ever."""
    for name in ("_SHARE", "_RAISE"):
        statement = getattr(postgres, name)
        for lock in (b"pg_advisory_xact_lock_shared", b"pg_advisory_xact_lock"):
            statement = statement.replace(lock + b"(hashtextextended(", b"abs(hashtextextended(")
        monkeypatch.setattr(postgres, name, statement)
    scene.fence.raise_to(OLD)
    first, is_inside, let_end = scene.begin(OLD, "in time")
    assert is_inside.wait(GIVE_UP_S)
    raised = scene.raise_to(NEW)
    eventually(lambda: scene.waiting() == 1)
    late, late_is_inside, let_late_end = scene.begin(OLD, "late")
    assert late_is_inside.wait(GIVE_UP_S)
    for let in (let_end, let_late_end):
        let()
    for ended in (first, late, raised):
        ended.result(GIVE_UP_S)


def test_without_any_lock_an_older_term_writes_after_the_newer(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Why the check is not a mere SELECT: the token is good when it is looked at, and old when it commits."""
    without = postgres._SHARE.replace(b"FOR SHARE", b"").replace(b"pg_advisory_xact_lock_shared(", b"abs(")
    monkeypatch.setattr(postgres, "_SHARE", without)
    scene.fence.raise_to(OLD)
    late, is_inside, let_late_end = scene.begin(OLD, "old")
    assert is_inside.wait(GIVE_UP_S)
    ended, _, let_end = scene.begin(NEW, "new")
    let_end()
    ended.result(GIVE_UP_S)
    let_late_end()
    late.result(GIVE_UP_S)
    assert scene.entries() == ["new", "old"]


@pytest.mark.parametrize("first", [None, OLD], ids=["no row yet", "an older token"])
def test_many_who_begin_a_term_at_once_do_not_block_each_other(
    scene: Scene, first: FencingToken | None
) -> None:
    """They would block each other, if they first shared the fence and then all wanted it for themselves."""
    if first:
        scene.fence.raise_to(first)
    begun = [scene.begin(NEW, str(number)) for number in range(8)]
    for _, _, let_end in begun:
        let_end()
    for ended, _, _ in begun:
        ended.result(GIVE_UP_S)
    assert sorted(scene.entries()) == [str(number) for number in range(8)]


def test_a_raise_that_is_rolled_back_lets_the_older_term_go_on(scene: Scene) -> None:
    scene.fence.raise_to(OLD)
    with psycopg.connect(scene.conninfo) as connection:
        scene.fence.check(connection, NEW)
        ended, _, let_end = scene.begin(OLD, "goes on")
        eventually(lambda: scene.waiting() == 1)
        connection.rollback()
    let_end()
    ended.result(GIVE_UP_S)
    assert scene.entries() == ["goes on"]


@contextmanager
def repeatable(conninfo: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(conninfo) as connection:
        connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        yield connection


def test_at_repeatable_read_a_raise_meanwhile_is_a_serialization_failure(scene: Scene) -> None:
    """Its snapshot still shows the older token; the row lock knows better."""
    scene.fence.raise_to(OLD)
    with repeatable(scene.conninfo) as connection:
        connection.execute("SELECT 1 FROM tenure_fence")  # takes the snapshot
        scene.fence.raise_to(NEW)
        with pytest.raises(psycopg.errors.SerializationFailure):
            scene.fence.check(connection, OLD)


def test_a_leader_that_idles_in_its_transaction_is_ended_by_the_server(scene: Scene) -> None:
    scene.fence.raise_to(OLD)
    impatient = BlockingPostgresFence(scene.conninfo, idle_timeout_s=0.2)
    # Which of them depends on whether psycopg reads the last message of a session that was closed.
    ended = pytest.raises((psycopg.errors.IdleInTransactionSessionTimeout, psycopg.OperationalError))
    with ended, impatient.transaction(OLD) as connection:
        scene.fence.raise_to(NEW)  # comes through while the older transaction has not ended by itself
        connection.execute("INSERT INTO entry (text) VALUES ('late')")
    assert scene.entries() == []
