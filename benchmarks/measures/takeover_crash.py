"""How long nobody leads when a leader is killed, with one follower."""

from __future__ import annotations

from benchmarks.api import LeaseWatch
from benchmarks.bench import KINDS, Bench
from benchmarks.pairs import wait_until_following
from benchmarks.row import Row
from benchmarks.subjects import Subject
from tenure.clock import boot_time
from tenure.timing import Timing

__all__ = ["run"]

_LEASE_S = 3.0
_TARGET_MS = 50.0


def run(bench: Bench) -> list[Row]:
    """Run it."""
    timing = Timing(lease_duration=_LEASE_S)
    delay = timing.takeover_delay(_LEASE_S)
    ours = _takeovers(bench, "tenure", bench.repeats(8, 2))
    theirs = _takeovers(bench, "client-go", bench.repeats(8, 2))
    return [
        Row(
            measure="takeover_crash",
            subject="tenure",
            what=f"excess over o+L(1+rho), L = {_LEASE_S:g} s",
            unit="ms",
            values=[(led - told - delay) * 1000 for _, _, told, led in ours],
            at_most=_TARGET_MS,
            note="o: when the follower received the last renewal",
        ),
        *(
            Row(
                measure="takeover_crash",
                subject=subject,
                what=f"last renewal (seen by a watch) until the next leads, less L = {_LEASE_S:g} s",
                unit="ms",
                values=[(led - renewed - _LEASE_S) * 1000 for _, renewed, _, led in taken],
            )
            for subject, taken in (("tenure", ours), ("client-go", theirs))
        ),
        *(
            Row(
                measure="takeover_crash",
                subject=subject,
                what=f"SIGKILL until the next leads, L = {_LEASE_S:g} s",
                unit="ms",
                values=[(led - killed) * 1000 for killed, _, _, led in taken],
            )
            for subject, taken in (("tenure", ours), ("client-go", theirs))
        ),
    ]


def _takeovers(bench: Bench, kind: str, repeats: int) -> list[tuple[float, float, float, float]]:
    """Return boot times: the kill, the last renewal as our watch and the follower saw it, the next body."""
    namespace = bench.namespace("takeover_crash")

    def start(number: int) -> Subject:
        config = bench.cluster.admin_kubeconfig
        identity = f"{kind}-{number}"
        return bench.start(KINDS[kind](config, namespace, kind, identity, lease_duration_s=_LEASE_S))

    taken = []
    leader = start(0)
    leader.wait_for("started")
    with LeaseWatch(bench.cluster, namespace) as watch:
        for number in range(1, repeats + 1):
            follower = start(number)
            wait_until_following(follower, kind)
            bench.settle(1.5, _LEASE_S / 3)
            killed = boot_time()
            leader.kill()
            led = follower.wait_after("started", killed)
            renewed = max(change.at for change in watch.of(kind) if change.holder == leader.identity)
            taken.append((killed, renewed, _told_at(follower, leader.identity, led), led))
            leader = follower
    return taken


def _told_at(follower: Subject, holder: str, before: float) -> float:
    """Return when a follower first saw the newest version that `holder` wrote."""
    seen = [
        each for each in follower.seen("observed") if each["holder"] == holder and each["boottime"] < before
    ]
    newest = max((each["version"] for each in seen), default=0)
    return min((float(each["boottime"]) for each in seen if each["version"] == newest), default=before)
