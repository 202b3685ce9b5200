"""Scenes: the ways in which leadership changes, each again and again in one process."""

from __future__ import annotations

import asyncio
import itertools

from tenure import LeaderElector, Term, blocking
from tests.endurance.audience import Audience
from tests.endurance.baton import Baton, wait_until
from tests.endurance.ground import Ground
from tests.endurance.relay import Relay

__all__ = ["SCENES", "by_lifetime", "by_loss", "by_release", "in_threads"]

_LOOK_IN_EVERY = 25  # changes; who comes for a moment costs more than the change itself


async def by_release(ground: Ground, relay: Relay) -> Audience:
    """Two electors hand the term to and fro."""
    a, b = (LeaderElector(ground.lock(), identity=name) for name in ("a", "b"))
    audience, baton = Audience([a, b]), Baton()
    a.subscribe(baton.hear)
    b.subscribe(baton.hear)

    async def campaign(elector: LeaderElector, other: LeaderElector) -> None:
        name = elector.identity
        while not relay.is_over:
            async with elector.term():
                baton.take(name)
                if relay.is_over:
                    return
                await baton.until(lambda: baton.is_awaited(name, other.identity, other))
                if relay.changes % _LOOK_IN_EVERY == 0:
                    await audience.look_in()
                await relay.passed()
            baton.give(name)
            await baton.until(lambda: relay.is_over or baton.is_taken_from(name))

    async with audience.seated(ground):
        await asyncio.gather(campaign(a, b), campaign(b, a))
    return audience


async def by_loss(ground: Ground, relay: Relay) -> Audience:
    """The record is emptied or deleted under whoever leads, who may well be the next to lead again.

    Both electors go on in one long `run`.
    """
    electors = [LeaderElector(ground.lock(), identity=name) for name in ("a", "b")]
    audience = Audience(electors)
    accident = itertools.cycle([ground.empty, ground.empty, ground.empty, ground.delete])

    async def campaign(elector: LeaderElector) -> None:
        async def work(term: Term) -> None:
            await relay.passed()
            if not relay.is_over:
                next(accident)()
                await asyncio.Event().wait()

        await elector.run(work)

    async with audience.seated(ground):
        await asyncio.gather(*map(campaign, electors))
    return audience


async def by_lifetime(ground: Ground, relay: Relay) -> Audience:
    """Electors and observers are made, used for one term and thrown away."""

    async def work(term: Term) -> None:
        term.check()

    audience = Audience([])
    while not relay.is_over:
        elector = LeaderElector(ground.lock(), identity=f"candidate {relay.changes}")
        audience = Audience([elector])
        async with audience.seated(ground):
            await elector.run(work)
            await audience.look_in()
        await relay.passed()
    return audience


async def in_threads(ground: Ground, relay: Relay) -> Audience:
    """Two blocking electors, each in a thread of its own, hand the term to and fro."""
    loop, baton = asyncio.get_running_loop(), Baton()
    electors = {name: blocking.LeaderElector(ground.lock(), identity=name) for name in ("a", "b")}

    def campaign(name: str, other: str) -> None:
        def work(term: blocking.Term) -> None:
            baton.take(name)
            if not relay.is_over:
                wait_until(lambda: baton.is_awaited(name, other, electors[other]))
                asyncio.run_coroutine_threadsafe(relay.passed(), loop).result()

        while not relay.is_over:
            electors[name].run(work)
            baton.give(name)
            wait_until(lambda: relay.is_over or baton.is_taken_from(name))

    await asyncio.gather(asyncio.to_thread(campaign, "a", "b"), asyncio.to_thread(campaign, "b", "a"))
    return Audience([])


SCENES = {scene.__name__: scene for scene in (by_release, by_loss, by_lifetime, in_threads)}
