"""The outlook, at moments at which no event can have told anything."""

from __future__ import annotations

import asyncio
import time

from tenure.elector import LeaderElector
from tenure.locks.memory import MemoryLock
from tenure.sidecar.app import App
from tenure.sidecar.outlook import Outlook, Standing
from tenure.term import Term
from tenure.timing import Timing
from tenure.token import FencingToken
from tests.sidecar.asgi import answer_of


async def hold(term: Term) -> None:
    """Hold a term until it ends."""
    await term.wait_ending()


def test_a_term_that_ran_out_while_the_loop_was_blocked_is_over() -> None:
    async def main() -> None:
        elector = LeaderElector(MemoryLock("blocked"), identity="a", timing=Timing(lease_duration=0.6))
        outlook = Outlook(elector)
        async with elector.running(hold):
            while not outlook.look().is_leader:
                await outlook.news
            before = outlook.look()
            time.sleep(0.5)  # noqa: ASYNC251  # the loop is to be blocked
            after = outlook.look()
            assert before.holder == "a"
            assert after == Standing(None, reason="this candidate's own term has run out")

    asyncio.run(main())


def test_a_renewal_loop_that_is_stuck_past_the_lease_is_unhealthy() -> None:
    async def main() -> None:
        elector = LeaderElector(MemoryLock("stuck"), identity="a", timing=Timing(lease_duration=0.6))
        outlook = Outlook(elector)
        async with elector.running(hold):
            while not outlook.look().is_leader:
                await outlook.news
            assert not outlook.is_stuck()
            time.sleep(0.7)  # noqa: ASYNC251  # the loop is to be blocked
            assert outlook.is_stuck()
            await outlook.settle()
            assert not outlook.is_stuck()  # it was only late, and has noticed by now

    asyncio.run(main())


def test_health_tells_of_a_loop_that_stays_stuck() -> None:
    class Stuck(Outlook):
        """The elector's timers never fire."""

        def is_stuck(self) -> bool:
            return True

    async def main() -> tuple[int, bytes]:
        return await answer_of(App(Stuck(LeaderElector(MemoryLock("x"), identity="a"))), "/healthz")

    status, body = asyncio.run(main())
    assert status == 503
    assert b"stuck" in body


def test_nothing_is_known_after_the_end_and_before_the_start() -> None:
    async def main() -> None:
        outlook = Outlook(LeaderElector(MemoryLock("x"), identity="a"))
        assert outlook.look() == Standing(None, reason="not campaigning yet")
        outlook.waiting("an older one leads")
        assert outlook.look().reason == "an older one leads"
        news = outlook.news
        outlook.end()
        assert news.done()
        assert outlook.look() == Standing(None, reason="this candidate is ending")

    asyncio.run(main())


def test_validity_is_rounded_down_and_never_negative() -> None:
    standing = Standing("a", True, FencingToken(0, 1), valid_until=10.0)
    assert standing.valid_for_ms(8.0001) == 1999
    assert standing.valid_for_ms(10.5) == 0
    assert Standing("b").valid_for_ms(0.0) == 0
