"""A minute of chaos among peers, and one that is wrong on purpose."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.chaos.judgement import Clash, clashes, tenancies
from tests.chaos.peers.arena import PeerArena
from tests.chaos.peers.run import run_peers_chaos
from tests.chaos.store import late_writes
from tests.sidecar.process import eventually

pytestmark = pytest.mark.usefixtures("switch")  # it skips where there can be none

SECONDS = 30


@pytest.mark.parametrize("hybrid", [False, True], ids=["alone", "hybrid"])
def test_nothing_happens_that_must_not(tmp_path: Path, hybrid: bool) -> None:
    seed = random.SystemRandom().randrange(1_000_000)

    report = run_peers_chaos(tmp_path, SECONDS, seed, print, hybrid=hybrid)

    assert report.faults == [], f"{report.again}\n{report.text()}\nlogs: {tmp_path}"


def test_a_careless_peer_is_seen(tmp_path: Path) -> None:
    """The same referee, the same judgement: work that goes on after a loss, and writes past the fence."""
    with PeerArena(tmp_path, kinds=["careless", "asyncio", "asyncio"], hybrid=True) as arena:
        careless = arena.candidates[0]
        arena.start()
        while eventually(lambda: arena.leader) is not careless:
            arena.leader.terminate()
            eventually(lambda: arena.leader is careless)
        careless.send(signal.SIGSTOP)
        eventually(lambda: arena.leader not in (None, careless))
        assert arena.store is not None
        other = arena.leader
        eventually(lambda: arena.store.accepted[-1].who == other.name)
        careless.send(signal.SIGCONT)
        found: list[Clash] = eventually(lambda: _clashes_of(arena))
        late = eventually(lambda: late_writes(arena.store.accepted))

    assert found[0].is_among_ours
    assert found[0].older.who == careless.name
    assert {write.who for write in late} == {careless.name}


def _clashes_of(arena: PeerArena) -> list[Clash]:
    return clashes(tenancies(arena.referee.acts), (), arena.rules.renew_deadline)
