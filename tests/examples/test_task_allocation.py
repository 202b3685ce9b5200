"""Every part of a job gets its result, whoever dies."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from examples.task_allocation import Member

from tenure import FencingToken, LeaderElector, StaleTokenError
from tests.examples.members import Members
from tests.sidecar.process import eventually, free_port

PARTS = [f"part-{number}" for number in range(8)]
# Notes who works on which part, and goes on when the test says so; it does not outlive the member.
COMMAND = """
part=$(cat)
echo $PPID >> started/$part
while [ -d /proc/$PPID ] && [ ! -e go ]; do sleep 0.05; done
echo "result of $part"
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    for name in ("parts", "results", "started"):
        (tmp_path / name).mkdir()
    for part in PARTS:
        (tmp_path / "parts" / part).write_text(part)
    (tmp_path / "command.sh").write_text(f"cd {tmp_path}{COMMAND}")
    return tmp_path


def workers(job: Path) -> dict[str, list[int]]:
    """Return who has begun to work on each part: process ids."""
    return {path.name: [int(pid) for pid in path.read_text().split()] for path in (job / "started").iterdir()}


@pytest.mark.parametrize("victim", ["leader", "follower"])
def test_all_parts_are_done_when_a_member_dies_at_work(members: Members, job: Path, victim: str) -> None:
    names = [f"127.0.0.1:{free_port()}" for _ in range(3)]
    folders = (f"--parts={job / 'parts'}", f"--results={job / 'results'}")
    for name in names:
        members.start("task_allocation.py", name, *folders, "sh", str(job / "command.sh"))
    eventually(lambda: sum(map(len, workers(job).values())) == len(names))
    leader = members.leader()
    dead = leader if victim == "leader" else next(name for name in names if name != leader)
    [lost] = [part for part, pids in workers(job).items() if members.pid(dead) in pids]
    members.kill(dead)
    (job / "go").touch()

    if victim == "follower":  # what the dead one had is handed out again by the very leader that gave it
        members.wait(leader)
        assert {path.name for path in (job / "results").iterdir()} >= set(PARTS)
    left = [name for name in names if name != dead]
    assert [members.wait(name) for name in left] == [0, 0]
    results = {path.name: path.read_text() for path in (job / "results").iterdir()}
    assert results == {part: f"result of {part}\n" for part in PARTS}
    assert set(workers(job)[lost]) & {members.pid(name) for name in left}


def test_a_leader_that_is_told_to_end_hands_over(members: Members, job: Path) -> None:
    names = [f"127.0.0.1:{free_port()}" for _ in range(2)]
    folders = (f"--parts={job / 'parts'}", f"--results={job / 'results'}")
    for name in names:
        members.start(
            "task_allocation.py", name, *folders, "sh", str(job / "command.sh"), lease_duration_s=300
        )
    eventually(lambda: sum(map(len, workers(job).values())) == len(names))
    leader = members.leader()
    assert members.terminate(leader) == 143
    (job / "go").touch()
    [other] = set(names) - {leader}
    assert members.wait(other) == 0
    assert {path.name for path in (job / "results").iterdir()} == set(PARTS)


async def ask(job: Path, token: int) -> bool:
    """Ask a leader with this token for a part, after one with token 5."""

    answered = asyncio.Event()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(json.dumps({"part": PARTS[0], "token": str(token)}).encode() + b"\n")
        await reader.readline()
        writer.close()
        await writer.wait_closed()
        answered.set()

    member = Member(LeaderElector("example", identity="member"), job / "parts", job / "results", ["cat"])
    await member.fence.raise_to(FencingToken(0, 5))
    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        return await member.work_on_next_part(f"{host}:{port}")
    except StaleTokenError:
        return False
    finally:
        await answered.wait()
        server.close()


@pytest.mark.parametrize(("token", "obeyed"), [(4, False), (5, True), (6, True)])
def test_an_older_leader_is_not_obeyed(job: Path, token: int, obeyed: bool) -> None:
    assert asyncio.run(ask(job, token)) is obeyed
    assert [path.name for path in (job / "results").iterdir()] == ([PARTS[0]] if obeyed else [])
