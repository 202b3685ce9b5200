"""Every check complains when its sentence is broken, and is silent about the lawful case next to it.

What ends a term and its body is in `test_checks_of_ends`.
"""

from __future__ import annotations

import pytest

from tenure.events import CampaignStarted, LossReason, Renewed
from tenure.record import Record, UnreadableRecord
from tenure.requests import Purpose
from tenure.testing.world import Candidate
from tests.testing.theatre import Theatre


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def a(theatre: Theatre) -> Candidate:
    return theatre.join("a")


@pytest.fixture
def b(theatre: Theatre) -> Candidate:
    return theatre.join("b")


# ---- one valid term


class TestOneValidTerm:
    def test_two_at_once(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(5)
        theatre.elect(b)
        assert theatre.kinds == ["two valid terms"]

    def test_the_old_one_goes_on(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(9.9)
        theatre.elect(b)
        theatre.said.clear()
        theatre.say(b, Renewed(deadline=b.term.deadline, late_s=0.0))  # type: ignore[union-attr]
        assert theatre.kinds == ["two valid terms"]

    def test_one_after_the_other(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(5)
        theatre.send(a, Purpose.RENEW)
        theatre.wait(5)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        theatre.end_body(a)
        theatre.wait(5.2)
        theatre.elect(b)
        assert not theatre.said

    def test_clocks_count_and_not_true_time(self, theatre: Theatre, b: Candidate) -> None:
        slow = theatre.join("slow", rate=0.5)
        theatre.elect(slow)
        theatre.wait(15.2)
        theatre.elect(b)
        assert theatre.kinds == ["two valid terms"]

    def test_a_release_hands_over(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.give_up(a)
        theatre.elect(b)
        assert not theatre.said

    def test_a_deletion_unseen_is_the_gap_that_is_stated(self, theatre: Theatre, a: Candidate) -> None:
        newcomer = theatre.join("newcomer")
        theatre.elect(a)
        theatre.world.delete()
        theatre.read(newcomer)
        theatre.elect(newcomer)
        assert not theatre.said

    def test_a_deletion_opens_no_gap_where_it_must_not(self, theatre: Theatre, a: Candidate) -> None:
        newcomer = theatre.join("newcomer", on_missing="wait")
        theatre.elect(a)
        theatre.world.delete()
        theatre.elect(newcomer)
        assert theatre.kinds == ["two valid terms"]

    def test_a_deletion_frees_nothing_for_one_who_saw_the_leader(
        self, theatre: Theatre, a: Candidate, b: Candidate
    ) -> None:
        theatre.elect(a)
        theatre.see(b)
        theatre.world.delete()
        theatre.elect(b)
        assert theatre.kinds == ["two valid terms"]

    def test_who_empties_a_record_by_hand_declares_its_leader_dead(
        self, theatre: Theatre, a: Candidate
    ) -> None:
        cautious = theatre.join("cautious", on_missing="wait")
        theatre.elect(a)
        theatre.see(cautious)
        theatre.world.put(Record(holder=""))
        theatre.elect(cautious)
        assert not theatre.said

    def test_who_saw_a_release_knows_of_no_later_term(
        self, theatre: Theatre, a: Candidate, b: Candidate
    ) -> None:
        theatre.elect(a)
        theatre.see(b)
        theatre.give_up(a)
        theatre.see(b)
        theatre.elect(a)  # which b is not told
        theatre.world.delete()
        theatre.elect(b)
        assert not theatre.said

    def test_who_names_another_by_hand_does_not(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.see(b)
        theatre.world.put(Record(holder="somebody", lease_duration=1.0))
        theatre.see(b)
        theatre.wait(1.5)
        theatre.elect(b)
        assert theatre.kinds == ["two valid terms"]

    def test_an_annotator_declares_nobody_dead(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.world.touch()
        theatre.elect(b)
        assert theatre.kinds == ["two valid terms"]

    def test_each_hand_that_meddles_opens_a_gap_of_its_own(self, theatre: Theatre, a: Candidate) -> None:
        """A record that was made in a first gap, and never led by, excuses nothing and forbids nothing."""
        first, second = theatre.join("first", on_missing="wait"), theatre.join("second", on_missing="wait")
        theatre.elect(a)
        theatre.world.delete()
        theatre.write(first, Purpose.ACQUIRE)
        theatre.world.delete()
        theatre.world.put(Record(holder=""))
        theatre.elect(second)
        assert not theatre.said

    def test_a_crash_ends_a_term(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.world.crash(a)
        theatre.elect(b)
        assert "two valid terms" not in theatre.kinds


# ---- who may write over whose record


class TestWaitsItsTurn:
    def test_too_early(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.see(b)
        theatre.wait(15.1)
        theatre.write(b, Purpose.ACQUIRE)
        assert theatre.said == ["taken too early: by b, 0.050 s"]

    def test_in_time(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.see(b)
        theatre.wait(15.15)
        theatre.write(b, Purpose.ACQUIRE)
        assert not theatre.said

    def test_counted_by_its_own_clock(self, theatre: Theatre, a: Candidate) -> None:
        slow = theatre.join("slow", rate=0.99)
        theatre.write(a, Purpose.ACQUIRE)
        theatre.see(slow)
        theatre.wait(15.15)
        theatre.write(slow, Purpose.ACQUIRE)
        assert theatre.kinds == ["taken too early"]

    def test_counted_from_the_newest_change_of_the_holder(
        self, theatre: Theatre, a: Candidate, b: Candidate
    ) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.see(b)
        theatre.wait(5)
        theatre.write(a, Purpose.RENEW)
        theatre.see(b)
        theatre.wait(10.2)
        theatre.write(b, Purpose.ACQUIRE)
        assert theatre.kinds == ["taken too early"]

    def test_an_annotator_prolongs_nothing(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.see(b)
        theatre.wait(10)
        theatre.world.touch()
        theatre.see(b)
        theatre.wait(5.2)
        theatre.write(b, Purpose.ACQUIRE)
        assert not theatre.said

    def test_an_old_fact_that_comes_late_prolongs_nothing(
        self, theatre: Theatre, a: Candidate, b: Candidate
    ) -> None:
        old = theatre.write(a, Purpose.ACQUIRE)
        theatre.write(a, Purpose.RENEW)
        theatre.see(b)
        theatre.wait(15)
        theatre.see(b, old)
        theatre.wait(0.2)
        theatre.write(b, Purpose.ACQUIRE)
        assert not theatre.said

    def test_an_old_fact_that_is_read_counts_from_then_on(
        self, theatre: Theatre, a: Candidate, b: Candidate
    ) -> None:
        old = theatre.write(a, Purpose.ACQUIRE)
        theatre.write(a, Purpose.RENEW)
        theatre.see(b)
        theatre.wait(5)
        theatre.read(b, old.version)
        theatre.wait(10)
        theatre.world.restore(old.version)
        theatre.see(b)
        theatre.wait(5.2)
        theatre.write(b, Purpose.ACQUIRE)
        assert not theatre.said

    @pytest.mark.parametrize(("lease_duration", "early"), [(30.0, True), (3.0, False), (None, True)])
    def test_by_the_duration_in_the_record(
        self, theatre: Theatre, b: Candidate, lease_duration: float | None, early: bool
    ) -> None:
        """One without a duration counts with that of the contender."""
        theatre.world.put(Record(holder="somebody", lease_duration=lease_duration))
        theatre.see(b)
        theatre.wait(15 if lease_duration is None else 16)
        theatre.write(b, Purpose.ACQUIRE)
        assert theatre.kinds == (["taken too early"] if early else [])

    def test_what_cannot_be_read_is_held(self, theatre: Theatre, b: Candidate) -> None:
        theatre.world.put(UnreadableRecord("holderIdentity is a list"))
        theatre.see(b)
        theatre.wait(1000)
        theatre.write(b, Purpose.ACQUIRE)
        assert theatre.said == ["taken though it cannot be read: by b"]

    @pytest.mark.parametrize("holder", ["", "a"])
    def test_what_is_free_or_its_own_is_taken_at_once(
        self, theatre: Theatre, a: Candidate, holder: str
    ) -> None:
        if holder:
            theatre.write(a, Purpose.ACQUIRE)
        else:
            theatre.world.put(Record(holder=""))
        theatre.see(a)
        theatre.write(a, Purpose.ACQUIRE)
        assert not theatre.said

    def test_a_name_alone_makes_nothing_its_own(self, theatre: Theatre, a: Candidate) -> None:
        theatre.world.put(Record(holder="a", lease_duration=15.0))
        theatre.see(a)
        theatre.write(a, Purpose.ACQUIRE)
        assert theatre.kinds == ["taken too early"]


class TestReleasesOnlyItsOwn:
    def test_a_successor_is_wiped(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.wait(1)
        theatre.write(b, Purpose.ACQUIRE)
        theatre.write(a, Purpose.RELEASE)
        assert theatre.said == ["wiped a successor: a"]

    def test_so_is_what_a_hand_has_written(self, theatre: Theatre, a: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.world.put(Record(holder="somebody"))
        theatre.write(a, Purpose.RELEASE)
        assert theatre.kinds == ["wiped a successor"]

    def test_its_own(self, theatre: Theatre, a: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.world.touch()
        theatre.write(a, Purpose.RELEASE)
        assert not theatre.said


# ---- tokens


class TestTokensRise:
    @pytest.mark.parametrize("token", [0, 1])
    def test_they_do_not(self, theatre: Theatre, a: Candidate, b: Candidate, token: int) -> None:
        theatre.elect(a)
        theatre.give_up(a)
        theatre.elect(b, token=token)
        assert theatre.kinds == ["tokens do not rise"]

    def test_they_do_not_across_a_deletion(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.give_up(a)
        theatre.world.delete()
        theatre.elect(b, token=1)
        assert theatre.kinds == ["tokens do not rise"]

    def test_they_do(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        for _ in range(3):
            for candidate in (a, b):
                theatre.elect(candidate)
                theatre.give_up(candidate)
                theatre.say(candidate, CampaignStarted())
            theatre.world.delete()
        assert not theatre.said

    def test_in_the_order_of_the_writes_and_not_of_the_news(
        self, theatre: Theatre, a: Candidate, b: Candidate
    ) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.world.put(Record(holder=""))
        theatre.elect(b)
        theatre.begin(a, token=1)
        assert "tokens do not rise" not in theatre.kinds

    def test_a_restore_begins_anew(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        """An operator raises the epoch then."""
        theatre.world.put(Record(holder=""))
        theatre.world.touch()
        theatre.elect(a)
        theatre.give_up(a)
        theatre.world.restore(1)
        theatre.elect(b)
        assert not theatre.said

    def test_an_epoch_of_its_own(self, theatre: Theatre, a: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.begin(a, epoch=1)
        assert theatre.kinds == ["an epoch of its own"]


# ---- the resource behind a fence


class TestFencedStore:
    def test_the_newest_term_is_refused(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        """The fence sees numbers only, and here they are wrong."""
        theatre.elect(a, token=7)
        theatre.world.put(Record(holder=""))
        theatre.elect(b, token=5)
        theatre.said.clear()
        theatre.wait(1)
        assert theatre.said == ["the fence refuses the newest term: that of b"]
        assert (theatre.store.accepted, theatre.store.refused) == (1, 1)

    def test_an_older_term_writes(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.world.put(Record(holder=""))
        theatre.elect(b)
        theatre.wait(1)
        theatre.begin(a, token=9)
        theatre.said.clear()
        theatre.wait(1)
        assert theatre.said == ["the fence lets an older term write: that of a"]

    def test_a_stale_leader_is_refused(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(1)
        theatre.world.put(Record(holder=""))
        theatre.elect(b)
        theatre.wait(1)
        theatre.say(a, Renewed(deadline=a.term.deadline, late_s=0.0))  # type: ignore[union-attr]
        theatre.said.clear()
        theatre.wait(70)
        assert (theatre.store.accepted, theatre.store.refused) == (2, 1)
        assert not theatre.said

    def test_each_write_of_the_newest_term_is_let_through(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        for _ in range(10):
            theatre.wait(5)
            theatre.renew(a)
        theatre.wait(70)
        assert (theatre.store.accepted, theatre.store.refused) == (11, 0)
        assert not theatre.said
