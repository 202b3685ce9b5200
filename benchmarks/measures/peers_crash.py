"""How long nobody leads when the leader of five peers is killed, beside democracy.js."""

from __future__ import annotations

from tests.democracy.real import free_addresses

from benchmarks.bench import Bench
from benchmarks.groups import DemocracyGroup, Group, PeerGroup
from benchmarks.row import Row

__all__ = ["MEMBERS", "run"]

MEMBERS = 5
_LEASE_S, _FAST_LEASE_S = 2.0, 0.9
_TARGET_MS, _FAST_TARGET_MS = 1800.0, 800.0
# A voter that has started grants nothing for M = 2.5 s, and a round takes longer: all vote again in the next.
_REST_S = 3.0
_PAUSE_S = 1.0


def run(bench: Bench) -> list[Row]:
    """Run it: the three groups live at the same time, and their leaders die by turns."""
    groups: dict[str, Group] = {
        "default": PeerGroup(bench, free_addresses(MEMBERS), lease_duration_s=_LEASE_S),
        "fast": PeerGroup(bench, free_addresses(MEMBERS), lease_duration_s=_FAST_LEASE_S),
        "democracy.js": DemocracyGroup(bench, free_addresses(MEMBERS)),
    }
    for group in groups.values():
        group.start_all()
    taken: dict[str, list[float]] = {name: [] for name in groups}
    bench.settle(_REST_S)
    for _ in range(bench.repeats(21, 3)):
        for name, group in groups.items():
            bench.settle(0.0, 1.0)  # in step with no extension, and with no hello
            taken[name].append(_takeover_ms(group))
        bench.settle(_PAUSE_S)
    return [
        _row("tenure", f"T = {_LEASE_S:g} s, the default", taken["default"], _TARGET_MS),
        _row("tenure", f"T = {_FAST_LEASE_S:g} s", taken["fast"], _FAST_TARGET_MS),
        _row("democracy.js", "its defaults", taken["democracy.js"]),
    ]


def _takeover_ms(group: Group) -> float:
    leader = group.wait_until_led()
    killed = group.kill(leader)
    led = group.led_after(killed)
    group.start(leader)
    return (led - killed) * 1000


def _row(subject: str, timing: str, values: list[float], at_most: float | None = None) -> Row:
    what = f"SIGKILL of the leader of {MEMBERS} until the next leads, {timing}"
    return Row(measure="peers_crash", subject=subject, what=what, unit="ms", values=values, at_most=at_most)
