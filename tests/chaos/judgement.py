"""Judgement: what a list of acts proves. Pure: no clock, no process."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from tests.chaos.act import Act

__all__ = [
    "CLIENT_GO",
    "Clash",
    "Emptying",
    "Gap",
    "Takeover",
    "Tenancy",
    "clashes",
    "gaps",
    "takeovers",
    "tenancies",
]

CLIENT_GO = "client-go"


@dataclass(frozen=True)
class Tenancy:
    """What the acts prove of one term: it was valid at least from `since` to `until` (boot time, seconds).

    A term is valid without interruption, so it was so between any two of its checks. The first check was made
    by `since` (the stamp after it), the last one not before `until` (the stamp before it). Of a single act
    only this is known: its check lies between the two stamps, and `since` > `until` then.
    """

    who: str
    kind: str
    term: str
    token: int | None
    since: float
    until: float
    began: float  # the stamp before its first check
    ended: float  # the stamp after its last check


@dataclass(frozen=True)
class Emptying:
    """An administrator emptied the holder in these moments of boot time: sent, and answered, in seconds."""

    sent: float
    answered: float


@dataclass(frozen=True)
class Clash:
    """Two terms that cannot both have been right.

    Attributes:
        older: the one with the lower token, or the one that acted first.
        newer: the other one.
        overlap_s: for how long both are proven valid at once; 0: they are not, but the older one acted after
            the newer one.
        is_excused: the contract allows it: the holder had been emptied by hand (docs/contract.md).
    """

    older: Tenancy
    newer: Tenancy
    overlap_s: float
    is_excused: bool

    @property
    def is_among_ours(self) -> bool:
        """Whether no client-go is in it."""
        return CLIENT_GO not in (self.older.kind, self.newer.kind)

    def __str__(self) -> str:
        """Both sides with their proven times: enough to look them up in the logs."""
        what = f"overlap of {self.overlap_s:.3f} s" if self.overlap_s else "act of an older term"
        sides = " and ".join(
            f"{each.term} (token {each.token}) from {each.since:.3f} to {each.until:.3f}"
            for each in (self.older, self.newer)
        )
        return f"{what}: {sides}"


@dataclass(frozen=True)
class Gap:
    """A time without any act; boot time, seconds. `who` acted last."""

    who: str
    since: float
    until: float

    @property
    def length_s(self) -> float:
        """How long it was."""
        return self.until - self.since


@dataclass(frozen=True)
class Takeover:
    """One candidate acted after another: the last act of the old one, the first of the new one."""

    old: str
    new: str
    since: float
    until: float

    @property
    def took_s(self) -> float:
        """Seconds from the last act of the old leader to the first of the new one."""
        return max(0.0, self.until - self.since)


def tenancies(acts: Iterable[Act]) -> list[Tenancy]:
    """Return what is known of each term, in the order of their first acts."""
    of_term: dict[str, list[Act]] = {}
    for act in acts:
        of_term.setdefault(act.term, []).append(act)
    return sorted((_tenancy(each) for each in of_term.values()), key=lambda each: each.began)


def clashes(terms: Sequence[Tenancy], emptyings: Sequence[Emptying], deadline_s: float) -> list[Clash]:
    """Return all pairs of terms that contradict each other.

    Among tenure's candidates two terms never overlap, and nobody acts with a token after somebody acted with
    a higher one. client-go has no tokens: its terms can only overlap.

    Args:
        terms: of the whole run.
        emptyings: when an administrator emptied the holder. That declares the leader dead: until it hears of
            it, at most for the rest of its `deadline_s`, it may overlap with a term that began afterwards.
        deadline_s: the renew deadline D of all candidates.
    """
    found = (_clash(first, second, emptyings, deadline_s) for first, second in combinations(terms, 2))
    return [clash for clash in found if clash is not None]


def gaps(acts: Sequence[Act], until: float, longer_than_s: float) -> list[Gap]:
    """Return the times without an act, from the first one to `until`, that are longer than a limit."""
    told = sorted((act.after, act.who) for act in acts if act.after < until)
    ends = [*(after for after, _ in told[1:]), until]
    return [Gap(who, a, b) for (a, who), b in zip(told, ends, strict=False) if b - a > longer_than_s]


def takeovers(terms: Sequence[Tenancy]) -> list[Takeover]:
    """Return the changes of the leader; a candidate that succeeds itself is none."""
    return [
        Takeover(old.who, new.who, old.ended, new.began) for old, new in pairwise(terms) if old.who != new.who
    ]


def _tenancy(acts: list[Act]) -> Tenancy:
    first, last = min(acts, key=lambda act: act.after), max(acts, key=lambda act: act.before)
    began, ended = min(act.before for act in acts), max(act.after for act in acts)
    return Tenancy(first.who, first.kind, first.term, first.token, first.after, last.before, began, ended)


def _clash(first: Tenancy, second: Tenancy, emptyings: Sequence[Emptying], deadline_s: float) -> Clash | None:
    older, newer = first, second
    if first.token is not None and second.token is not None and second.token < first.token:
        older, newer = second, first
    # Both checks of each pair are certain to have come in this order, whatever the stamps leave open.
    stale = newer.since < older.until
    overlapping = stale and older.since < newer.until
    same_token = first.token is not None and first.token == second.token
    if not (overlapping or same_token or (stale and older.token is not None and newer.token is not None)):
        return None
    overlap_s = min(older.until, newer.until) - max(older.since, newer.since) if overlapping else 0.0
    excused = not same_token and any(_excuses(each, older, newer, deadline_s) for each in emptyings)
    return Clash(older, newer, max(overlap_s, 0.0), excused)


def _excuses(emptying: Emptying, older: Tenancy, newer: Tenancy, deadline_s: float) -> bool:
    """Tell whether the emptying came between the two terms, and the older one ended within D of it."""
    return (
        older.began <= emptying.answered
        and newer.since >= emptying.sent
        and older.until <= emptying.answered + deadline_s
    )
