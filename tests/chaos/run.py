"""One run: arena, nemesis, judgement."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from tenure.clock import boot_time
from tests.chaos.arena import Arena
from tests.chaos.judgement import clashes, gaps, takeovers, tenancies
from tests.chaos.kinds import kinds_for
from tests.chaos.nemesis import Nemesis, plan
from tests.chaos.report import LONGEST_SILENCE_S, Report
from tests.cluster.server import Cluster

__all__ = ["run_chaos"]

_PATIENCE_S = 120.0  # generous: the machine may be busy; nothing is measured by it


def run_chaos(
    cluster: Cluster, folder: Path, seconds: float, seed: int, say: Callable[[str], None]
) -> Report:
    """Let the nemesis loose for `seconds`, and report.

    Args:
        cluster: running, and nobody else's meanwhile.
        folder: for logs.
        seconds: how long.
        seed: of the plan.
        say: is told what happens.

    Raises:
        RuntimeError: nobody leads before the first fault, or the API server does not come back.
    """
    with Arena(cluster, folder) as arena:
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
        return _judge(arena, nemesis, seconds, seed, healed, has_recovered)


def _recovers(arena: Arena, healed: float) -> bool:
    """Tell whether somebody leads again, and another one after that leader has been killed."""
    arena.cluster.wait_until_ready()
    arena.keep()
    if not arena.referee.wait_for_act(healed, _PATIENCE_S):
        return False
    last = arena.referee.acts[-1].who
    next(each for each in arena.candidates if each.name == last).kill()
    return arena.referee.wait_for_act(boot_time(), _PATIENCE_S)


def _judge(
    arena: Arena, nemesis: Nemesis, seconds: float, seed: int, healed: float, has_recovered: bool
) -> Report:
    acts = arena.referee.acts
    terms = tenancies(acts)
    return Report(
        seed=seed,
        seconds=seconds,
        candidates={each.name: each.kind for each in arena.candidates},
        deadline_s=arena.rules.renew_deadline,
        done=nemesis.done,
        acts=acts,
        terms=terms,
        clashes=clashes(terms, arena.emptyings, arena.rules.renew_deadline),
        gaps=gaps(acts, healed, LONGEST_SILENCE_S),
        takeovers=takeovers(terms),
        ended=[each for candidate in arena.candidates for each in candidate.ended],
        untimely=arena.referee.untimely,
        since=min(act.before for act in acts),
        until=healed,
        has_recovered=has_recovered,
        left_out=arena.left_out,
        again=f"make chaos SECONDS={seconds:g} SEED={seed}",
    )
