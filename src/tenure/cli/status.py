"""``tenure status``: who leads, at a look."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import NoReturn

import click

from tenure.cli.account import Account
from tenure.cli.exits import NO_LEADER, UNCLEAR
from tenure.cli.flags import DURATION
from tenure.cli.interruption import until_interrupted
from tenure.cli.lookout import Lookout
from tenure.cli.place_options import AUTO, SINGLE_KINDS, PlaceOptions, place_options
from tenure.cli.printers import OUTPUT, Printer, printer_for
from tenure.cli.sight import Sight, State
from tenure.cli.survey import call_the_roll, survey_names, survey_namespace
from tenure.clock import boot_time
from tenure.locks.multi import UNKNOWN_HOLDER
from tenure.locks.stamping import utc_now

__all__ = ["command"]

_EPILOG = """
\b
Examples:
  tenure status                        # the Leases of the namespace that elect somebody
  tenure status reports -o wide
  tenure status reports --wait=20s     # does its leader live? how long does the lease run on?
  tenure status -A --watch -o json

\b
LEFT with a ~ goes by the clock of whoever wrote the record, as HELD-FOR does: nothing may be decided by it.
Without, it is counted from a renewal that this command saw happen: use --wait or --watch.

\b
STATE is one of
  held        somebody holds it, as far as a look can tell
  expired     its holder let a whole lease pass without a renewal, before our eyes
  free        nobody holds it
  missing     there is no such object
  unreadable  something else stands there; nobody can lead

\b
Exit status:
  0    all are held
  1    the API server does not answer, or a fault of tenure itself
  2    wrong flags, or no usable configuration
  3    the API server refuses this identity; the message holds the missing RBAC rule
  5    one of them has no leader: free, expired or missing
  6    one of them cannot be read, or its locks name different leaders
  130  interrupted
"""


@click.command(epilog=_EPILOG, short_help="Who leads, since when, with which token.")
@click.argument("names", metavar="[NAME...]", nargs=-1)
@place_options
@click.option("-A", "--all-namespaces", is_flag=True, help="The elections of all namespaces.")
@click.option("-o", "--output", type=OUTPUT, metavar="FORM", help="json, yaml or wide.  [default: a table]")
@click.option("-w", "--watch", "watching", is_flag=True, help="Then a line for every change, until Ctrl-C.")
@click.option(
    "--wait", "wait_s", type=DURATION, help="Look for up to so long, until a renewal or the end was seen."
)
def command(
    names: tuple[str, ...],
    namespace: str | None,
    lock: str,
    kubeconfig: Path | None,
    context: str | None,
    all_namespaces: bool,
    output: str | None,
    watching: bool,
    wait_s: float | None,
) -> int:
    """Show elections: their leader, since when it leads, its token, and how long its lease runs on.

    Without names: every Lease of the namespace that elects somebody. With names, every kind of lock under
    that name, so that an election that is split over two kinds is seen.
    """
    if names and all_namespaces:
        raise click.UsageError("--all-namespaces lists elections; leave the names out")
    if not names and lock not in (AUTO, *SINGLE_KINDS):
        raise click.UsageError(f"--lock={lock} needs the names of its elections")
    if watching and wait_s:
        raise click.UsageError("--watch waits anyway; leave --wait out")
    options = PlaceOptions.of(namespace=namespace, lock=lock, kubeconfig=kubeconfig, context=context)
    printer = printer_for(output, is_of_all_namespaces=all_namespaces, is_watching=watching)
    if names:
        survey = _survey_with_candidates(options, names)
    else:
        survey = survey_namespace(options, _note, everywhere=all_namespaces)
    return asyncio.run(until_interrupted(_show(survey, printer, watching=watching, wait_s=wait_s)))


@asynccontextmanager
async def _survey_with_candidates(options: PlaceOptions, names: Sequence[str]) -> AsyncIterator[Lookout]:
    async with survey_names(options, names, _note) as lookout:
        await call_the_roll(options, lookout.sights.values())
        yield lookout


async def _show(
    survey: AbstractAsyncContextManager[Lookout], printer: Printer, *, watching: bool, wait_s: float | None
) -> int:
    async with survey as lookout:
        if wait_s:
            await _wait(lookout, wait_s)
        sights = list(lookout.sights.values())
        _print_all(sights, printer)
        warned = _warn(sights, set())
        if watching:
            await _print_changes(lookout, printer, warned)
        return _status_of(sights)


def _print_all(sights: Sequence[Sight], printer: Printer) -> None:
    now, wall = boot_time(), utc_now()
    printer.print_all([Account(sight, now, wall) for sight in sights])


async def _wait(lookout: Lookout, wait_s: float) -> None:
    """Return when it is known of every leader whether it lives, or after `wait_s`."""
    try:
        async with asyncio.timeout(wait_s), lookout.keeping():
            while any(sight.is_open for sight in lookout.sights.values()):
                await lookout.next_news()
    except TimeoutError:
        pass


async def _print_changes(lookout: Lookout, printer: Printer, warned: set[str]) -> NoReturn:
    told = {election: sight.gist for election, sight in lookout.sights.items()}
    async with lookout.keeping():
        while True:
            await lookout.next_news()
            for sight in list(lookout.sights.values()):
                if told.get(sight.election) != sight.gist:
                    told[sight.election] = sight.gist
                    printer.print_change(Account(sight, boot_time(), utc_now()))
            warned = _warn(lookout.sights.values(), warned)


def _warn(sights: Iterable[Sight], warned: set[str]) -> set[str]:
    """Tell what is wrong, unless it was told before; return all that is wrong now."""
    wrong = [*filter(None, (sight.reason for sight in sights)), *_splits(sights)]
    for warning in wrong:
        if warning not in warned:
            _note(f"warning: {warning}")
    return set(wrong)


def _splits(sights: Iterable[Sight]) -> Iterator[str]:
    """Tell of every election that is led in two kinds of lock, or was."""
    for (namespace, name), together in _by_name(sights).items():
        held = [sight for sight in together if sight.state is State.HELD]
        if len(_holders(held)) > 1:
            named = ", ".join(f"its {each.election.kind} {each.holder!r}" for each in held)
            yield (
                f"{namespace}/{name} may have several leaders at once: {named}; "
                "--wait=20s tells which of them live"
            )


def _status_of(sights: Iterable[Sight]) -> int:
    worst = 0
    for together in _by_name(sights).values():
        holders = _holders(sight for sight in together if sight.state is State.HELD)
        if any(sight.reason for sight in together) or len(holders) > 1 or UNKNOWN_HOLDER in holders:
            worst = max(worst, UNCLEAR)
        elif not holders:
            worst = max(worst, NO_LEADER)
    return worst


def _by_name(sights: Iterable[Sight]) -> dict[tuple[str, str], list[Sight]]:
    found = defaultdict(list)
    for sight in sights:
        found[sight.election.namespace, sight.election.name].append(sight)
    return found


def _holders(sights: Iterable[Sight]) -> set[str]:
    return {sight.holder for sight in sights}


def _note(message: str) -> None:
    click.echo(message, err=True)
