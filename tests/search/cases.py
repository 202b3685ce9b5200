"""Cases: where a search meets the harm of each sabotaged core, and why it cannot meet that of some.

A search has two candidates with one timing on machines with true clocks, a store whose history never goes
back, and one hand that meddles: it deletes the record.
"""

from __future__ import annotations

from dataclasses import dataclass

from tenure.election import OnMissing
from tenure.testing.search import Limits, Rule

__all__ = ["CASES", "INEXPRESSIBLE", "Case"]

_FOLLOWED = ("answer a", "answer a", "answer b")
_A_CREATE_ON_ITS_WAY = ("answer a", "lose a", "advance 0.5s", "answer a", "answer a")


@dataclass(frozen=True, kw_only=True, slots=True)
class Case:
    """One search; the fields are the arguments of `tenure.testing.search.search`."""

    limits: Limits
    on_missing: OnMissing = "create"
    identities: tuple[str, str] = ("a", "b")
    prelude: tuple[str, ...] = ()
    rules: tuple[Rule, ...] = tuple(Rule)
    most_states: int = 200_000


_PLAIN = Limits(resignations=0, news=1)
_RESIGNING = Limits(resignations=1, news=1)
_DELETING = Limits(resignations=0, news=1, deletions=1)
_TWO_LEADERS = (Rule.ONE_LEADER,)

CASES = {
    "another_incarnation": Case(limits=_PLAIN, identities=("a", "a"), rules=_TWO_LEADERS),
    "another_object_ignored": Case(limits=_DELETING, prelude=_A_CREATE_ON_ITS_WAY),
    "believed_at_once": Case(limits=_DELETING, on_missing="wait"),
    "blind_retry": Case(limits=_PLAIN),
    "campaigns_while_the_body_runs": Case(limits=_PLAIN),
    "counted_from_the_answer": Case(limits=_PLAIN, rules=_TWO_LEADERS),
    "counted_unanswered": Case(limits=_PLAIN),
    # Without the prelude it takes as long a path, and 125,000 states.
    "credited_to_the_latest": Case(limits=_PLAIN, prelude=("answer a", "lose a"), rules=_TWO_LEADERS),
    "deletion_ignored": Case(limits=_DELETING, rules=_TWO_LEADERS),
    "deletion_is_free": Case(limits=_DELETING),
    "freed_while_the_body_runs": Case(limits=_RESIGNING),
    "late_answer_revives": Case(limits=_PLAIN),
    "name_alone": Case(limits=_PLAIN, identities=("a", "a")),
    "old_write_elects": Case(limits=_RESIGNING),
    "released_without_check": Case(limits=_RESIGNING),
    "sends_before_it_looks": Case(limits=Limits(resignations=0, news=1, pauses=1)),
    "token_from_transitions": Case(limits=_PLAIN),
    "unchanged_renewal": Case(limits=_PLAIN, prelude=_FOLLOWED, rules=_TWO_LEADERS),
    "waits_before_the_create": Case(limits=_DELETING, on_missing="wait"),
}

_CLOCKS = "needs clocks at different rates, or one that stops"
_HAND = "needs a record that another program wrote, emptied or spoilt"
_RESTORED = "needs a store whose history goes back"
_HARMLESS = "breaks a promise of liveness: nobody is hurt who could be seen to be"

INEXPRESSIBLE = {
    "annotator_delays_takeover": _HARMLESS,
    "clock_stops_in_suspend": _CLOCKS,
    "conflict_is_loss": _HARMLESS,
    "drains_without_renewal": _HARMLESS,
    "duration_of_its_own": "needs candidates with different durations",
    "empty_under_new_uid_is_free": _HAND,
    "epoch_ignored": "needs an epoch that an operator raised",
    "foreign_holder_ignored": _HAND,
    "frees_what_is_not_proven": "needs a third candidate, which knows the record before it is freed",
    "hard_limit_at_l": _CLOCKS,
    "name_and_incarnation": _RESTORED,
    "no_duration_is_free": _HAND,
    "old_observation_believed": _HAND,
    "overwritten_holder_forgotten": _HAND,
    "reset_is_free": _RESTORED,
    "takeover_at_l": _CLOCKS,
    "timestamps_compared": "compares with a wall clock, of which the search has none",
    "touch_is_loss": _HARMLESS,
    "unreadable_is_free": _HAND,
}
