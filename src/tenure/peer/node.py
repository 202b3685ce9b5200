"""PeerNode: one candidate among peers as a pure state machine, the counterpart of `tenure.election.Election`.

It imports no clock, no event loop, no socket and no random numbers: `now` (boot time, seconds) is a
parameter, random draws are passed in, inputs are method calls, outputs are drained (ARCHITECTURE.md).

Who may lead is decided by `Acceptor` and `Proposer` alone; everything else here is about when to try, when to
stop, and who is told. The numbers of rules are those of docs/contract.md.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable

from tenure.errors import ConfigurationError
from tenure.events import (
    CampaignStarted,
    Elected,
    EndingReason,
    Event,
    LeaderChanged,
    LossReason,
    Lost,
    Overrun,
    RecordTrouble,
    Released,
    Renewed,
    TermEnding,
)
from tenure.handover import Preference
from tenure.peer import messages
from tenure.peer.electorate import Electorate
from tenure.peer.health import Health
from tenure.peer.hearsay import Hearsay
from tenure.peer.lease import LeaderLease
from tenure.peer.membership import Address, Membership
from tenure.peer.messages import Body, Envelope
from tenure.peer.misfits import Misfits
from tenure.peer.preemption import Preemption
from tenure.peer.reminder import Reminder
from tenure.peer.turn import Turn
from tenure.states import HOLDING, IN_TERM, TRANSITIONS, State, TermState
from tenure.timing import Timing
from tenure.token import FencingToken
from tenure.view import View

__all__ = ["PeerNode"]

_PROBE_SHARE = 0.25  # of the lease: from one probe of others to the next
_RESEND_SHARE = 0.025  # of the lease: until what voters have not answered is sent again
_TOLERANCE_SHARE = 0.05  # of the lease: how late a timer may be without a consequence
_HELD_BACK_SHARE = 0.25  # of the lease: how long that holds a campaign back at most
_FORGETS = "{} would forget a lease of {:g} s by a restart, and grant none: raise longest_lease there first"
_NOT_RETURNED = "the lease could not be given back in time; others wait until it has run out"


class PeerNode:
    """One candidate, and voter if it is one, from its start to its end.

    Args:
        identity: its name.
        incarnation: 16 random bytes, made when it starts, never shared by two processes (rule 5).
        electorate: the voters; its `lease` and `clock_rate_bound` are those of `timing`.
        timing: the durations.
        draw: returns a random number from 0 to 1.
        floor: returns what rounds are to be above: milliseconds of the wall clock, so that tokens rise even
            after all peers have forgotten everything, unless the clock was set back.
        now: boot time, seconds.
        drain_timeout: seconds that a body may take to end while the term is extended.
        epoch: of the fencing tokens (rule 9).
        election: that the tokens belong to, ``NAMESPACE/NAME``.
        preference: how much it wants to lead; None: like any other.

    Raises:
        ConfigurationError: voters and candidate do not count alike.
    """

    def __init__(
        self,
        *,
        identity: str,
        incarnation: bytes,
        electorate: Electorate,
        timing: Timing,
        draw: Callable[[], float],
        floor: Callable[[], int],
        now: float,
        drain_timeout: float = 20.0,
        epoch: int = 0,
        election: str = "",
        preference: Preference | None = None,
    ) -> None:
        if electorate.lease != timing.lease_duration:
            raise ConfigurationError(
                f"the lease of the voters ({electorate.lease:g} s) must be the candidate's lease_duration "
                f"({timing.lease_duration:g} s)."
            )
        if electorate.clock_rate_bound != timing.clock_rate_bound:
            raise ConfigurationError(
                f"the clock-rate bounds of the voters ({electorate.clock_rate_bound:g}) and of the candidate "
                f"({timing.clock_rate_bound:g}) must be the same."
            )
        self.identity = identity
        self.incarnation = incarnation
        self.timing = timing
        self.state = State.IDLE
        self._drain_timeout = drain_timeout
        self._epoch = epoch
        self._election = election
        self._preference = preference or Preference()
        lease_s = timing.lease_duration
        self.lease = LeaderLease(identity, incarnation, electorate, floor, now)
        self.members = Membership(identity, _PROBE_SHARE * lease_s, now, electorate.digest)
        self._misfits = Misfits(identity, electorate)
        self._hearsay = Hearsay(now + electorate.longest_lease)
        self._turn = Turn(identity, timing, self._preference, draw)
        self._preemption = Preemption(self._preference, timing.renew_period)
        self._reminder = Reminder(_RESEND_SHARE * lease_s)  # of voters
        self._health = Health(_TOLERANCE_SHARE * lease_s, _HELD_BACK_SHARE * lease_s)
        self._eligible = True
        self._term: TermState | None = None
        self._heir = ""
        self._tried_until = math.inf  # when the try that is under way has taken too long
        self._overrun_at = self._drain_until = self._release_until = math.inf
        self._drained_out = False
        self._outbox: list[tuple[Address, Body]] = []
        self._events: deque[Event] = deque()
        self._view: View | None = None

    @property
    def deadline(self) -> float:
        """When the present term is over; boot time, seconds; ``-inf`` without one (rule 1)."""
        return self._over_at() if self.state in IN_TERM else -math.inf

    # ---- inputs

    def campaign(self, now: float) -> None:
        """Try to lead, from now on. Only from `State.IDLE`: every earlier body has ended (rule 1)."""
        self._advance(now)
        self._enter("campaign")
        self._events.append(CampaignStarted())
        self.members.announce(now)
        self._settle(now)

    def transfer(self, to: str, now: float) -> None:
        """Give up the term, if there is one, for this candidate; empty: for any. It may drain already."""
        self._advance(now)
        if to != self.identity:
            self._drain(EndingReason.GIVEN_UP, to, now)
        self._settle(now)

    def set_eligible(self, eligible: bool, now: float) -> None:
        """Tell whether this candidate may campaign, and go on leading."""
        self._advance(now)
        if eligible != self._eligible:
            self._eligible = eligible
            self.members.announce(now)
        if not eligible:
            self._drain(EndingReason.INELIGIBLE, "", now)
        self._settle(now)

    def resign(self, now: float) -> None:
        """Give up: the campaign at once, the term when its body has ended (rule 6)."""
        self._advance(now)
        self._drain(EndingReason.STOPPED, "", now)
        if self.state is State.PROVING:
            self.lease.release(now)
            self._vacate(now)
        elif self.state is State.CAMPAIGNING and self.lease.may_be_granted:
            self._begin_release("abandon", now)
        if self.state in (State.CAMPAIGNING, State.PROVING):
            self._stop()
        self._settle(now)

    def body_ended(self, now: float) -> None:
        """The body of the present or last term has ended."""
        self._advance(now)
        if self.state is State.LOST:
            self._stop()
        else:
            self._begin_release("release", now)
        self._settle(now)

    def set_peers(self, peers: Iterable[tuple[str, Address]], now: float) -> None:
        """Take in where peers are said to be: name (empty: not known) and address of each."""
        self._advance(now)
        self.members.set_targets(peers, now)
        self._settle(now)

    def receive_message(self, envelope: Envelope, address: Address, now: float) -> None:
        """Take in what a peer says; it was authenticated."""
        self._advance(now)
        if envelope.incarnation == self.incarnation:
            self.members.meet_itself(address)
        elif envelope.sender == self.identity:
            self._say(self._misfits.meet_namesake(envelope.incarnation))
        else:
            self.members.hear(envelope, address, now)
            self.lease.hear(envelope, now)
            self._take_in(envelope, address, now)
        self._settle(now)

    def fail(self, now: float) -> None:
        """The driver or this core broke: that counts as a loss (rule 1)."""
        if self.state in IN_TERM:
            self._lose(LossReason.INTERNAL_ERROR)
        self._settle(now)

    def handle_timer(self, now: float) -> None:
        """Do what is due at `now`."""
        self._advance(now)
        self._settle(now)

    def leave(self, now: float) -> None:
        """This peer stops: the others need not miss it."""
        self._tell_all(messages.Bye())

    # ---- outputs

    def messages_to_send(self, now: float) -> list[tuple[Address, Envelope]]:
        """Return what is to be sent now, and where; timers of leases count from this `now`."""
        self.handle_timer(now)
        posted, self._outbox = self._outbox, []
        due_at = self.get_timer()
        self._health.expect(due_at if due_at > now else math.inf)
        return [(address, self._envelope(body)) for address, body in posted]

    def get_timer(self) -> float:
        """Return when `messages_to_send` is to be called next; boot time, seconds; ``-inf``: now."""
        times = [self.members.probes_at, self.lease.changes_at, self._hearsay.until]
        times += [self._overrun_at, self._drain_until, self._release_until]
        if self.state in HOLDING:
            times.append(self._over_at())
        times.append(self._tried_until if self.lease.is_trying else self._next_try_at())
        if self._awaits_voters:
            times.append(self._reminder.at)
        return min(times)

    def next_event(self) -> Event | None:
        """Return the next event, oldest first; None: there is none."""
        return self.members.next_event() or (self._events.popleft() if self._events else None)

    # ---- time

    def _advance(self, now: float) -> None:
        """Let what has passed take effect before anything else does, also after a pause (rule 1)."""
        self._health.wake(now)
        self.lease.advance(now)
        self._hearsay.expire(now)
        if now >= self._drain_until:
            self._drained_out = self._drain_until < self._over_at()
            self._drain_until = math.inf
        if self.state in HOLDING and now >= self._over_at():
            self._lose(LossReason.DRAIN_TIMEOUT if self._drained_out else LossReason.RENEW_DEADLINE)
        if now >= self._overrun_at:
            self._overrun_at = math.inf
            self._events.append(Overrun())
        if now >= self._release_until:
            self._say(_NOT_RETURNED)
            self._step_down(now)
        if self.lease.is_trying and now >= self._tried_until:
            if self._turn.ran_out(now):
                self._say(f"no majority of the voters answers: {self.lease.silent} are silent")
            self.lease.abandon()

    def _settle(self, now: float) -> None:
        """Derive what follows from the facts, and say it."""
        if self._awaits_voters and self._reminder.is_due(now):
            self.lease.ask_again(now)
        if self.state in HOLDING or self.state is State.CAMPAIGNING:
            self._judge_try(now)
        if self.state is State.RELEASING and self.lease.is_returned:
            self._events.append(Released())
            self._step_down(now)
        if not self.lease.is_trying and now >= self._next_try_at():
            self._begin_try(now)
        if self.state is State.CAMPAIGNING and self._eligible:
            self._ask_for_handover(now)
        self._outbox.extend(self.members.probes(now))
        self._post()
        self._show()

    def _next_try_at(self) -> float:
        if self.state is State.CAMPAIGNING and self._eligible:
            return max(self._turn.starts_at(self._hearsay, self.members), self._health.well_from)
        if self.state in HOLDING and self._term is not None and not self._drained_out:
            return max(self._term.since + self.timing.renew_period, self._turn.retry_at)
        return math.inf

    def _over_at(self) -> float:
        """Return s+D of the lease that is held."""
        return self._term.since + self.timing.renew_deadline if self._term is not None else -math.inf

    # ---- tries

    def _begin_try(self, now: float) -> None:
        self._tried_until = now + self._turn.patience_s
        self._reminder.start(now)
        self.lease.begin(now)
        self._judge_try(now)  # who is the only voter has its answer already

    @property
    def _awaits_voters(self) -> bool:
        return self.lease.is_trying or self.state is State.RELEASING

    def _judge_try(self, now: float) -> None:
        owned, since = self.lease.proposer.owned, self.lease.proposer.since
        if owned is not None and (self._term is None or since > self._term.since):
            self._turn.succeeded()
            self._win(owned.round, since, now)
        elif self.lease.is_hopeless:
            if self._turn.failed(now, self.lease.short, in_term=self._term is not None):
                self._say(_FORGETS.format(self.lease.short, self.timing.lease_duration))
            self._hearsay.hear_held(self.lease.abandon())

    def _win(self, number: int, since: float, now: float) -> None:
        """A majority has granted the lease, or an extension; it counts from the sending of PREPARE (rule 1).

        Args:
            number: of its round.
            since: when that was; boot time, seconds.
            now: boot time, seconds.
        """
        if self.state is State.CAMPAIGNING:
            token = FencingToken(self._epoch, number, self._election)
            self._term = TermState("", token, since)
            self._won(now)
        elif self._term is not None:
            late_s = max(0.0, since - (self._term.since + self.timing.renew_period))
            self._term.since = since
            if self.state in IN_TERM:
                self._events.append(Renewed(deadline=self.deadline, late_s=late_s))
                self._announce()

    def _won(self, now: float) -> None:
        """The lease is there, and the term may begin."""
        self._elect(now)

    def _elect(self, now: float) -> None:
        self._enter("elect")
        self._heir = ""
        self._preemption.begin(now)
        self._hearsay.lead()
        if self._term is not None:
            self._events.append(Elected(token=self._term.token, deadline=self.deadline))
        self._announce()
        if not self._eligible:  # it came too late to keep the lease back
            self._drain(EndingReason.INELIGIBLE, "", now)

    def _drain(self, reason: EndingReason, heir: str, now: float) -> None:
        """Ask the body of a term to end; the term is extended meanwhile, and then given back (rule 6)."""
        if self.state is State.LEADING:
            self._enter("drain")
            self._heir = heir
            self._drain_until = now + self._drain_timeout
            self._events.append(TermEnding(reason=reason, heir=heir))
        elif self.state is State.DRAINING and heir and reason is not EndingReason.PREEMPTED:
            self._heir = heir  # it is not too late to choose one

    def _lose(self, reason: LossReason) -> None:
        proving = self.state is State.PROVING
        self._enter("lose")
        self._disown()
        self._drain_until = math.inf
        if proving or self._term is None:
            self._term = None
            return
        self._overrun_at = self._term.since + self.timing.overrun_limit
        self._events.append(Lost(reason=reason))

    def _begin_release(self, cause: str, now: float) -> None:
        self._enter(cause)
        over_at = self._over_at() if self._term is not None else math.inf
        self._release_until = min(now + self.timing.retry_period, over_at)
        self._reminder.start(now)
        self.lease.release(now)

    def _disown(self) -> None:
        """Whatever was granted counts no more: the next term has a ballot of its own."""
        self.lease.disown()

    def _step_down(self, now: float) -> None:
        """The lease is given back: tell everybody that the place is free."""
        if self._term is not None and not self._hearsay.leader:  # or somebody was quick to take it over
            self._vacate(now)
        self._stop()

    def _vacate(self, now: float) -> None:
        self._hearsay.give_up(self.identity, self._heir, now, self.timing.lease_duration)
        self._tell_all(messages.Vacant(self._heir))

    def _stop(self) -> None:
        self._enter("stop")
        self._disown()
        self._term = None
        self._heir = ""
        self._overrun_at = self._drain_until = self._release_until = math.inf
        self._drained_out = False

    def _enter(self, cause: str) -> None:
        after = TRANSITIONS[cause].get(self.state)
        if after is None:
            raise RuntimeError(f"impossible transition: {cause} while {self.state}")
        self.state = after

    # ---- what peers say

    def _take_in(self, envelope: Envelope, address: Address, now: float) -> None:
        body = envelope.body
        match body:
            case messages.Ping():
                self._outbox.append((address, messages.Pong(body.number)))
                self._say(self._misfits.meet(envelope, body))
                for name in body.missed:
                    self.members.suspect(name, now)
            case messages.Prepare() | messages.Propose() | messages.Release():
                answer = self.lease.decide(envelope, body, now)
                if answer is not None:
                    self._outbox.append((address, answer))
            case (
                messages.Promise()
                | messages.Held()
                | messages.Nack()
                | messages.Accept()
                | messages.Released()
            ):
                self.lease.receive(envelope.sender, envelope.incarnation, body, now)
            case messages.Leading():
                self._hear_leading(envelope, body, now)
            case messages.Vacant():
                self._hearsay.hear_vacant(envelope, body, now, self.timing.lease_duration)
            case messages.Request():
                self._preemption.hear(envelope.sender, now)
                if heir := self._preemption.heir(self.members, now):
                    self._drain(EndingReason.PREEMPTED, heir, now)
            case messages.Bye():
                self.members.part(envelope.sender)

    def _hear_leading(self, envelope: Envelope, body: messages.Leading, now: float) -> None:
        own = self._term.token if self._term is not None else None
        if own is not None and (body.token <= int(own) or not own.version):
            return  # from before this term; one without a token cannot tell
        if self.state in IN_TERM:
            self._lose(LossReason.OTHER_HOLDER)  # rule 3; it cannot be, as long as the assumptions hold
        self._hearsay.hear_leading(envelope, body, now)

    # ---- what this peer says

    def _ask_for_handover(self, now: float) -> None:
        leader = self._preemption.whom_to_ask(self._hearsay, now)
        if leader:
            self._post_to(leader, messages.Request())

    def _announce(self) -> None:
        """Tell everybody who leads; the last acceptor has begun to count by now."""
        if self._term is not None:
            self._tell_all(messages.Leading(int(self._term.token), self.timing.lease_duration))

    def _tell_all(self, body: Body) -> None:
        self._outbox.extend((address, body) for address in self.members.audience())

    def _post_to(self, name: str, body: Body) -> None:
        address = self.members.address_of(name)
        if address is not None:
            self._outbox.append((address, body))

    def _post(self) -> None:
        while self.lease.outbox:
            self._post_to(*self.lease.outbox.popleft())

    def _envelope(self, body: Body) -> Envelope:
        return Envelope(
            sender=self.identity,
            incarnation=self.incarnation,
            epoch=self.lease.electorate.epoch,
            highest=self.lease.highest,
            priority=self._preference.priority,
            eligible=self._eligible and self.state is not State.IDLE,
            body=body,
        )

    def _say(self, trouble: str) -> None:
        if trouble:
            self._events.append(RecordTrouble(message=trouble))

    def _show(self) -> None:
        """Tell who leads, if that has changed."""
        view = self._hearsay.view(self._election)
        if self.state in IN_TERM and self._term is not None:
            view = View(self.identity, is_self=True, token=self._term.token)
        elif self._term is not None and not view.leader:
            view = View(None, reason="this candidate holds the lease without a valid term")
        if view != self._view:
            self._view = view
            self._events.append(LeaderChanged(**view._asdict()))
