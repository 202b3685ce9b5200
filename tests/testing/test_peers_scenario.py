"""A scenario of peers is drawn from its seed, can be read, and after it has been healed much is demanded."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from tenure.handover import Preference
from tenure.peer.membership import Address
from tenure.peer.messages import Envelope, Ping
from tenure.peer.node import PeerNode
from tenure.peer.registered_node import RegisteredNode
from tenure.requests import ReadRequest, Request
from tenure.states import State
from tenure.testing.cluster import ViolationError
from tenure.testing.peers.group import PeerGroup
from tenure.testing.peers.scenario import PeerScenario
from tenure.testing.peers.seat import Seat, new_peer
from tenure.testing.peers.trial import try_peers
from tenure.testing.scenario import Act, Member
from tenure.testing.shrink import Shrinker
from tenure.timing import Timing
from tests.testing.broken_peers import CountsHalf, build

_MANY = [PeerScenario.random(seed) for seed in range(300)]
_TIMING = Timing(lease_duration=2.0)
_CALM = PeerScenario(1, tuple(Member(name, _TIMING) for name in "abcd"), (), seconds=6)


def test_one_seed_is_one_scenario() -> None:
    assert PeerScenario.random(7) == PeerScenario.random(7)
    assert len({str(scenario) for scenario in _MANY}) == len(_MANY)


def test_everything_happens_in_its_time() -> None:
    for scenario in _MANY:
        times = [act.at for act in scenario.acts]
        assert times == sorted(times)
        assert all(at >= 0 for at in times)


def test_whatever_is_drawn_can_be_done() -> None:
    for scenario in _MANY:
        for act in scenario.acts:
            options = dict(act.options)
            inspect.signature(getattr(PeerGroup, act.verb)).bind(None, **options)
            if act.verb == "ambush":
                verb = options.pop("verb")
                strike = {name: options[name] for name in options.keys() - {"purpose", "delay_s"}}
                inspect.signature(getattr(PeerGroup, verb)).bind(None, **strike)


def test_every_fault_is_drawn() -> None:
    drawn = {act.verb for scenario in _MANY for act in scenario.acts}
    drawn |= {act.verb for seed in range(20) for act in PeerScenario.random(seed, breach="twins").acts}
    public = {
        name for name, _ in inspect.getmembers(PeerGroup, inspect.isfunction) if not name.startswith("_")
    }
    looks = {"addresses", "candidate", "leaders", "peer", "watches_ended"}
    others = {"heal", "resume", "run", "run_until_led", *looks}
    of_watches = {"compact", "disconnect", "request_handover"}  # peers watch nothing
    assert drawn == public - others - of_watches


def test_all_kinds_are_drawn() -> None:
    assert {len(scenario.electorate.voters) for scenario in _MANY} == {3, 5}
    assert {scenario.on_outage for scenario in _MANY} == {None, "wait", "elect"}
    assert {scenario.names_known for scenario in _MANY} == {True, False}
    rates = [member.rate for scenario in _MANY for member in scenario.members]
    assert (min(rates), max(rates)) == (0.9951, 1.0049)
    broken = [member.rate for member in PeerScenario.random(1, breach="clocks").members]
    assert set(broken) == {0.7, 1.3}


def test_faults_between_peers_are_drawn_for_those_that_there_are() -> None:
    for scenario in _MANY:
        names = {"the leader", *(member.name for member in scenario.members)}
        for act in scenario.acts:
            if act.verb in ("sever", "split"):
                assert {act.options.get("other", "a"), *act.options.get("names", "a")} <= names


def test_the_silence_is_made_shorter_only_after_the_lease() -> None:
    shortened = 0
    for scenario in _MANY:
        lease = scenario.electorate.lease
        for act in scenario.acts:
            if act.verb == "adopt":
                lease = act.options.get("lease", lease)
                if act.options.get("longest_lease", math.inf) < scenario.electorate.longest_lease:
                    shortened += 1
                    assert lease == scenario.electorate.lease / 2
    assert shortened > 10


def test_it_can_be_read() -> None:
    member = Member("b", replace(_TIMING), 1.004, 1000.0, preference=Preference(priority=7))
    acts = (Act(1.5, "sever", {"name": "a", "other": "b"}), Act(4, "blackout"))
    scenario = PeerScenario(7, (Member("a", _TIMING), member), acts, on_outage="wait", names_known=False)
    assert str(scenario).splitlines() == [
        "seed 7, hybrid, on_outage='wait'",
        "voters a, b, c, T 2s, M 2.5s",
        "wall clocks within 0s, discovery tells addresses",
        "a: lease 2s, deadline 1.33333s, clock +0s at rate 1",
        "b: lease 2s, deadline 1.33333s, clock +1000s at rate 1.004, priority 7",
        "at 1.5s sever(name='a', other='b')",
        "at 4s blackout()",
    ]


def test_a_calm_group_meets_all_demands() -> None:
    figures = try_peers(_CALM)
    assert figures.terms == 1
    assert figures.healed_in_s == 0
    assert figures.handover_s < 0.5
    assert 1.0 < figures.takeover_s < 3.0
    assert 5 < figures.packets < 40


def test_so_does_one_in_hybrid_mode() -> None:
    assert try_peers(replace(_CALM, on_outage="wait")).terms == 1


def test_one_seed_is_one_run() -> None:
    scenario = PeerScenario.random(12, seconds=20)
    assert try_peers(scenario) == try_peers(scenario)


def _failing(core: Callable[..., Seat]) -> Iterator[tuple[PeerScenario, ViolationError]]:
    for seed in range(1, 50):
        scenario = PeerScenario.random(seed, seconds=30)
        try:
            scenario.play(scenario.cluster(core=core))
        except ViolationError as violation:
            yield scenario, violation


def test_a_failure_becomes_short() -> None:
    def core(**options: Any) -> Seat:
        return build(CountsHalf, **options)

    scenario, violation = next(_failing(core))
    short = Shrinker(scenario, violation, core=core, trial=try_peers, budget_s=5).scenario()
    assert isinstance(short, PeerScenario)
    assert len(short.acts) < len(scenario.acts) / 2
    with pytest.raises(ViolationError) as again:
        short.play(short.cluster(core=core))
    assert again.value.kind == violation.kind


def test_who_is_left_out_takes_along_what_involves_it() -> None:
    def trial(scenario: PeerScenario, **_: object) -> None:
        scenario.play(scenario.cluster())
        names = {member.name for member in scenario.members}
        if {"a", "b"} <= names and (scenario.acts or not names & {"c", "d"}):
            raise ViolationError(9.0, "as ever: it fails", 0)

    acts = (Act(1, "sever", {"name": "a", "other": "c"}), Act(2, "split", {"names": ["a", "d"]}))
    scenario = replace(_CALM, acts=acts)
    violation = ViolationError(9.0, "as ever: it fails", 0)
    short = Shrinker(scenario, violation, core=new_peer, trial=trial).scenario()
    assert ([member.name for member in short.members], short.acts) == (["a", "b"], ())


# ---- what is demanded, of peers that do otherwise


class Restless(PeerNode):
    """A leader that gives its term up after three leases."""

    def handle_timer(self, now: float) -> None:
        if self.state is State.LEADING and self._term is not None and now > self.since + 6:
            self.transfer("", now)
        super().handle_timer(now)

    def _elect(self, now: float) -> None:
        self.since = now
        super()._elect(now)


class Shy(PeerNode):
    """A peer that never tries."""

    def _next_try_at(self) -> float:
        return math.inf


class Secretive(PeerNode):
    """A leader that does not say so."""

    def _announce(self) -> None:
        pass


class Impatient(PeerNode):
    """A leader that gives its body no time to end."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "drain_timeout": 1.0})


