"""Whether two lead at once when five peers fall into two parts, beside democracy.js."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from tests.chaos.peers.switch import Switch
from tests.cluster.folder import create_folder, remove_folder

from benchmarks.bench import Bench
from benchmarks.groups import DemocracyGroup, Group, PeerGroup
from benchmarks.measures.peers_crash import MEMBERS
from benchmarks.row import Row
from tenure.clock import boot_time

__all__ = ["run"]

_CUT_S = 10.0
_HEALED_S = 6.0
_REST_S = 5.0


def run(bench: Bench) -> list[Row]:
    """Run it: members of both kinds side by side, one pair in each of five network namespaces."""
    folder = create_folder()
    try:
        switch = Switch(folder)
        switch.start(MEMBERS)
        try:
            return _measure(bench, switch)
        finally:
            switch.stop()
    finally:
        remove_folder(folder)


def _measure(bench: Bench, switch: Switch) -> list[Row]:
    prefixes = [[str(shutil.which("nsenter")), f"--net={port.namespace}"] for port in switch.ports]
    groups: dict[str, Group] = {
        "tenure": PeerGroup(bench, [f"{port.address}:7411" for port in switch.ports], prefixes=prefixes),
        "democracy.js": DemocracyGroup(
            bench, [f"{port.address}:7412" for port in switch.ports], prefixes=prefixes
        ),
    }
    for group in groups.values():
        group.start_all()
    bench.settle(_REST_S)
    spans = []
    for _ in range(bench.repeats(4, 1)):
        cut = boot_time()
        _cut_off(switch, [group.wait_until_led() for group in groups.values()])
        bench.settle(_CUT_S)
        switch.mend("partition")
        bench.settle(_HEALED_S)
        spans.append((cut, boot_time()))
    until = boot_time()
    return [row for name, group in groups.items() for row in _rows(name, group.reigns(until), spans)]


def _cut_off(switch: Switch, leaders: Sequence[int]) -> None:
    """Cut two off from the others: the leaders of both kinds, or the one of both and another member."""
    minority = {*leaders, (leaders[0] + 1) % MEMBERS} if len(set(leaders)) == 1 else set(leaders)
    ways = [(one, other) for one in minority for other in range(MEMBERS) if other not in minority]
    switch.cut("partition", [*ways, *((other, one) for one, other in ways)])


def _rows(
    subject: str, reigns: Sequence[tuple[float, float]], spans: Sequence[tuple[float, float]]
) -> list[Row]:
    double = [_double_s(reigns, *span) for span in spans]
    none = [_without_s(reigns, *span) for span in spans]
    common: dict[str, Any] = {"measure": "peers_partition", "subject": subject, "unit": "s"}
    return [
        Row(
            **common,
            what=f"two lead at once: {_CUT_S:g} s with the leader in the minority, and {_HEALED_S:g} s after",
            values=double,
            at_most=0.0 if subject == "tenure" else None,
            judged="max",
        ),
        Row(**common, what="... nobody leads", values=none),
    ]


def _double_s(reigns: Sequence[tuple[float, float]], since: float, until: float) -> float:
    return sum(length for length, leaders in _pieces(reigns, since, until) if leaders > 1)


def _without_s(reigns: Sequence[tuple[float, float]], since: float, until: float) -> float:
    return sum(length for length, leaders in _pieces(reigns, since, until) if not leaders)


def _pieces(reigns: Sequence[tuple[float, float]], since: float, until: float) -> list[tuple[float, int]]:
    """Cut a span of time at each change; return the length of each piece, and how many led in it."""
    edges = sorted({since, until, *(edge for reign in reigns for edge in reign if since < edge < until)})
    return [
        (end - begin, sum(began <= begin and end <= ended for began, ended in reigns))
        for begin, end in pairwise(edges)
    ]
