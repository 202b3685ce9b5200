"""``tenure watch``: every change of one election's leader, as it happens."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NoReturn

import click

from tenure.cli.interruption import until_interrupted
from tenure.cli.place_options import PlaceOptions, place_options
from tenure.cli.survey import led_first, survey_names
from tenure.events import Available, Event, LeaderChanged, Unavailable
from tenure.observer import LeaderObserver

__all__ = ["command"]

_EPILOG = """
\b
Examples:
  tenure watch reports
  tenure watch reports -o json | jq -r .leader

\b
-o json prints an object a line, all of them after a change:
  time       when this machine saw it, RFC 3339
  leader     identity; "": nobody leads; null: unknown
  token      fencing token of its term; null until its leader publishes it
  contact    the API server answers
  reason     why the leader is unknown, or there is no contact; null otherwise

\b
Exit status:
  1    a fault of tenure itself
  2    wrong flags, or no usable configuration
  3    the API server refuses this identity; the message holds the missing RBAC rule
  130  interrupted by Ctrl-C or SIGTERM
"""


@click.command(epilog=_EPILOG, short_help="Tell every change of the leader.")
@click.argument("name")
@place_options
@click.option("-o", "--output", type=click.Choice(["json"]), metavar="FORM", help="json: an object a line.")
def command(
    name: str,
    namespace: str | None,
    lock: str,
    kubeconfig: Path | None,
    context: str | None,
    output: str | None,
) -> NoReturn:
    """Follow one election: who leads now, then a line for every change, through outages too.

    A leader that does not renew its lease is unknown when that has run out by this machine's clock.
    """
    options = PlaceOptions.of(namespace=namespace, lock=lock, kubeconfig=kubeconfig, context=context)
    # What there is to say is printed.
    logging.getLogger("tenure").setLevel(logging.ERROR)
    asyncio.run(until_interrupted(_watch(options, name, is_json=output == "json")))
    raise AssertionError("watching ended by itself")


async def _watch(options: PlaceOptions, name: str, *, is_json: bool) -> NoReturn:
    async with survey_names(options, [name], _note) as lookout:
        sights = led_first(lookout)
    kind = sights[0].election.kind
    if len(sights) > 1:
        others = " and ".join(sight.election.kind for sight in sights[1:])
        _note(f"following the {kind} of {name}; there is a lock of kind {others}, too (choose with --lock)")
    observer = LeaderObserver(options.place(name).lock(kind))
    # Printed out here, so that a reader that hangs up ends it all: an error in a subscriber ends nothing.
    lines: asyncio.Queue[str] = asyncio.Queue()
    teller = _Teller(observer, lines.put_nowait, is_json=is_json)
    async with observer:
        teller(observer.latest)
        observer.subscribe(teller)
        while True:
            click.echo(await lines.get())


class _Teller:
    """Puts what an observer tells into lines.

    Args:
        observer: which one.
        put: takes a line.
        is_json: as objects.
    """

    def __init__(self, observer: LeaderObserver, put: Callable[[str], None], *, is_json: bool) -> None:
        self._observer = observer
        self._put = put
        self._is_json = is_json
        self._trouble = ""

    def __call__(self, event: Event) -> None:
        match event:
            case Unavailable():
                self._trouble = event.message
                self._tell(f"no contact: {event.message}")
            case Available():
                self._trouble = ""
                self._tell("in contact again")
            case LeaderChanged():
                self._tell(_sentence(event))

    def _tell(self, sentence: str) -> None:
        now = datetime.now().astimezone()
        if not self._is_json:
            self._put(f"{now:%Y-%m-%d %H:%M:%S}  {sentence}")
            return
        latest = self._observer.latest
        told = {
            "time": now.isoformat(timespec="milliseconds"),
            "leader": latest.leader,
            "token": None if latest.token is None else str(latest.token),
            "contact": not self._trouble,
            "reason": self._trouble or latest.reason or None,
        }
        self._put(json.dumps(told))


def _sentence(event: LeaderChanged) -> str:
    if event.leader is None:
        return f"leader unknown: {event.reason}"
    if not event.leader:
        return "nobody leads"
    return f"{event.leader} leads" + (f", token {event.token}" if event.token else "")


def _note(message: str) -> None:
    click.echo(message, err=True)
