"""``tenure simulate``: random bad days for an election, in virtual time."""

from __future__ import annotations

import math
import random
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import click

from tenure.cli.flags import Parsed
from tenure.cli.simulations import CORE, PEER, Simulation, among_peers, over_a_record
from tenure.errors import ConfigurationError

if TYPE_CHECKING:
    from tenure.testing.cluster import ViolationError
    from tenure.testing.scenario import Scenario
    from tenure.testing.trial import Figures

__all__ = ["command"]

_FOUND = 1
_LONGEST_S = 1_000_000
_WARM_UP_S = 100.0  # simulated

_EPILOG = """
\b
Examples:
  tenure simulate
  tenure simulate --seed=17
  tenure simulate --seeds=1000 --core=my_elector:Core
  tenure simulate --peers

\b
Exit status:
  0  no violation
  1  a violation, which has been printed
  2  wrong flags, or a core that cannot be imported
"""


def _parse_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 1 <= seconds <= _LONGEST_S:
        raise ValueError(f"{text!r} is no number of seconds from 1 to {_LONGEST_S}")
    return seconds


@click.command(epilog=_EPILOG, short_help="Random bad days for an election, in virtual time.")
@click.option("--seed", type=int, help="The first seed.  [default: a fresh one]")
@click.option(
    "--seeds", type=click.IntRange(1), help="How many, one after another.  [default: 200; 1 with --seed]"
)
@click.option(
    "--seconds",
    type=Parsed("seconds", _parse_seconds),
    help="Of simulated faults in each run, before all is healed.  [default: 300; 60 with --peers]",
)
@click.option("--peers", is_flag=True, help="Peers that elect among themselves, alone and in hybrid mode.")
@click.option(
    "--core",
    metavar="MODULE:NAME",
    help=f"What is simulated; called as the default is.  [default: {CORE}; with --peers {PEER}]",
)
@click.option("--shrink/--no-shrink", default=True, help="Make a failing run short, and print a transcript.")
@click.option("--print", "show", is_flag=True, help="Print each scenario before it is played.")
@click.option(
    "--speed", is_flag=True, help="Only tell how fast five candidates without faults are simulated."
)
def command(
    seed: int | None,
    seeds: int | None,
    seconds: float | None,
    peers: bool,
    core: str | None,
    shrink: bool,
    show: bool,
    speed: bool,
) -> None:
    """Let candidates, clocks, networks and API servers misbehave at random, and check every rule.

    One seed is one run: partitions, pauses, crashes, skewed clocks, outages, late writes, stale replicas,
    hands that meddle with the record; among peers late, lost and doubled datagrams, processes that have
    forgotten everything, voters that change. Checks that know true time watch the safety contract; when all
    is healed there must be a leader again.
    """
    simulation = among_peers() if peers else over_a_record()
    core = simulation.core if core is None else core
    make = _import(core, simulation)
    if speed:
        _measure(simulation, make)
        return
    first = random.SystemRandom().randrange(10**9) if seed is None else seed
    count = seeds or (200 if seed is None else 1)
    print(f"seeds {first} to {first + count - 1}" if count > 1 else f"seed {first}", flush=True)
    # Imported late: --help shall not wait for it.
    from tenure.testing.cluster import ViolationError

    done = []
    for each in range(first, first + count):
        scenario = simulation.draw(each, seconds=seconds or simulation.seconds)
        if show:
            print(f"{scenario}\n", flush=True)
        try:
            done.append(simulation.play(scenario, core=make))
        except ViolationError as violation:
            _report(scenario, violation, make, core, simulation, shrink=shrink)
            sys.exit(_FOUND)
    _summarise(done)


def _measure(simulation: Simulation, make: Callable[..., Any]) -> None:
    cluster = simulation.calm(5, core=make)
    cluster.run(_WARM_UP_S)
    begun = time.process_time()
    cluster.run(simulation.measured_s)
    speed = simulation.measured_s / (time.process_time() - begun)
    print(f"{speed:.0f} simulated seconds a second of processor time")


def _import(core: str, simulation: Simulation) -> Callable[..., Any]:
    module, _, name = core.partition(":")
    sys.path.insert(0, "")  # as python -m does, so that one's own module is found
    try:
        found: Callable[..., Any] = getattr(import_module(module), name)
    # A name that starts with a dot is a TypeError.
    except (ImportError, AttributeError, ValueError, SyntaxError, TypeError) as error:
        raise ConfigurationError(f"--core={core}: {error} (expected MODULE:NAME)") from error
    try:
        made = found(**simulation.example)
    except TypeError as error:
        raise ConfigurationError(
            f"--core={core} cannot be called as {simulation.core} is: {error}"
        ) from error
    shape = simulation.shape
    missing = [each for each in vars(shape) if not each.startswith("_") and not hasattr(made, each)]
    if missing:
        raise ConfigurationError(
            f"--core={core} makes no core: it has no {', '.join(missing)} "
            f"(see {shape.__module__}.{shape.__name__})"
        )
    return found


def _report(
    scenario: Scenario,
    violation: ViolationError,
    make: Callable[..., Any],
    core: str,
    simulation: Simulation,
    *,
    shrink: bool,
) -> None:
    from tenure.testing.shrink import Shrinker

    options = simulation.flag
    options += "" if core == simulation.core else f" --core={core}"
    options += "" if scenario.seconds == simulation.seconds else f" --seconds={scenario.seconds:g}"
    if violation.__cause__ is not None:
        traceback.print_exception(violation.__cause__)
    print(f"\nVIOLATION {violation}\nreplay: tenure simulate --seed={scenario.seed}{options}\n", flush=True)
    if not shrink:
        print(scenario)
        return
    shrinker = Shrinker(scenario, violation, core=make, trial=simulation.play)
    short = shrinker.scenario()
    print(f"The shortest scenario found that shows the same:\n\n{short}\n", flush=True)
    transcript = shrinker.transcript(short) if simulation.has_transcripts else None
    if transcript is not None:
        print(f"As a transcript:\n\n{transcript}")
    elif simulation.has_transcripts:
        print("No transcript: its steps alone do not show it, or are too many.")


def _summarise(done: list[Figures]) -> None:
    print(
        f"no violation: {sum(f.seconds for f in done) / 3600:.1f} simulated hours, "
        f"{sum(f.acts for f in done)} faults, {sum(f.terms for f in done)} terms, "
        f"{sum(f.refused for f in done)} writes refused by the fence; "
        f"a leader at most {max(f.healed_in_s for f in done):.0f} s after the last fault"
    )
