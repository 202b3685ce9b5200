"""Cases: what is searched. Production must hold in all its settings; each weaker variant must be caught."""

from __future__ import annotations

from dataclasses import dataclass

from tenure.peer.electorate import Electorate
from tests.search.peers import variants
from tests.search.peers.setting import Change, Rule, Setting

__all__ = ["CAUGHT", "HARMLESS", "LONG", "SHORT", "Case"]


@dataclass(frozen=True, kw_only=True)
class Case:
    """One search that must find something.

    Attributes:
        setting: of it.
        states: within how many it finds it.
        why: what is wrong there.
    """

    setting: Setting
    states: int
    why: str


_EVERY_RULE = tuple(Rule)
_THREE_TO_OTHERS = Electorate(voters=("v2", "v3", "v4"), previous=("v0", "v1", "v2"), epoch=1)
_THREE_TO_FIVE = Electorate(voters=("v0", "v1", "v2", "v3", "v4"), previous=("v0", "v1", "v2"), epoch=1)
_FIVE = Electorate(voters=("v0", "v1", "v2", "v3", "v4"))

# Leases of one tick make shorter ways. Where voters have rules of their own, all that was sent to them
# counts.
_T1 = {"leases": (1, 1), "silence": 1, "longest_grant": 1}
_ONCE = {**_T1, "prepares": (1, 1), "rounds": 1}
_ONE_TRY = {"prepares": (1, 1), "rounds": 2}
_ALL = {"drops_demands": False}
_ONCE_ALL = {**_ONCE, **_ALL}
_TWICE_ALL = {**_T1, **_ALL, "prepares": (2, 1)}

CAUGHT = {
    "published_with_release": Case(
        setting=Setting(
            **{**_TWICE_ALL, "prepares": (1, 2)},
            script=((2,), (1, 3)),
            releases=(0, 1),
            acceptor=variants.PublishedAcceptor,
            proposer=variants.PublishedProposer,
        ),
        states=50_000,
        why="accepting does not raise the promise: a RELEASE frees the older ballot, which was accepted last",
    ),
    "published_with_extension": Case(
        setting=Setting(
            **_TWICE_ALL, rounds=2, acceptor=variants.ExtendingAcceptor, proposer=variants.PublishedProposer
        ),
        states=50_000,
        why="accepting does not raise the promise: the older of two ballots of one owner is accepted last",
    ),
    "counts_from_propose": Case(
        setting=Setting(
            **_ONCE_ALL, restarts=1, acceptor=variants.RaisingAcceptor, proposer=variants.PublishedProposer
        ),
        states=25_000,
        why="a promise is forgotten by a restart, and used after any time",
    ),
    "stale_propose": Case(
        setting=Setting(
            **_TWICE_ALL,
            script=((2, 3), (1,)),
            restarts=1,
            acceptor=variants.RaisingAcceptor,
            proposer=variants.BroadcastingProposer,
        ),
        states=150_000,
        why="a stale PROPOSE takes another's lease at a voter that has forgotten, and its sender tries again",
    ),
    "unchecked_propose": Case(
        setting=Setting(
            **_TWICE_ALL,
            script=((2, 3), (1,)),
            restarts=1,
            acceptor=variants.RaisingAcceptor,
            proposer=variants.CredulousProposer,
        ),
        states=70_000,
        why="the same, though PROPOSE went only to those that promised: neither ballot nor start is checked",
    ),
    "no_silence": Case(
        setting=Setting(**{**_ONCE, "silence": 0}, restarts=1),
        states=2_000,
        why="a voter that has restarted grants what it has granted before",
    ),
    "lease_longer_than_silence": Case(
        setting=Setting(**{**_ONCE_ALL, "leases": (2, 1)}, restarts=1, acceptor=variants.FrivolousAcceptor),
        states=5_000,
        why="a voter grants a longer lease than it will be silent for",
    ),
    "forgets_early": Case(
        setting=Setting(
            **{**_ONCE_ALL, "leases": (2, 2), "longest_grant": 2, "rounds": 2},
            acceptor=variants.HastyAcceptor,
        ),
        states=10_000,
        why="a voter counts one tick less than the owner: a search has no slack that hides it",
    ),
    "overstays": Case(
        setting=Setting(**{**_ONCE, "rounds": 2}, proposer=variants.OverstayingProposer),
        states=5_000,
        why="an owner counts one tick more than its voters",
    ),
    "loose_release": Case(
        setting=Setting(
            **_TWICE_ALL, script=((1, 2), (3,)), releases=(1, 0), acceptor=variants.LooseReleaseAcceptor
        ),
        states=20_000,
        why="a late RELEASE of an earlier ballot frees a later one",
    ),
    "same_incarnation": Case(
        setting=Setting(
            **_TWICE_ALL, script=((1, 1), (2,)), rebirths=(1, 0), same_incarnation=True, drops_answers=False
        ),
        states=30_000,
        why="a proposer that has restarted uses a ballot again, and an ACCEPT of its earlier life counts",
    ),
    "two_live_copies": Case(
        setting=Setting(**_ONCE, copies=2),
        states=3_000,
        why="two live voters of one name vote for two: at most one is an assumption",
    ),
    "no_joint_phase": Case(
        setting=Setting(**_ONCE, change=Change(to=_THREE_TO_OTHERS, joint=False)),
        states=50_000,
        why="{v0, v1} and {v3, v4} are majorities of the old and of the new voters",
    ),
    "no_joint_phase_three_to_five": Case(
        setting=Setting(**_ONCE, change=Change(to=_THREE_TO_FIVE, joint=False)),
        states=100_000,
        why="{v0, v1} and {v2, v3, v4} are majorities of the old and of the new voters",
    ),
    "old_voters_dropped_at_once": Case(
        setting=Setting(**_ONCE, change=Change(to=_THREE_TO_OTHERS, wait=0)),
        states=250_000,
        why="what was granted in the old epoch has not run out when its voters count no more",
    ),
    "epoch_forgotten": Case(
        setting=Setting(
            **_ONCE,
            restarts=1,
            change=Change(to=_THREE_TO_OTHERS, wait=1, complete=True, starts=(0, 2), forgets=True),
        ),
        states=300_000,
        why="a voter that has left the old epoch restarts into it: that it never goes back is an assumption",
    ),
    "equal_rounds": Case(
        setting=Setting(**_ONCE_ALL, rules=_EVERY_RULE, acceptor=variants.TieBreakingAcceptor),
        states=1_000,
        why="of two ballots with one round both get a term: one token for two",
    ),
    "amnesiac_token": Case(
        setting=Setting(**_ONCE, rules=_EVERY_RULE, restarts=1),
        states=2_000,
        why="known, and not mended: after a restart a later term may have as low a round as an earlier one",
    ),
}

