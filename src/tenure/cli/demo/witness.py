"""Witness: whether two of the demo's members ever lead at the same moment."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tenure.cli.demo.member import DemoFailedError, Member
from tenure.clock import boot_time

__all__ = ["Witness"]

_PERIOD_S = 0.05


@dataclass(slots=True)
class _Term:
    """What is certain of one term: it ran from the first answer that told of it to the last question."""

    leader: str
    since: float
    until: float


class Witness:
    """Asks every member all the time whether it leads.

    An answer was true at some moment between its question and its arrival. So a term that was told of twice
    has lasted at least from the arrival of the first answer to the sending of the last question, however
    slow everything is: two such stretches that overlap are two leaders at once.

    Args:
        members: whom to ask; who does not run gives no answer.

    Attributes:
        answers: how many there were.
    """

    def __init__(self, members: Iterable[Member]) -> None:
        self._members = tuple(members)
        self._terms: dict[str, _Term] = {}
        self.answers = 0

    async def watch(self) -> None:
        """Ask until this is cancelled."""
        async with asyncio.TaskGroup() as group:
            for member in self._members:
                group.create_task(self._keep_asking(member))

    def check(self) -> None:
        """Raise `DemoFailedError` if two were seen to lead at once."""
        terms = sorted(self._terms.values(), key=lambda term: term.since)
        for number, earlier in enumerate(terms):
            for later in terms[number + 1 :]:
                if later.since <= min(earlier.until, later.until):
                    raise DemoFailedError(f"{earlier.leader} and {later.leader} led at the same moment")

    async def _keep_asking(self, member: Member) -> None:
        while True:
            asked_at = boot_time()
            told = await _ask(member)
            if told is not None:
                self.answers += 1
                if told["is_leader"]:
                    self._note(member.name, told["token"], asked_at)
            await asyncio.sleep(_PERIOD_S)

    def _note(self, leader: str, token: str, asked_at: float) -> None:
        # Of one answer nothing is certain: it stands for a stretch of less than no time.
        term = self._terms.setdefault(f"{leader} {token}", _Term(leader, boot_time(), asked_at))
        term.until = asked_at


async def _ask(member: Member) -> dict[str, Any] | None:
    """Return what a member answers; None: nothing."""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", member.port)
    except OSError:
        return None
    try:
        writer.write(b"GET /leader HTTP/1.0\r\n\r\n")
        answer = await reader.read()
    except OSError:
        return None
    finally:
        writer.close()
    _, _, body = answer.partition(b"\r\n\r\n")
    told: dict[str, Any] | None = json.loads(body) if body else None
    return told
