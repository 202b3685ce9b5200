"""Variants: cores that are broken on purpose, one sentence of the safety contract each.

A checker that lets one of them pass checks nothing. Each is the production core with a few lines changed;
`transcripts/NAME.txt` shows its harm in as few commands as possible.
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
from tests.sabotage.judge import Harm

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
        harm: what its transcript shows.
        why: what is wrong with it.
    """

    name: str
    rule: int
    core: Callable[..., Core]
    on_missing: OnMissing
    clock: type[MachineClock]
    harm: Harm
    why: str


def _variant(
    name: str, rule: int, broken: type, harm: Harm = Harm.TWO_LEADERS, on_missing: OnMissing = "create"
) -> Variant:
    is_clock = issubclass(broken, MachineClock)
    return Variant(
        name=name,
        rule=rule,
        core=Election if is_clock else partial(build, broken),
        on_missing=on_missing,
        clock=broken if is_clock else MachineClock,
        harm=harm,
        why=" ".join((broken.__doc__ or "").split()),
    )


_ALL = [
    _variant("counted_from_the_answer", 1, broken_terms.CountedFromTheAnswer),
    _variant("counted_unanswered", 1, broken_terms.CountedUnanswered),
    _variant("clock_stops_in_suspend", 1, broken_clocks.ClockStopsInSuspend),
    _variant("hard_limit_at_l", 1, broken_clocks.HardLimitAtL, Harm.OVERLAP),
    _variant("campaigns_while_the_body_runs", 1, broken_terms.CampaignsWhileTheBodyRuns, Harm.BODY_RUNS),
    _variant("sends_before_it_looks", 1, broken_terms.SendsBeforeItLooks, Harm.AFTER_THE_END),
    _variant("late_answer_revives", 1, broken_terms.LateAnswerRevives, Harm.AFTER_THE_END),
    _variant("takeover_at_l", 2, broken_clocks.TakeoverAtL),
    _variant("duration_of_its_own", 2, broken_knowledge.DurationOfItsOwn),
    _variant("no_duration_is_free", 2, broken_knowledge.NoDurationIsFree, Harm.ROBBED),
    _variant("timestamps_compared", 2, broken_knowledge.TimestampsCompared),
    _variant("overwritten_holder_forgotten", 2, broken_knowledge.OverwrittenHolderForgotten),
    _variant("annotator_delays_takeover", 2, broken_knowledge.AnnotatorDelaysTakeover, Harm.LEADERLESS),
    _variant("empty_under_new_uid_is_free", 2, broken_knowledge.EmptyUnderNewUidIsFree),
    _variant("unreadable_is_free", 2, broken_knowledge.UnreadableIsFree),
    _variant("foreign_holder_ignored", 3, broken_terms.ForeignHolderIgnored),
    _variant("deletion_ignored", 3, broken_terms.DeletionIgnored),
    _variant("another_object_ignored", 3, broken_terms.AnotherObjectIgnored, Harm.AFTER_THE_END),
    _variant("touch_is_loss", 3, broken_terms.TouchIsLoss, Harm.NEEDLESS_LOSS),
    _variant("deletion_is_free", 4, broken_knowledge.DeletionIsFree),
    _variant("believed_at_once", 4, broken_knowledge.BelievedAtOnce, on_missing="wait"),
    _variant("waits_before_the_create", 4, broken_knowledge.WaitsBeforeTheCreate, on_missing="wait"),
    _variant("frees_what_is_not_proven", 4, broken_knowledge.FreesWhatIsNotProven, on_missing="wait"),
    _variant("another_incarnation", 5, broken_attempts.AnotherIncarnation),
    _variant("name_and_incarnation", 5, broken_attempts.NameAndIncarnation),
    _variant("name_alone", 5, broken_attempts.NameAlone),
    _variant("released_without_check", 6, broken_terms.ReleasedWithoutCheck, Harm.WIPED),
    _variant("freed_while_the_body_runs", 6, broken_terms.FreedWhileTheBodyRuns, Harm.BODY_RUNS),
    _variant("drains_without_renewal", 6, broken_terms.DrainsWithoutRenewal, Harm.NEEDLESS_LOSS),
    _variant("conflict_is_loss", 7, broken_terms.ConflictIsLoss, Harm.NEEDLESS_LOSS),
    _variant("blind_retry", 7, broken_terms.BlindRetry),
    _variant("credited_to_the_latest", 7, broken_attempts.CreditedToTheLatest),
    _variant("old_write_elects", 7, broken_attempts.OldWriteElects),
    _variant("unchanged_renewal", 7, broken_attempts.UnchangedRenewal),
    _variant("old_observation_believed", 8, broken_knowledge.OldObservationBelieved),
    _variant("reset_is_free", 8, broken_knowledge.ResetIsFree),
    _variant("token_from_transitions", 9, broken_attempts.TokenFromTransitions, Harm.TOKEN_FELL),
    _variant("epoch_ignored", 9, broken_attempts.EpochIgnored, Harm.TOKEN_FELL),
]

VARIANTS: dict[str, Variant] = {variant.name: variant for variant in _ALL}