_ALL_DEMANDS = {**_ONE_TRY, **_ALL}

# Where production does more than it has to, or could as well do otherwise: no two owners without it.
HARMLESS = {
    "published_alone": Setting(
        **_ALL_DEMANDS,
        acceptor=variants.PublishedAcceptor,
        proposer=variants.PublishedProposer,
    ),
    "raised_promise_without_restarts": Setting(
        **{**_TWICE_ALL, "prepares": (1, 2)},
        script=((2,), (1, 3)),
        releases=(0, 1),
        acceptor=variants.RaisingAcceptor,
        proposer=variants.PublishedProposer,
    ),
    "promises_where_held": Setting(**_ONE_TRY, restarts=1, acceptor=variants.PromisingHeldAcceptor),
    "proposes_to_the_late": Setting(**_ONE_TRY, restarts=1, proposer=variants.LateProposingProposer),
    "counts_from_propose_otherwise_as_production": Setting(
        **_ALL_DEMANDS, restarts=1, proposer=variants.LateCountingProposer
    ),
    "promise_without_incarnation": Setting(
        **_ALL_DEMANDS,
        restarts=1,
        acceptor=variants.AnyIncarnationAcceptor,
        proposer=variants.CredulousProposer,
    ),
    "incarnation_without_promise": Setting(**_ALL_DEMANDS, restarts=1, acceptor=variants.NotBelowAcceptor),
}

_THREE_CANDIDATES = {"releases": (0, 0, 0), "rebirths": (0, 0, 0)}
_THREE_OF_THEM = {**_THREE_CANDIDATES, "leases": (2, 2, 2), "prepares": (1, 1, 1)}
_THREE_OF_THEM_T1 = {**_THREE_CANDIDATES, **_T1, "leases": (1, 1, 1), "prepares": (1, 1, 1)}

