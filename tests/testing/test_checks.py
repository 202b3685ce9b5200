"""Every check complains when its sentence is broken, and is silent about the lawful case next to it.

Puppets act here: what they write and say is fabricated, in a world whose checks are the real ones.
"""

from __future__ import annotations

from collections import deque
from random import Random

import pytest

from tenure.election import OnMissing
from tenure.events import CampaignStarted, Elected, Event, LossReason, Lost, Overrun, Renewed, TermEnding
from tenure.record import Attempt, Record, UnreadableRecord, Versioned
from tenure.requests import Purpose, ReadRequest, Request, WriteRequest, record_to_write
from tenure.states import State
from tenure.testing.checks import checks_of
from tenure.testing.chronicle import Chronicle
from tenure.testing.fenced_store import FencedStore
from tenure.testing.machine import MachineClock
from tenure.testing.schedule import Schedule
from tenure.testing.world import Candidate, World
from tenure.token import FencingToken


class Puppet:
    """A core that sends and says what it is told to, and draws no conclusions."""

    state = State.IDLE
    newest: Versioned | None = None

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.events: deque[Event] = deque()
        self.attempts = 0

    def campaign(self, now: float) -> None: ...
    def resign(self, now: float) -> None: ...
    def body_ended(self, now: float) -> None: ...
    def refresh(self, now: float) -> None: ...
    def handle_timer(self, now: float) -> None: ...
    def receive_record(self, seen: Versioned, now: float) -> None: ...
    def receive_answer(self, request: Request, seen: Versioned, now: float) -> None: ...
    def receive_conflict(self, request: WriteRequest, now: float) -> None: ...
    def receive_failure(
        self, request: Request, now: float, *, retry_after_s: float = 0.0, refused: bool = False
    ) -> None: ...
    def get_timer(self) -> float | None: ...

    def requests_to_send(self, now: float) -> list[Request]:
        sent, self.requests = self.requests, []
        return sent

    def next_event(self) -> Event | None:
        return self.events.popleft() if self.events else None


class Theatre:
    """Puppets over one record, what they do, and what the checks say of it."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.schedule = Schedule()
        chronicle = Chronicle()
        self.store = FencedStore(self.schedule, Random(1), chronicle, self.said.append)
        self.world = World(*checks_of(chronicle, self.said.append), self.store)

    @property
    def kinds(self) -> list[str]:
        """What was complained of, each kind once."""
        return list(dict.fromkeys(message.split(":")[0] for message in self.said))

    @property
    def head(self) -> Versioned:
        return self.world.store.head

    def join(self, name: str, *, on_missing: OnMissing = "create", rate: float = 1.0) -> Candidate:
        candidate = Candidate(name, Puppet(), MachineClock(rate=rate), on_missing=on_missing)
        self.world.add(candidate)
        return candidate

    def wait(self, seconds: float) -> None:
        self.schedule.run(self.schedule.now + seconds)
        self.world.now = self.schedule.now

    def say(self, candidate: Candidate, *events: Event) -> None:
        candidate.core.events.extend(events)  # type: ignore[attr-defined]
        self.world.fire(candidate)

    def end_body(self, candidate: Candidate) -> None:
        self.world.call(candidate, "body_ended")

    def see(self, candidate: Candidate, seen: Versioned | None = None) -> Versioned:
        """The watch tells it a fact, the newest by default."""
        told = seen or self.head
        self.world.tell(candidate, told)
        return told

    def read(self, candidate: Candidate, version: int | None = None) -> None:
        """It reads the record, or an old version of it."""
        self._send(candidate, ReadRequest(knowing=-1, timeout=1.0))
        self.world.apply(candidate, version)
        self.world.deliver(candidate)

    def write(self, candidate: Candidate, purpose: Purpose, *, lease_duration: float = 15.0) -> Versioned:
        """It writes over whatever is there."""
        self.send(candidate, purpose, lease_duration=lease_duration)
        self.world.deliver(candidate)
        return self.head

    def send(self, candidate: Candidate, purpose: Purpose, *, lease_duration: float = 15.0) -> None:
        base = self.head if self.head.record is not None else None
        candidate.core.attempts += 1  # type: ignore[attr-defined]
        attempt = Attempt(candidate.name, candidate.core.attempts)  # type: ignore[attr-defined]
        record = record_to_write(purpose, base, attempt, candidate.name, lease_duration, None)
        self._send(
            candidate, WriteRequest(purpose=purpose, base=base, record=record, attempt=attempt, timeout=1.0)
        )

    def elect(self, candidate: Candidate, *, token: int | None = None, lease_duration: float = 15.0) -> None:
        """It takes the record, and its term begins; `token`: another than the one that is due."""
        self.write(candidate, Purpose.ACQUIRE, lease_duration=lease_duration)
        self.begin(candidate, token=token)

    def begin(self, candidate: Candidate, *, token: int | None = None, epoch: int = 0) -> None:
        due = self.head.version if token is None else token
        self.say(candidate, Elected(token=FencingToken(epoch, due), deadline=self.deadline(candidate)))

    def renew(self, candidate: Candidate) -> None:
        self.write(candidate, Purpose.RENEW)
        self.say(candidate, Renewed(deadline=self.deadline(candidate), late_s=0.0))

    def lose(self, candidate: Candidate, reason: LossReason = LossReason.OTHER_HOLDER) -> None:
        self.say(candidate, Lost(reason=reason))

    def deadline(self, candidate: Candidate) -> float:
        return candidate.clock.local(self.world.now) + candidate.timing.renew_deadline

    def _send(self, candidate: Candidate, request: Request) -> None:
        candidate.core.requests.append(request)  # type: ignore[attr-defined]
        self.world.fire(candidate)


@pytest.fixture
def theatre() -> Theatre:
    return Theatre()


@pytest.fixture
def a(theatre: Theatre) -> Candidate:
    return theatre.join("a")


@pytest.fixture
def b(theatre: Theatre) -> Candidate:
    return theatre.join("b")


def give_up(theatre: Theatre, candidate: Candidate) -> None:
    """It gives its term up as it should."""
    theatre.say(candidate, TermEnding())
    theatre.end_body(candidate)
    theatre.write(candidate, Purpose.RELEASE)


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
        give_up(theatre, a)
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
        give_up(theatre, a)
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
        give_up(theatre, b)
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


# ---- tokens


class TestTokensRise:
    @pytest.mark.parametrize("token", [0, 1])
    def test_they_do_not(self, theatre: Theatre, a: Candidate, b: Candidate, token: int) -> None:
        theatre.elect(a)
        give_up(theatre, a)
        theatre.elect(b, token=token)
        assert theatre.kinds == ["tokens do not rise"]

    def test_they_do_not_across_a_deletion(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        theatre.elect(a)
        give_up(theatre, a)
        theatre.world.delete()
        theatre.elect(b, token=1)
        assert theatre.kinds == ["tokens do not rise"]

    def test_they_do(self, theatre: Theatre, a: Candidate, b: Candidate) -> None:
        for _ in range(3):
            for candidate in (a, b):
                theatre.elect(candidate)
                give_up(theatre, candidate)
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
        give_up(theatre, a)
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
