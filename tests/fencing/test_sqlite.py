"""SqliteFence: refusals survive the process; a raise waits for those who hold, and keeps others out."""

from __future__ import annotations

import asyncio
import signal
import sqlite3
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest

from tenure import ConfigurationError, FenceBusyError, FencingToken, StaleTokenError
from tenure.fencing.sqlite import BlockingSqliteFence, SqliteFence
from tests.drivers.tools import play, wait_until
from tests.fencing.writes import Write, violations

OLD, NEW = FencingToken(0, 4, "default/a"), FencingToken(0, 5, "default/a")


def test_lower_is_refused_and_equal_passes_also_to_another_process(tmp_path: Path) -> None:
    async def story() -> None:
        fence = SqliteFence(tmp_path / "fence.db")
        await fence.raise_to(OLD)
        await fence.raise_to(OLD)
        await fence.raise_to(NEW)
        with pytest.raises(
            StaleTokenError, match=r"fence fence\.db has seen token 5 of default/a and refuses"
        ):
            await fence.raise_to(OLD)
        await fence.raise_to(FencingToken(1, 0, "default/a"))

    play(story())
    code = (
        "import sys; from tenure import *; from tenure.fencing.sqlite import BlockingSqliteFence\n"
        "try: BlockingSqliteFence(sys.argv[1]).raise_to(FencingToken(0, 2**64 - 1, 'default/a'))\n"
        "except StaleTokenError: print('refused')"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "fence.db")]
    assert subprocess.run(command, check=True, capture_output=True, text=True).stdout == "refused\n"


def test_a_token_of_another_election_is_an_error(tmp_path: Path) -> None:
    fence = BlockingSqliteFence(tmp_path / "fence.db")
    fence.raise_to(OLD)
    with pytest.raises(TypeError, match="two elections"):
        fence.raise_to(FencingToken(0, 9, "default/b"))


def test_a_file_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="unable to open database file: it needs a writable file"):
        SqliteFence(tmp_path / "missing" / "fence.db")
    (tmp_path / "text").write_text("no database at all, but of some length")
    with pytest.raises(ConfigurationError, match="file is not a database"):
        SqliteFence(tmp_path / "text")


def test_a_file_in_wal_mode_is_taken_out_of_it_or_refused(tmp_path: Path) -> None:
    path = tmp_path / "fence.db"
    with closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("BEGIN")
        other.execute("SELECT * FROM sqlite_master").fetchall()
        with pytest.raises(ConfigurationError, match=r"locked|journal mode is wal"):
            SqliteFence(path)
    SqliteFence(path)
    with closing(sqlite3.connect(path)) as other:
        assert other.execute("PRAGMA journal_mode").fetchone() == ("delete",)


def test_a_raise_waits_for_those_who_hold_and_keeps_others_out(tmp_path: Path) -> None:
    async def story() -> None:
        fence, events = SqliteFence(tmp_path / "fence.db"), list[str]()

        async def newer() -> None:
            async with fence.holding(NEW):
                events.append("new")

        async def older() -> None:
            try:
                async with fence.holding(OLD):
                    events.append("old slipped in")
            except StaleTokenError:
                events.append("old refused")

        async with asyncio.TaskGroup() as group, fence.holding(OLD), fence.holding(OLD):
            group.create_task(newer())
            await asyncio.sleep(0)  # it has begun to raise now
            late = [group.create_task(older()) for _ in range(3)]
            await asyncio.wait(late, timeout=0.1)
            assert events == []
        assert sorted(events) == ["new", "old refused", "old refused", "old refused"]

    play(story())


def test_patience_ends_and_nothing_is_changed(tmp_path: Path) -> None:
    async def story() -> None:
        fence = SqliteFence(tmp_path / "fence.db", patience=0.05)
        async with fence.holding(OLD):
            with pytest.raises(FenceBusyError, match=r"earlier term are still being handled after 0\.05 s"):
                await fence.raise_to(NEW)
            await fence.raise_to(OLD)
        await fence.raise_to(OLD)
        await fence.raise_to(NEW)

    play(story())


def test_a_raise_that_is_cancelled_did_not_happen(tmp_path: Path) -> None:
    async def story() -> None:
        fence = SqliteFence(tmp_path / "fence.db")
        async with fence.holding(OLD):
            raising = asyncio.create_task(fence.raise_to(NEW))
            await asyncio.sleep(0)
            raising.cancel()
            await asyncio.wait([raising])
            await fence.raise_to(OLD)

    play(story())


HOLD = """
import sys, time
from tenure import *; from tenure.fencing.sqlite import BlockingSqliteFence
with BlockingSqliteFence(sys.argv[1]).holding(FencingToken(0, 4, "default/a")):
    print("holding", flush=True)
    time.sleep(60)
"""


def test_a_process_that_dies_holds_no_longer(tmp_path: Path) -> None:
    path = tmp_path / "fence.db"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(path)], stdout=subprocess.PIPE) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == b"holding\n"
        with pytest.raises(FenceBusyError):
            BlockingSqliteFence(path, patience=0.05).raise_to(NEW)
        holder.send_signal(signal.SIGSTOP)
        with pytest.raises(FenceBusyError):
            BlockingSqliteFence(path, patience=0.05).raise_to(NEW)
        holder.kill()
        BlockingSqliteFence(path).raise_to(NEW)


def test_threads_of_two_terms_at_once(tmp_path: Path) -> None:
    fence, history = BlockingSqliteFence(tmp_path / "fence.db"), list[Write]()
    halfway = threading.Event()

    def write(token: FencingToken, name: str) -> str:
        for number in range(50 if token is NEW else 10**6):
            try:
                with fence.holding(token):
                    history.append(Write(int(token), f"{name}.{number}"))
            except StaleTokenError:
                return "refused"
            if len(history) > 30:
                halfway.set()
        return "done"

    with ThreadPoolExecutor(10) as pool:
        older = [pool.submit(write, OLD, f"old-{number}") for number in range(5)]
        wait_until(halfway.is_set)
        newer = [pool.submit(write, NEW, f"new-{number}") for number in range(5)]
        assert [each.result() for each in older] == ["refused"] * 5
        assert [each.result() for each in newer] == ["done"] * 5
    assert violations(history, history) == []
    assert sum(write.token == 5 for write in history) == 250
