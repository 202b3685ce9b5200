"""The checks of how a term ends, when, and for what reason, and of the end of its body."""

from __future__ import annotations

import pytest

from tenure.events import CampaignStarted, Elected, LossReason, Overrun, Renewed
from tenure.record import Record
from tenure.requests import Purpose
from tenure.testing.world import Candidate
from tenure.token import FencingToken
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


# ---- the end of a term and of its body


class TestCountsFromTheSending:
    def test_counted_from_the_answer(self, theatre: Theatre, a: Candidate) -> None:
        theatre.send(a, Purpose.ACQUIRE)
        theatre.wait(0.5)
        theatre.world.deliver(a)
        theatre.begin(a)
        assert theatre.said == ["valid after s+D: a believes so for 0.500 s"]

    def test_counted_from_a_write_that_nobody_accepted(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(5)
        theatre.send(a, Purpose.RENEW)
        theatre.world.fail(a)
        theatre.say(a, Renewed(deadline=theatre.deadline(a), late_s=0.0))
        assert theatre.kinds == ["valid after s+D"]

    def test_counted_from_the_sending(self, theatre: Theatre, a: Candidate) -> None:
        deadline = theatre.deadline(a)
        theatre.send(a, Purpose.ACQUIRE)
        theatre.wait(0.5)
        theatre.world.deliver(a)
        theatre.say(a, Elected(token=FencingToken(0, 1), deadline=deadline))
        theatre.wait(5)
        theatre.renew(a)
        assert not theatre.said

    def test_revived(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(9)
        theatre.send(a, Purpose.RENEW)
        deadline = theatre.deadline(a)
        theatre.wait(2)
        theatre.world.deliver(a)
        theatre.say(a, Renewed(deadline=deadline, late_s=0.0))
        assert theatre.kinds == ["revived after its end"]


class TestNothingAfterTheEnd:
    @pytest.mark.parametrize("purpose", [Purpose.RENEW, Purpose.RELEASE])
    def test_sent_after_the_deadline(self, theatre: Theatre, a: Candidate, purpose: Purpose) -> None:
        theatre.elect(a)
        theatre.end_body(a)
        theatre.wait(10.1)
        theatre.send(a, purpose)
        assert theatre.kinds == ["sent after the end"]

    def test_sent_after_a_loss(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.delete()
        theatre.see(a)
        theatre.lose(a, LossReason.DELETED)
        theatre.send(a, Purpose.RENEW)
        assert theatre.kinds == ["sent after the end"]

    def test_sent_in_time(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(9.9)
        theatre.send(a, Purpose.RENEW)
        assert not theatre.said

    def test_a_candidate_that_campaigns_may_free_what_is_still_its_own(
        self, theatre: Theatre, a: Candidate
    ) -> None:
        theatre.elect(a)
        theatre.wait(9)
        theatre.send(a, Purpose.RENEW)
        theatre.world.fail(a)
        theatre.wait(1)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        theatre.end_body(a)
        theatre.say(a, CampaignStarted())
        theatre.wait(1)
        theatre.write(a, Purpose.RELEASE)
        assert not theatre.said


class TestBodiesEnd:
    def test_a_campaign_begins_while_the_body_runs(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.say(a, CampaignStarted())
        assert theatre.said == ["the old body runs: a says CampaignStarted"]

    def test_a_term_begins_while_the_body_of_the_last_one_runs(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.begin(a, token=2)
        assert "the old body runs: a says Elected" in theatre.said

    def test_freed_while_the_body_runs(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.write(a, Purpose.RELEASE)
        assert theatre.said == ["freed while the body runs: by a"]

    def test_freed_when_the_body_has_ended(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.give_up(a)
        theatre.say(a, CampaignStarted())
        assert not theatre.said

    def test_a_body_that_ends_too_late(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(14.9)
        theatre.end_body(a)
        assert theatre.said == ["past the hard limit: a ends its body 0.050 s late"]

    def test_a_body_that_is_told_too_late(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(15)
        theatre.say(a, Overrun())
        assert theatre.said == ["past the hard limit: a is told of it 0.150 s late"]

    def test_a_body_that_is_never_told(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(16)
        theatre.elect(b)
        assert theatre.kinds == ["past the hard limit"]

    def test_a_body_that_is_told_in_time_may_end_as_it_likes(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(14.85)
        theatre.say(a, Overrun())
        theatre.wait(60)
        theatre.end_body(a)
        assert not theatre.said

    def test_nothing_can_be_told_to_a_process_that_stands_still(self, theatre: Theatre, a: Candidate) -> None:
        b = theatre.join("b")
        theatre.elect(a)
        theatre.world.pause(a)
        theatre.wait(16)
        theatre.elect(b)
        theatre.world.wake(a)
        theatre.say(a, Overrun())
        theatre.end_body(a)
        assert not theatre.said


# ---- losses


class TestLosesAtOnce:
    def test_goes_on(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.put(Record(holder="somebody"))
        theatre.see(a)
        theatre.wait(1)
        theatre.world.touch()
        assert theatre.said == ["goes on though its record is gone: a"]

    def test_begins(self, theatre: Theatre, a: Candidate) -> None:
        theatre.write(a, Purpose.ACQUIRE)
        theatre.world.delete()
        theatre.see(a)
        theatre.begin(a, token=1)
        assert "begins though its record is gone: the term of a" in theatre.said

    @pytest.mark.parametrize("what", ["deleted", "emptied", "made anew"])
    def test_whatever_became_of_it(self, theatre: Theatre, a: Candidate, what: str) -> None:
        theatre.elect(a)
        if what == "emptied":
            theatre.world.put(Record(holder=""))
        else:
            theatre.world.delete()
        if what == "made anew":
            theatre.write(a, Purpose.RENEW)  # in another object
        else:
            theatre.see(a)
        theatre.wait(1)
        theatre.world.touch() if what == "emptied" else theatre.world.put(Record(holder=""))
        assert theatre.kinds == ["goes on though its record is gone"]

    def test_loses(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.delete()
        theatre.see(a)
        theatre.lose(a, LossReason.DELETED)
        theatre.wait(1)
        theatre.world.put(Record(holder=""))
        assert not theatre.said

    def test_an_older_fact_is_no_news(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        old = theatre.write(b, Purpose.ACQUIRE)
        theatre.give_up(b)
        theatre.elect(a)
        theatre.see(a, old)
        theatre.wait(1)
        theatre.world.touch()
        assert not theatre.said

    def test_nor_is_an_annotator(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.touch()
        theatre.see(a)
        theatre.wait(1)
        theatre.world.touch()
        assert not theatre.said

    def test_a_process_that_stands_still_cannot_lose(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.delete()
        theatre.see(a)
        theatre.world.pause(a)
        theatre.wait(1)
        theatre.world.put(Record(holder=""))
        assert not theatre.said


class TestLosesForAReason:
    def test_for_nothing(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(1)
        theatre.lose(a)
        assert theatre.said == ["lost for nothing: a, other_holder, 9.000 s early"]

    def test_for_other_metadata(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.touch()
        theatre.see(a)
        theatre.lose(a, LossReason.FOREIGN_WRITE)
        assert theatre.kinds == ["lost for nothing"]

    def test_in_spite_of_a_renewal(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(5)
        theatre.renew(a)
        theatre.wait(5)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        assert theatre.said == ["lost for nothing: a, renew_deadline, 5.000 s early"]

    def test_at_the_deadline(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(9)
        theatre.send(a, Purpose.RENEW)
        theatre.wait(1)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        assert not theatre.said

    def test_for_the_record_of_another(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(1)
        theatre.world.put(Record(holder="somebody"))
        theatre.see(a)
        theatre.lose(a)
        assert not theatre.said

    def test_for_an_older_history(self, theatre: Theatre, a: Candidate) -> None:
        old = theatre.write(a, Purpose.ACQUIRE)
        theatre.begin(a)
        theatre.renew(a)
        theatre.see(a, old)
        theatre.lose(a, LossReason.HISTORY_RESET)
        assert not theatre.said

    def test_for_a_fault_of_its_own(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.lose(a, LossReason.INTERNAL_ERROR)
        assert not theatre.said


class TestTriesToTheEnd:
    def test_untried(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(10)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        assert theatre.said == ["lost untried: the term of a"]

    def test_tried_in_vain(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.wait(5)
        theatre.send(a, Purpose.RENEW)
        theatre.wait(5)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        assert not theatre.said

    def test_who_stood_still_could_not_try(self, theatre: Theatre, a: Candidate) -> None:
        theatre.elect(a)
        theatre.world.pause(a)
        theatre.wait(60)
        theatre.world.wake(a)
        theatre.lose(a, LossReason.RENEW_DEADLINE)
        assert not theatre.said
