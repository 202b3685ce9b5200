"""Variants: cores that are broken on purpose, one sentence of the safety contract each.

A check that lets one of them pass checks nothing. Each is the production core with a few lines changed;
`transcripts/NAME.txt` shows its harm in as few commands as possible, and `test_simulated.py` finds it by
chance.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from tenure.election import Election, OnMissing
from tenure.testing.machine import MachineClock
from tenure.testing.world import Core
from tests.sabotage import broken_attempts, broken_clocks, broken_knowledge, broken_terms
from tests.sabotage.building import build

__all__ = ["VARIANTS", "Variant"]


@dataclass(frozen=True, kw_only=True, slots=True)
class Variant:
    """One way to break the contract.

    Attributes:
        name: of the variant, and of its transcript.
        rule: of the contract, that it breaks.
        core: makes its candidates, with the arguments of `Election`.
        on_missing: the setting in which it does harm that production does not.
        clock: of its machines.
        violations: the kinds that its transcript shows, in the order of the first of each; none: it breaks
            no sentence of safety, and has no transcript.
        seeds: within how many random scenarios it is caught.
        trial: the kind of violation that they end with, where it matters; empty: any.
        unplayed: why no random scenario can catch it; empty: they do.
        why: what is wrong with it.
    """

    name: str
    rule: int
    core: Callable[..., Core]
    on_missing: OnMissing
    clock: type[MachineClock]
    violations: tuple[str, ...]
    seeds: int
    trial: str
    unplayed: str
    why: str


def _variant(
    name: str,
    rule: int,
    broken: type,
    *violations: str,
    on_missing: OnMissing = "create",
    seeds: int = 10,
    trial: str = "",
    unplayed: str = "",
) -> Variant:
    is_clock = issubclass(broken, MachineClock)
    return Variant(
        name=name,
        rule=rule,
        core=Election if is_clock else partial(build, broken),
        on_missing=on_missing,
        clock=broken if is_clock else MachineClock,
        violations=violations,
        seeds=0 if unplayed else seeds,
        trial=trial,
        unplayed=unplayed,
        why=" ".join((broken.__doc__ or "").split()),
    )


_TWO_VALID = "two valid terms"
_AFTER_D = "valid after s+D"
_SENT_LATE = "sent after the end"
_OVERRUN = "past the hard limit"
_EARLY = "taken too early"
_GOES_ON = "goes on though its record is gone"

# Why random scenarios do not show it.
_NO_EPOCH = "no simulated operator raises an epoch"
_NO_SECOND_CREATE = (
    "hardly ever is a leader's record deleted just before an earlier create of its own lands, which an API "
    "server had held up"
)
_NO_ABANDONED_CREATE = (
    "hardly ever does a creator resign between its create and the answer, while the leader of a deleted "
    "record is cut off and a third candidate is about to take what is freed"
)

_ALL = [
    _variant(
        "counted_from_the_answer",
        1,
        broken_terms.CountedFromTheAnswer,
        _AFTER_D,
        _SENT_LATE,
        _TWO_VALID,
        _OVERRUN,
    ),
    _variant("counted_unanswered", 1, broken_terms.CountedUnanswered, _AFTER_D, _TWO_VALID, _OVERRUN),
    _variant("clock_stops_in_suspend", 1, broken_clocks.ClockStopsInSuspend, _TWO_VALID, seeds=100),
    _variant("hard_limit_at_l", 1, broken_clocks.HardLimitAtL, _OVERRUN),
    _variant("campaigns_while_the_body_runs", 1, broken_terms.CampaignsWhileTheBodyRuns, "the old body runs"),
    _variant("sends_before_it_looks", 1, broken_terms.SendsBeforeItLooks, _SENT_LATE, seeds=50),
    _variant("late_answer_revives", 1, broken_terms.LateAnswerRevives, "revived after its end", seeds=400),
    _variant("takeover_at_l", 2, broken_clocks.TakeoverAtL, _EARLY, _TWO_VALID),
    _variant("duration_of_its_own", 2, broken_knowledge.DurationOfItsOwn, _EARLY, _TWO_VALID),
    _variant("no_duration_is_free", 2, broken_knowledge.NoDurationIsFree, _EARLY),
    _variant("timestamps_compared", 2, broken_knowledge.TimestampsCompared, _EARLY, _TWO_VALID),
    _variant(
        "overwritten_holder_forgotten", 2, broken_knowledge.OverwrittenHolderForgotten, _TWO_VALID, seeds=300
    ),
    _variant("annotator_delays_takeover", 2, broken_knowledge.AnnotatorDelaysTakeover, trial="no leader"),
    _variant("empty_under_new_uid_is_free", 2, broken_knowledge.EmptyUnderNewUidIsFree, _TWO_VALID, seeds=30),
    _variant(
        "unreadable_is_free",
        2,
        broken_knowledge.UnreadableIsFree,
        "taken though it cannot be read",
        _TWO_VALID,
    ),
    _variant("foreign_holder_ignored", 3, broken_terms.ForeignHolderIgnored, _GOES_ON),
    _variant("deletion_ignored", 3, broken_terms.DeletionIgnored, _GOES_ON),
    _variant(
        "another_object_ignored", 3, broken_terms.AnotherObjectIgnored, _GOES_ON, unplayed=_NO_SECOND_CREATE
    ),
    _variant("touch_is_loss", 3, broken_terms.TouchIsLoss, "lost for nothing"),
    _variant("deletion_is_free", 4, broken_knowledge.DeletionIsFree, _TWO_VALID, seeds=30),
    _variant("believed_at_once", 4, broken_knowledge.BelievedAtOnce, _TWO_VALID, on_missing="wait", seeds=60),
    _variant(
        "waits_before_the_create",
        4,
        broken_knowledge.WaitsBeforeTheCreate,
        _TWO_VALID,
        on_missing="wait",
        seeds=500,
    ),
    _variant(
        "frees_what_is_not_proven",
        4,
        broken_knowledge.FreesWhatIsNotProven,
        _TWO_VALID,
        on_missing="wait",
        unplayed=_NO_ABANDONED_CREATE,
    ),
    _variant("another_incarnation", 5, broken_attempts.AnotherIncarnation, _TWO_VALID, _AFTER_D, seeds=100),
    _variant("name_and_incarnation", 5, broken_attempts.NameAndIncarnation, _TWO_VALID, seeds=150),
    _variant("name_alone", 5, broken_attempts.NameAlone, _EARLY, _TWO_VALID),
    _variant("released_without_check", 6, broken_terms.ReleasedWithoutCheck, "wiped a successor", seeds=450),
    _variant(
        "freed_while_the_body_runs",
        6,
        broken_terms.FreedWhileTheBodyRuns,
        "freed while the body runs",
        _TWO_VALID,
    ),
    _variant("drains_without_renewal", 6, broken_terms.DrainsWithoutRenewal, "lost untried"),
    _variant("conflict_is_loss", 7, broken_terms.ConflictIsLoss, "lost for nothing"),
    _variant("blind_retry", 7, broken_terms.BlindRetry, _EARLY, _TWO_VALID),
    _variant(
        "credited_to_the_latest",
        7,
        broken_attempts.CreditedToTheLatest,
        _AFTER_D,
        _SENT_LATE,
        _TWO_VALID,
        _OVERRUN,
    ),
    _variant(
        "old_write_elects", 7, broken_attempts.OldWriteElects, "tokens do not rise", _TWO_VALID, seeds=400
    ),
    _variant(
        "unchanged_renewal", 7, broken_attempts.UnchangedRenewal, _AFTER_D, _SENT_LATE, _TWO_VALID, _OVERRUN
    ),
    _variant(
        "old_observation_believed",
        8,
        broken_knowledge.OldObservationBelieved,
        "begins though its record is gone",
        seeds=100,
    ),
    _variant("reset_is_free", 8, broken_knowledge.ResetIsFree, _TWO_VALID, seeds=400),
    _variant("token_from_transitions", 9, broken_attempts.TokenFromTransitions, "tokens do not rise"),
    _variant(
        "epoch_ignored",
        9,
        broken_attempts.EpochIgnored,
        "an epoch of its own",
        unplayed=_NO_EPOCH,
    ),
]

VARIANTS: dict[str, Variant] = {variant.name: variant for variant in _ALL}
