"""Drawing: what random scenarios of every kind draw their acts with."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from tenure.timing import Timing

__all__ = ["Drawer", "Drawn", "drain", "on_a_process", "on_a_server", "on_the_record", "skew"]

Drawn = tuple[str, dict[str, Any]]
"""The verb of an act, and its options."""
Drawer = Callable[[Random, str, float], Drawn]
"""Draws it, given the name of a process and a number of seconds."""


def on_a_process(verb: str, **options: Any) -> Drawer:
    """Return what happens to a process for some seconds."""
    return lambda random, name, seconds: (verb, {"name": name, **options, "seconds": seconds})


def on_a_server(verb: str, **options: Any) -> Drawer:
    """Return what happens to an API server, or to all of them, for some seconds."""

    def draw(random: Random, name: str, seconds: float) -> Drawn:
        return verb, {**options, "replica": random.choice([None, 0, 1]), "seconds": seconds}

    return draw


def on_the_record(verb: str, **options: Any) -> Drawer:
    """Return what happens to the record."""
    return lambda random, name, seconds: (verb, dict(options))


def skew(random: Random, name: str, seconds: float) -> Drawn:
    """A clock runs at another rate, within the bound."""
    bound = Timing().clock_rate_bound
    return "skew", {"name": name, "rate": round(1 + random.uniform(-0.49, 0.49) * bound, 6)}


def drain(random: Random, name: str, seconds: float) -> Drawn:
    """Bodies take their time to end, or do not end."""
    return "drain_slowly", {"name": name, "drain_s": random.choice([seconds, float("inf")])}