class Deaf(PeerNode):
    """A peer that answers no ping."""

    def receive_message(self, envelope: Envelope, address: Address, now: float) -> None:
        if not isinstance(envelope.body, Ping):
            super().receive_message(envelope, address, now)


class Stubborn(PeerNode):
    """A leader that tells nobody that it has given up: the others wait until its lease has run out."""

    def _vacate(self, now: float) -> None:
        self._hearsay.give_up(self.identity, self._heir, now, self.timing.lease_duration)


class Slow(PeerNode):
    """A candidate that waits for two leases more than it has to."""

    def _next_try_at(self) -> float:
        late_s = 2 * self.timing.lease_duration if self.state is State.CAMPAIGNING else 0.0
        return super()._next_try_at() + late_s


class Clinging(PeerNode):
    """A leader that does not give up."""

    def resign(self, now: float) -> None:
        self.handle_timer(now)


class Chatty(PeerNode):
    """A peer that pings all the others again and again."""

    def messages_to_send(self, now: float) -> list[tuple[Address, Envelope]]:
        if now >= self._chats_at:
            self._chats_at = now + 0.1
            self.members.announce(now)
        return super().messages_to_send(now)

    def get_timer(self) -> float:
        return min(super().get_timer(), self._chats_at)

    _chats_at = 0.0


class Faulty(PeerNode):
    """A node that breaks."""

    def body_ended(self, now: float) -> None:
        raise KeyError("a fault of its own")


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        (Restless, "unrest: "),
        (Shy, "no leader: none within "),
        (Secretive, "not known: "),
        (Deaf, "members not known: "),
        (Impatient, "lost while draining: "),
        (Stubborn, "no leader: none within "),
        (Slow, "no leader: none within "),
        (Clinging, "kept: "),
        (Chatty, "needless messages: "),
        (Faulty, "failed with KeyError: 'a fault of its own'"),
    ],
)
def test_what_is_demanded(broken: type, said: str) -> None:
    with pytest.raises(ViolationError, match=said):
        try_peers(_CALM, core=lambda **options: build(broken, **options))


def test_who_is_elected_while_the_api_answers_has_a_token() -> None:
    class Hasty(RegisteredNode):
        """It does not wait for the API."""

        def _registers_until(self) -> float:
            return self._holding_since

    with pytest.raises(ViolationError, match="no token: "):
        try_peers(replace(_CALM, on_outage="elect"), core=lambda **options: build(Hasty, **options))


def test_the_api_is_left_alone() -> None:
    class Asking(Seat):
        def requests_to_send(self, now: float) -> list[Request]:
            wanted = now > 25 and not self.asked
            self.asked = self.asked or wanted
            return [ReadRequest(knowing=0, timeout=1.0)] if wanted else super().requests_to_send(now)

        asked = False

    def core(**options: Any) -> Seat:
        return Asking(new_peer(**options).node, options["electorate"])

    with pytest.raises(ViolationError, match="needless requests: "):
        try_peers(replace(_CALM, on_outage="wait"), core=core)
