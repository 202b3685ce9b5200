"""Half a minute of chaos twice, and a candidate that is wrong on purpose."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.chaos.arena import Arena
from tests.chaos.judgement import Clash, clashes, tenancies
from tests.chaos.run import run_chaos
from tests.cluster.server import Cluster
from tests.sidecar.process import eventually

pytestmark = pytest.mark.cluster

SECONDS = 30


@pytest.mark.parametrize("seed", [7, None], ids=["fixed", "fresh"])
def test_nothing_happens_that_must_not(cluster: Cluster, tmp_path: Path, seed: int | None) -> None:
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed

    report = run_chaos(cluster, tmp_path, SECONDS, seed, print)

    assert report.faults == [], f"make chaos SECONDS={SECONDS} SEED={seed}\n{report.text()}\nlogs: {tmp_path}"


def test_a_careless_candidate_is_seen(cluster: Cluster, tmp_path: Path) -> None:
    """The same referee, the same judgement: work that goes on after a loss is an overlap among ours."""
    with Arena(cluster, tmp_path, kinds=["careless", "asyncio"]) as arena:
        careless, other = arena.candidates
        careless.start()
        eventually(lambda: arena.leader is careless)
        other.start()
        careless.send(signal.SIGSTOP)
        eventually(lambda: arena.leader is other)
        careless.send(signal.SIGCONT)
        found: list[Clash] = eventually(lambda: _clashes_of(arena))

    assert found[0].is_among_ours
    assert not found[0].is_excused
    assert found[0].older.who == careless.name


def _clashes_of(arena: Arena) -> list[Clash]:
    return clashes(tenancies(arena.referee.acts), arena.emptyings, arena.rules.renew_deadline)
