"""Task allocation: the leader hands out the parts of a job, and all members, itself included, work on them.

A member's identity is its own address, so `elector.leader` tells everybody where to ask. A part is a file in
--parts: COMMAND reads it on its standard input, what it prints becomes the file of that name in --results.
While a member works it keeps its connection to the leader; if that breaks, the part is handed out again, and
so is everything without a result when another leader begins. So a part may be worked on twice: results appear
as a whole, and one replaces the other, its equal. An answer carries the fencing token, and every member has a
fence: it obeys no older leader than one heard before. That fence may be in memory, since it guards the member
and nothing that outlives it. (Members trust their network; where they cannot, give both ends an SSL context.)

    python examples/task_allocation.py --election=job --kubeconfig=dev.kubeconfig \
        --identity=127.0.0.1:7001 --parts=parts --results=results sha256sum
"""

from __future__ import annotations

import argparse
import asyncio
import json
import logging
from asyncio.subprocess import PIPE
from contextlib import closing
from pathlib import Path

from tenure import FencingToken, LeaderElector, StaleTokenError, Term, Timing
from tenure.fencing.memory import MemoryFence

PAUSE_S, ANSWER_S, WORK_S = 1.0, 5.0, 600.0


class Member:
    """Asks the leader for parts to work on, and hands them out when it is the leader."""

    def __init__(self, elector: LeaderElector, parts: Path, results: Path, command: list[str]) -> None:
        self.elector, self.parts, self.results, self.command = elector, parts, results, command
        self.term: Term | None = None
        self.todo: asyncio.Queue[str] = asyncio.Queue()
        self.fence = MemoryFence()

    async def lead(self, term: Term) -> None:
        """Hand out every part that has no result, until all have one."""
        self.term, self.todo = term, asyncio.Queue()
        for part in sorted(path.name for path in self.parts.iterdir()):
            if not (self.results / part).exists():
                self.todo.put_nowait(part)
        await self.todo.join()

    async def hand_out(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Give one part away and wait for its end; who gets no answer asks again, whoever leads by then."""
        with closing(writer):
            if self.term is None or not self.term.is_valid() or self.todo.empty():
                return
            todo, report = self.todo, b""
            part = todo.get_nowait()
            try:
                writer.write(json.dumps({"part": part, "token": str(self.term.token)}).encode() + b"\n")
                async with asyncio.timeout(WORK_S):
                    report = await reader.readline()
            except OSError as error:
                print(f"whoever worked on {part} has vanished: {error!r}", flush=True)
            if report != b"done\n":
                todo.put_nowait(part)
            todo.task_done()

    async def work(self) -> None:
        """Work on one part after the other."""
        while True:
            try:
                worked = await self.work_on_next_part(self.elector.leader)
            except (OSError, ValueError, StaleTokenError) as error:
                print(f"no part done: {error!r}", flush=True)
                worked = False
            if not worked:
                await asyncio.sleep(PAUSE_S)

    async def work_on_next_part(self, leader: str | None) -> bool:
        """Ask for a part, work on it, report it done; return whether there was one."""
        if not leader:
            return False
        host, _, port = leader.rpartition(":")
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_connection(host, int(port))
        with closing(writer):
            async with asyncio.timeout(ANSWER_S):
                answer = json.loads(await reader.readline() or "null")
            if not answer:
                return False
            await self.fence.raise_to(FencingToken.parse(answer["token"]))
            await self.produce(answer["part"])
            writer.write(b"done\n")
        return True

    async def produce(self, part: str) -> None:
        """Run the command on one part; its result appears as a whole or not at all."""
        with (self.parts / part).open("rb") as source:
            process = await asyncio.create_subprocess_exec(*self.command, stdin=source, stdout=PIPE)
        try:
            result, _ = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
        if process.returncode:
            raise ValueError(f"{self.command[0]} failed on {part} with status {process.returncode}")
        unfinished = self.results / f".{part}.{self.elector.identity}"
        unfinished.write_bytes(result)
        unfinished.replace(self.results / part)


async def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--election", required=True)
    options.add_argument("--kubeconfig", help="default: the Pod's own configuration")
    options.add_argument("--identity", required=True, metavar="HOST:PORT", help="where others reach this one")
    options.add_argument("--lease-duration", type=float, default=15.0, metavar="SECONDS")
    options.add_argument("--parts", type=Path, required=True, metavar="FOLDER")
    options.add_argument("--results", type=Path, required=True, metavar="FOLDER")
    options.add_argument("command", nargs="+", metavar="COMMAND")
    given = options.parse_args()
    logging.basicConfig(level=logging.INFO)

    timing = Timing(lease_duration=given.lease_duration)
    elector = LeaderElector(
        given.election, identity=given.identity, kubeconfig=given.kubeconfig, timing=timing
    )
    member = Member(elector, given.parts, given.results, given.command)
    host, _, port = given.identity.rpartition(":")
    with closing(await asyncio.start_server(member.hand_out, host, int(port))):
        async with asyncio.TaskGroup() as tasks:
            working = tasks.create_task(member.work())
            await elector.run(member.lead)  # comes back when nothing is left to do
            working.cancel()


if __name__ == "__main__":
    asyncio.run(main())
