"""Handing over: what ``tenure resign`` and ``tenure transfer`` do: ask the leader, and see who leads next."""

from __future__ import annotations

import asyncio
import functools
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from tenure.cli.exits import NO_LEADER, NOT_TAKEN
from tenure.cli.flags import DURATION
from tenure.cli.interruption import until_interrupted
from tenure.cli.place_options import PlaceOptions, place_options
from tenure.cli.survey import led_first, survey_names
from tenure.errors import NotLeaderError
from tenure.events import Event, LeaderChanged
from tenure.lock import Lock
from tenure.observer import LeaderObserver
from tenure.petition import petition

__all__ = ["EXIT_STATUSES", "hand_over", "handover_options"]

EXIT_STATUSES = f"""
\b
Exit status:
  0    somebody leads a new term: with --to, that candidate
  1    the API server does not answer, or a fault of tenure itself
  2    wrong flags, or no usable configuration
  3    the API server refuses this identity; the message holds the missing RBAC rule
  {NO_LEADER}    nobody leads, or a leader that cannot be asked: it is none of tenure's
  {NOT_TAKEN}    asked, but within --timeout nobody else led, or with --to somebody else did
  130  interrupted; what was asked stays asked
"""
_ASKING_TIMEOUT_S = 10.0


def handover_options(command: Callable[..., int]) -> Callable[..., int]:
    """Give a command NAME, the options of a place and ``--timeout``; it gets the place as `options`."""

    @functools.wraps(command)
    def with_place(
        *, namespace: str | None, lock: str, kubeconfig: Path | None, context: str | None, **others: Any
    ) -> int:
        # What there is to say is printed.
        logging.getLogger("tenure").setLevel(logging.ERROR)
        options = PlaceOptions.of(namespace=namespace, lock=lock, kubeconfig=kubeconfig, context=context)
        return command(options=options, **others)

    timeout = click.option(
        "--timeout",
        "timeout_s",
        type=DURATION,
        default="60s",
        show_default=True,
        help="How long to wait for the next leader: work that runs is given time to end.",
    )
    return click.argument("name")(place_options(timeout(with_place)))


def hand_over(options: PlaceOptions, name: str, to: str, timeout_s: float) -> int:
    """Ask whoever leads the election to hand over; return the exit status.

    Args:
        options: where the election is.
        name: of the election.
        to: identity of the candidate that is to lead next; empty: anybody.
        timeout_s: seconds to wait for the next leader.
    """
    return asyncio.run(until_interrupted(_hand_over(options, name, to, timeout_s)))


async def _hand_over(options: PlaceOptions, name: str, to: str, timeout_s: float) -> int:
    async with survey_names(options, [name], _note) as lookout:
        sights = led_first(lookout)
    if to and sights[0].holder == to:
        click.echo(f"{to} leads {name} already")
        return 0
    if sights[0].election.kind == "peers":
        raise click.UsageError(
            f"peers elect {name} among themselves, and read no request: end {sights[0].holder} with "
            "SIGTERM, which hands over in milliseconds, or let its program call transfer."
        )
    lock = options.place(name).lock(sights[0].election.kind)
    events: asyncio.Queue[Event] = asyncio.Queue()
    observer = LeaderObserver(lock)
    async with observer:
        observer.subscribe(events.put_nowait)
        try:
            holder = await _ask(lock, to)
        except NotLeaderError as error:
            _note(f"tenure: {name}: {error}")
            return NO_LEADER
        click.echo(f"asked {holder} to hand over {name}" + (f" to {to}" if to else ""))
        return await _tell_the_next(events, name, holder, to, timeout_s)


async def _ask(lock: Lock, to: str) -> str:
    """Return whom it has asked."""
    async with lock.open() as session:
        asked = await petition(session, to, timeout=_ASKING_TIMEOUT_S)
    return getattr(asked.record, "holder", "")


async def _tell_the_next(
    events: asyncio.Queue[Event], name: str, holder: str, to: str, timeout_s: float
) -> int:
    try:
        async with asyncio.timeout(timeout_s):
            leader = await _next_leader(events, holder)
    except TimeoutError:
        _note(f"tenure: {name}: nobody else leads after {timeout_s:g} s; {holder} may still be draining")
        return NOT_TAKEN
    click.echo(f"{leader} leads {name}")
    if to not in ("", leader):
        _note(f"tenure: {name}: {to} did not take over; is it campaigning under this identity?")
        return NOT_TAKEN
    return 0


async def _next_leader(events: asyncio.Queue[Event], holder: str) -> str:
    freed = False
    while True:
        event = await events.get()
        if isinstance(event, LeaderChanged) and event.leader is not None:
            freed = freed or event.leader != holder
            if freed and event.leader:  # the old one may lead again, if it is alone
                return event.leader


def _note(message: str) -> None:
    click.echo(message, err=True)