SHORT = {
    "two tries each": Setting(**_T1),
    "releases, and tokens": Setting(**_T1, prepares=(2, 1), releases=(1, 1), rules=_EVERY_RULE),
    "a voter restarts": Setting(**_ONE_TRY, restarts=1),
    "voters restart twice": Setting(**_T1, **_ONE_TRY, restarts=2),
    "all restart, and release": Setting(**_T1, **_ONE_TRY, releases=(1, 1), rebirths=(1, 1), restarts=1),
    "three candidates": Setting(**_THREE_OF_THEM, rounds=2),
    "three candidates, a voter restarts": Setting(**_THREE_OF_THEM_T1, rounds=2, restarts=1),
    "five voters": Setting(**_T1, **_ONE_TRY, voters=_FIVE),
    "tokens, where voters recall": Setting(**_T1, **_ONE_TRY, restarts=2, recalls=True, rules=_EVERY_RULE),
    "leases of two lengths": Setting(**{**_T1, "leases": (1, 2)}, **_ONE_TRY, restarts=1),
    "from three voters to three others": Setting(**_ONCE, change=Change(to=_THREE_TO_OTHERS, wait=1)),
    "from three voters to five": Setting(**_ONCE, change=Change(to=_THREE_TO_FIVE, wait=1)),
    "a voter restarts after a change": Setting(
        **_ONCE,
        restarts=1,
        change=Change(to=_THREE_TO_OTHERS, wait=1, complete=True, starts=(0, 2)),
    ),
}

LONG = {
    "two tries each, two ticks": Setting(),
    "two tries each, releases, tokens": Setting(releases=(1, 1), rules=_EVERY_RULE),
    "two tries each, four rounds": Setting(rounds=4),
    "three tries and two": Setting(**_T1, prepares=(3, 2), rounds=4),
    "three tries and one, releases, tokens": Setting(
        **_T1, prepares=(3, 1), rounds=4, releases=(2, 1), rules=_EVERY_RULE
    ),
    "two tries each, a voter restarts": Setting(restarts=1),
    "two tries each, voters restart twice": Setting(**_T1, restarts=2),
    "two tries and one, a release, a voter restarts": Setting(prepares=(2, 1), releases=(1, 0), restarts=1),
    "two tries and one, a release, voters restart twice": Setting(
        **_T1, prepares=(2, 1), releases=(1, 0), restarts=2
    ),
    "two tries each, all restart": Setting(**_T1, restarts=1, rebirths=(1, 1)),
    "two tries and one, tokens, voters recall twice": Setting(
        **_T1, prepares=(2, 1), restarts=2, recalls=True, rules=_EVERY_RULE
    ),
    "three candidates, three rounds": Setting(**_THREE_OF_THEM, rounds=3),
    "three candidates, a voter restarts, two ticks": Setting(**_THREE_OF_THEM, rounds=2, restarts=1),
    "three candidates, one tries twice": Setting(**{**_THREE_OF_THEM_T1, "prepares": (2, 1, 1)}, rounds=3),
    "three candidates, releases, a voter restarts": Setting(
        **{**_THREE_OF_THEM_T1, "releases": (1, 1, 1)}, rounds=3, restarts=1
    ),
    "five voters, two tries and one": Setting(**_T1, voters=_FIVE, prepares=(2, 1)),
    "five voters, one restarts": Setting(**_T1, **_ONE_TRY, voters=_FIVE, restarts=1),
    "from three voters to three others, two rounds": Setting(
        **_T1, **_ONE_TRY, change=Change(to=_THREE_TO_OTHERS, wait=1)
    ),
    "from three voters to five, two rounds": Setting(
        **_T1, **_ONE_TRY, change=Change(to=_THREE_TO_FIVE, wait=1)
    ),
    "from three voters to five, a release, an extension": Setting(
        **_T1, prepares=(2, 1), rounds=2, releases=(1, 0), change=Change(to=_THREE_TO_FIVE, wait=1)
    ),
    "from three voters to others, one restarts": Setting(
        **_ONCE, restarts=1, change=Change(to=_THREE_TO_OTHERS, wait=1)
    ),
    "it proposes to the late": Setting(
        **_T1,
        prepares=(2, 1),
        releases=(1, 1),
        restarts=1,
        proposer=variants.LateProposingProposer,
    ),
    "it promises where it is held": Setting(
        **_T1, prepares=(2, 1), releases=(1, 1), restarts=1, acceptor=variants.PromisingHeldAcceptor
    ),
}
