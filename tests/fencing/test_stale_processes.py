"""A leader that was frozen for longer than its lease, and then writes: real processes, a real election."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psycopg
import pytest
import redis

from tenure.fencing.postgres import CREATE_TABLE
from tenure.testing.pytest_plugin import RunningDevServer
from tests.drivers.processes import child

LEASE_S = 1.5

POSTGRES = """
from tenure.fencing.postgres import PostgresFence
fence = PostgresFence(os.environ["STORE"])
async def write(token, text):
    async with fence.transaction(token) as connection:
        await connection.execute("INSERT INTO entry (text) VALUES (%s)", [text])
"""

POSTGRES_THREADS = """
from tenure.fencing.postgres import BlockingPostgresFence
fence = BlockingPostgresFence(os.environ["STORE"])
def write(token, text):
    with fence.transaction(token) as connection:
        connection.execute("INSERT INTO entry (text) VALUES (%s)", [text])
"""

REDIS = """
from redis.asyncio import Redis
from tenure.fencing.redis import RedisFence
fence = RedisFence(Redis.from_url(os.environ["STORE"]), "{tests}:fence")
async def write(token, text):
    await fence.write(token, ("RPUSH", "{tests}:log", text))
"""

REDIS_THREADS = """
from redis import Redis
from tenure.fencing.redis import BlockingRedisFence
fence = BlockingRedisFence(Redis.from_url(os.environ["STORE"]), "{tests}:fence")
def write(token, text):
    fence.write(token, ("RPUSH", "{tests}:log", text))
"""

# A task that escaped its term: nobody cancels it, and it writes, whatever has become of the leader.
WORK = """
async def go_on(token):
    while not goes_on():
        await asyncio.sleep(0.01)
    try:
        await write(token, f"{name} goes on")
    except StaleTokenError as error:
        say("refused", error)
    os._exit(0)
async def work(term):
    global escaped
    await fence.raise_to(term.token)
    await write(term.token, f"{name} begins")
    escaped = asyncio.create_task(go_on(term.token))
    say("leading", term.token)
    await asyncio.Event().wait()
asyncio.run(LeaderElector(lock(), identity=name, timing=Timing(lease_duration=LEASE)).run(work))
"""

# A thread cannot be cancelled, and this one does not ask.
WORK_OF_A_THREAD = """
def work(term):
    fence.raise_to(term.token)
    write(term.token, f"{name} begins")
    say("leading", term.token)
    while not goes_on():
        time.sleep(0.01)
    try:
        write(term.token, f"{name} goes on")
    except StaleTokenError as error:
        say("refused", error)
    os._exit(0)
blocking.LeaderElector(lock(), identity=name, timing=Timing(lease_duration=LEASE)).run(work)
"""


def program(name: str, *parts: str) -> str:
    names = f"""
name, LEASE = {name!r}, {LEASE_S}
def goes_on():
    return os.path.exists(kubeconfig + ".{name}-goes-on")
"""
    return names + "".join(parts)


def prepare_postgres(store: str) -> None:
    with psycopg.connect(store) as connection:
        connection.execute(CREATE_TABLE)
        connection.execute("CREATE TABLE entry (position bigserial, text text)")


def entries(store: str) -> list[str]:
    if store.startswith("redis:"):
        with redis.Redis.from_url(store, decode_responses=True) as client:
            return client.lrange("{tests}:log", 0, -1)
    with psycopg.connect(store) as connection:
        return [text for (text,) in connection.execute("SELECT text FROM entry ORDER BY position")]


@pytest.mark.parametrize(
    ("fixture", "parts"),
    [
        pytest.param("database", (POSTGRES, WORK), id="postgres"),
        pytest.param("database", (POSTGRES_THREADS, WORK_OF_A_THREAD), id="postgres-threads"),
        pytest.param("redis_url", (REDIS, WORK), id="redis"),
        pytest.param("redis_url", (REDIS_THREADS, WORK_OF_A_THREAD), id="redis-threads"),
    ],
)
def test_a_leader_that_was_frozen_is_refused(
    request: pytest.FixtureRequest,
    tenure_devserver: RunningDevServer,
    monkeypatch: pytest.MonkeyPatch,
    fixture: str,
    parts: tuple[str, str],
) -> None:
    store: str = request.getfixturevalue(fixture)
    if fixture == "database":
        prepare_postgres(store)
    monkeypatch.setenv("STORE", store)
    with child(program("a", *parts), tenure_devserver.kubeconfig) as a:
        told, old = a.says().split()
        assert told == "leading"
        a.send(signal.SIGSTOP)
        a.stopped()
        frozen = time.monotonic()
        with child(program("b", *parts), tenure_devserver.kubeconfig) as b:
            told, new = b.says().split()
            assert told == "leading"
            assert int(new) > int(old)
            time.sleep(max(0.0, frozen + LEASE_S - time.monotonic()))
            a.send(signal.SIGCONT)
            Path(f"{tenure_devserver.kubeconfig}.a-goes-on").touch()
            assert f"has seen token {new} of default/reports and refuses {old}" in a.says()
            b.send(signal.SIGKILL)
    assert entries(store) == ["a begins", "b begins"]


FROZEN_INSIDE = """
import psycopg
from tenure.fencing.postgres import BlockingPostgresFence
fence = BlockingPostgresFence(os.environ["STORE"], idle_timeout_s=2)
def work(term):
    try:
        with fence.transaction(term.token) as connection:
            connection.execute("INSERT INTO entry (text) VALUES (%s)", [f"{name} begins"])
            say("leading", term.token)
            if name == "a":
                signal.raise_signal(signal.SIGSTOP)  # in the midst of its transaction
            connection.execute("INSERT INTO entry (text) VALUES (%s)", [f"{name} goes on"])
        say("done", term.token)
    except (psycopg.errors.IdleInTransactionSessionTimeout, psycopg.OperationalError):
        say("ended by the server")
    os._exit(0)
blocking.LeaderElector(lock(), identity=name, timing=Timing(lease_duration=LEASE)).run(work)
"""


def test_a_leader_that_was_frozen_within_its_transaction_blocks_nobody_for_long(
    database: str, tenure_devserver: RunningDevServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare_postgres(database)
    monkeypatch.setenv("STORE", database)
    with child(program("a", FROZEN_INSIDE), tenure_devserver.kubeconfig) as a:
        assert a.says().startswith("leading")
        a.stopped()
        with child(program("b", FROZEN_INSIDE), tenure_devserver.kubeconfig) as b:
            assert b.says().startswith("leading")
            assert b.says().startswith("done")
            a.send(signal.SIGCONT)
            assert a.says() == "ended by the server"
    assert entries(database) == ["b begins", "b goes on"]
