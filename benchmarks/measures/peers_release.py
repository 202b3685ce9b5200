"""How long nobody leads when the leader of five peers gives up, beside democracy.js."""

from __future__ import annotations

import signal
import time

from tests.democracy.real import RealMember, free_addresses

from benchmarks.bench import Bench
from benchmarks.groups import DemocracyGroup, Group, PeerGroup
from benchmarks.measures.peers_crash import MEMBERS
from benchmarks.row import Row

__all__ = ["run"]

_TARGET_MS = 20.0
_REST_S = 3.0


def run(bench: Bench) -> list[Row]:
    """Run it: leaders give up by turns, and stay as candidates."""
    ours = PeerGroup(bench, free_addresses(MEMBERS))
    theirs = DemocracyGroup(bench, free_addresses(MEMBERS))
    for group in (ours, theirs):
        group.start_all()
    bench.settle(_REST_S)
    took: dict[str, list[float]] = {"tenure": [], "asked": [], "democracy.js": []}
    for _ in range(bench.repeats(30, 3)):
        bench.settle(0.3, 1.0)
        asked, ended, led = _resigned(ours)
        took["tenure"].append((led - ended) * 1000)
        took["asked"].append((led - asked) * 1000)
        asked, ended, led = _resigned(theirs)
        took["democracy.js"].append((led - ended) * 1000)
    return [
        _row("tenure", "end of the leader's body until the next leads", took["tenure"], _TARGET_MS),
        _row("tenure", "resignation asked for by a signal until the next leads", took["asked"]),
        _row("democracy.js", "resigned until the next is elected", took["democracy.js"]),
    ]


def _resigned(group: Group) -> tuple[float, float, float]:
    """Return boot times: when the leader was asked, when it had stopped, when the next one began."""
    member = group.members[group.wait_until_led()]
    assert member is not None
    asked = time.clock_gettime(time.CLOCK_BOOTTIME)
    if isinstance(member, RealMember):
        member.call("resign")
    else:
        member.process.send_signal(signal.SIGUSR1)
    led = group.led_after(asked)
    ended = min(seen["boottime"] for seen in group.events(*group.ends) if seen["boottime"] > asked)
    return asked, ended, led


def _row(subject: str, what: str, values: list[float], at_most: float | None = None) -> Row:
    return Row(measure="peers_release", subject=subject, what=what, unit="ms", values=values, at_most=at_most)
