"""One run among peers: arena, nemesis, judgement."""

from __future__ import annotations

import dataclasses
import signal
import time
from collections.abc import Callable
from pathlib import Path

from tenure.clock import boot_time
from tests.chaos.candidates import Candidate
from tests.chaos.judgement import clashes, gaps, takeovers, tenancies
from tests.chaos.nemesis import Nemesis, plan
from tests.chaos.peers.arena import PeerArena
from tests.chaos.peers.kinds import kinds_for
from tests.chaos.peers.report import PeersReport, falls
from tests.chaos.report import LONGEST_SILENCE_S

__all__ = ["run_peers_chaos", "wake_a_leader"]

_PATIENCE_S = 120.0  # generous: the machine may be busy; nothing is measured by it
_WAKINGS = 10
_WRITING_S = 0.5


def run_peers_chaos(
    folder: Path, seconds: float, seed: int, say: Callable[[str], None], *, hybrid: bool
) -> PeersReport:
    """Let the nemesis loose for `seconds`, and report.

    Args:
        folder: for logs; exists.
        seconds: how long.
        seed: of the plan.
        say: is told what happens.
        hybrid: with an API server and a fenced store.

    Raises:
        SwitchUnavailableError: there are no network namespaces here.
        RuntimeError: nobody leads before the first fault.
    """
    with PeerArena(folder, hybrid=hybrid) as arena:
        began = boot_time()
        arena.start()
        if not arena.referee.wait_for_act(began, _PATIENCE_S):
            raise RuntimeError(f"nobody leads after {_PATIENCE_S:g} s, see the logs in {folder}")
        kinds = kinds_for(arena)
        strikes = plan(seed, seconds, kinds, [each.name for each in arena.candidates])
        say("\n".join(["the plan:", *map(str, strikes), "what happens:"]))
        nemesis = Nemesis(arena, kinds, seed, say)
        nemesis.run(strikes, seconds)
        healed = boot_time()
        has_recovered = _recovers(arena, healed)
        if hybrid and has_recovered:
            wake_a_leader(arena)
        return _judge(arena, nemesis, seconds, seed, healed, has_recovered)


def wake_a_leader(arena: PeerArena) -> None:
    """Freeze the leader until another one leads, and wake it, until the fence has refused somebody.

    Who was frozen between its look at its term and its write, writes late; most are.
    """
    assert arena.store is not None
    wakings = 0
    while (
        wakings < _WAKINGS and not arena.store.refused and _wait_for(arena, lambda: arena.leader is not None)
    ):
        _wake(arena, arena.leader)
        wakings += 1


def _wake(arena: PeerArena, leader: Candidate | None) -> None:
    assert leader is not None
    leader.send(signal.SIGSTOP)
    _wait_for(arena, lambda: arena.leader not in (None, leader))
    time.sleep(_WRITING_S)  # the new leader raises the fence with its first write
    leader.send(signal.SIGCONT)
    time.sleep(_WRITING_S)


def _wait_for(arena: PeerArena, happened: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + _PATIENCE_S
    while not happened():
        arena.keep()
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def _recovers(arena: PeerArena, healed: float) -> bool:
    """Tell whether somebody leads again, and another one after that leader has been killed."""
    arena.keep()
    if not arena.referee.wait_for_act(healed, _PATIENCE_S):
        return False
    last = arena.referee.acts[-1].who
    killed = next(each for each in arena.candidates if each.name == last)
    killed.kill()
    led_again = arena.referee.wait_for_act(boot_time(), _PATIENCE_S)
    killed.start()
    return led_again


def _judge(
    arena: PeerArena, nemesis: Nemesis, seconds: float, seed: int, healed: float, has_recovered: bool
) -> PeersReport:
    acts = arena.referee.acts
    terms = tenancies(acts)
    hybrid = arena.store is not None
    # Tokens of peers that are alone are best effort (docs/peers.md); that no two terms overlap is not.
    judged = terms if hybrid else [dataclasses.replace(term, token=None) for term in terms]
    return PeersReport(
        seed=seed,
        seconds=seconds,
        candidates={each.name: each.kind for each in arena.candidates},
        deadline_s=arena.rules.renew_deadline,
        done=nemesis.done,
        acts=acts,
        terms=terms,
        clashes=clashes(judged, (), arena.rules.renew_deadline),
        gaps=gaps(acts, healed, LONGEST_SILENCE_S),
        takeovers=takeovers(terms),
        ended=[each for candidate in arena.candidates for each in candidate.ended],
        untimely=arena.referee.untimely,
        since=min(act.before for act in acts),
        until=healed,
        has_recovered=has_recovered,
        left_out=arena.left_out,
        again=f"make chaos-peers SECONDS={2 * seconds:g} SEED={seed}",
        hybrid=hybrid,
        falls=falls(terms),
        accepted=arena.store.accepted if arena.store else [],
        refused=arena.store.refused if arena.store else [],
    )
