"""Whatever can happen to simulated peers does happen to them, and the election answers as it should."""

from __future__ import annotations

import pytest

from tenure.events import Elected, LossReason, MemberRemoved
from tenure.handover import Preference
from tenure.testing.cluster import ViolationError
from tenure.testing.peers.group import PeerGroup, default_electorate
from tenure.testing.peers.seat import Seat
from tenure.testing.peers.world import PeerWorld
from tests.testing.notes import Notes


def led(size: int = 5, *, seconds: float = 6.0, **options: object) -> tuple[PeerGroup, Notes, str]:
    """Return a group that has a leader, the notes of its run, and who leads."""
    notes = Notes()
    group = PeerGroup(
        size,
        seed=3,
        make_world=lambda *observers: PeerWorld(*observers, notes),
        **options,  # type: ignore[arg-type]
    )
    group.run(seconds)
    assert len(group.leaders()) == 1
    return group, notes, group.leader


def seat(group: PeerGroup, name: str) -> Seat:
    core = group.candidate(name).core
    assert isinstance(core, Seat)
    return core


def followers(group: PeerGroup) -> list[str]:
    return [name for name in group.processes if name != group.leader]


# ---- an election


def test_one_of_them_leads_and_the_first_three_or_five_vote() -> None:
    group, _, _ = led(4)
    assert group.electorate == default_electorate("abc")
    assert led(7)[0].electorate.voters == tuple("abcde")
    group.run(60)
    assert group.tallies[0].terms == 1


def test_one_seed_is_one_run() -> None:
    runs = []
    for seed in (1, 1, 2):
        notes = Notes()
        group = PeerGroup(5, seed=seed, make_world=lambda *others, notes=notes: PeerWorld(*others, notes))
        group.disturb(loss=0.2, duplication=0.2, lateness=0.2, late_s=1.0)
        group.run(20)
        group.restart(group.leader or "a")
        group.run(10)
        runs.append(notes.lines)
    assert runs[0] == runs[1] != runs[2]


def test_nobody_leads_for_m_after_all_have_started() -> None:
    group = PeerGroup(3, seed=1)
    group.run(2.49)
    assert not group.leader
    group.run(0.5)
    assert group.leader


# ---- processes


def test_a_crashed_leader_is_followed_when_its_lease_has_run_out() -> None:
    group, _, leader = led()
    group.crash(leader)
    group.run(1.2)
    assert not group.leader
    group.run_until_led(within=1.5)
    assert group.leader != leader


def test_a_process_that_is_started_anew_has_forgotten_everything() -> None:
    group, _, leader = led()
    name = followers(group)[0]
    before = seat(group, name).node
    address = group.addresses()[name]
    group.restart(name)
    after = seat(group, name).node
    assert after.incarnation != before.incarnation
    assert after.lease.acceptor is not None
    assert after.lease.acceptor.accepted is None
    assert group.addresses()[name] != address
    group.run(5)
    assert group.leader == leader


def test_one_that_crashes_comes_again_where_it_was() -> None:
    group, _, _ = led()
    name = followers(group)[0]
    address = group.addresses()[name]
    group.crash(name, seconds=1)
    group.run(2)
    assert group.addresses()[name] == address
    assert group.candidate(name).name == f"{name}.1"


def test_a_paused_leader_has_lost_when_it_wakes_and_takes_in_what_has_arrived() -> None:
    group, notes, leader = led()
    group.pause(leader, seconds=6)
    group.run(5.9)
    assert group.leader not in ("", leader)
    group.run(0.2)
    assert notes.losses(leader) == [(pytest.approx(12.0), LossReason.RENEW_DEADLINE)]
    group.run(1)
    assert group.onlookers.views[group.candidate(leader)].leader == group.leader


def test_a_socket_keeps_only_so_much_for_a_process_that_stands_still() -> None:
    group, _, _ = led()
    name = followers(group)[0]
    group.pause(name)
    group.run(300)
    assert 400 <= len(group.processes[name].inbox) <= 600


def test_a_blackout_costs_a_silence() -> None:
    group, _, _ = led()
    group.blackout(seconds=0.5)
    group.run(2.9)
    assert not group.leader
    group.run_until_led(within=0.5)


def test_who_leaves_is_not_missed() -> None:
    group, notes, leader = led()
    group.leave(leader, seconds=3)
    group.run(0.5)
    assert group.leader not in ("", leader)
    others = [name for name in group.processes if name != leader]
    removed = [who for _, who, event in notes.events if event == MemberRemoved(member=leader)]
    assert sorted(removed) == sorted(others)
    group.run(4)
    assert not group.processes[leader].crashed


def test_healing_lets_all_campaign_that_had_resigned() -> None:
    group, _, _ = led(3)
    for name in "abc":
        group.resign(name, seconds=60)
    group.run(1)
    assert not group.leader
    group.heal()
    group.run_until_led(within=3)


def test_healing_lets_nobody_leave_that_was_about_to() -> None:
    group, _, leader = led(3)
    group.drain_slowly(leader, drain_s=2)
    group.leave(leader)
    group.run(1)
    group.heal()
    group.run(5)
    assert not group.processes[leader].crashed


def test_more_can_come() -> None:
    group, _, leader = led(3)
    for name in "xyz":
        group.join(name)
    group.run(4)
    assert group.leader == leader
    everybody = set("abcxyz")
    assert all(group.onlookers.members[peer.candidate] == everybody - {peer.name} for peer in group.peers)


def test_the_heaviest_is_handed_over_to() -> None:
    group = PeerGroup(3, seed=1)
    group.run(5)
    eager = Preference(priority=10, preempt=True)
    group.join("z", preference=eager)
    group.run(55)
    assert group.leader != "z"
    group.run(10)
    assert group.leader == "z"


def test_a_hand_over_goes_to_its_heir() -> None:
    group, _, leader = led()
    heir = followers(group)[-1]
    group.transfer(leader, to=heir)
    group.run(0.2)
    assert group.leader == heir


# ---- the network


@pytest.mark.parametrize("direction", ["both", "outgoing", "incoming"])
def test_an_isolated_leader_loses_its_term_and_another_follows(direction: str) -> None:
    group, notes, leader = led()
    group.isolate(leader, direction, seconds=6)  # type: ignore[arg-type]
    group.run(4)
    assert group.leader not in ("", leader)
    assert [reason for _, reason in notes.losses(leader)] == [LossReason.RENEW_DEADLINE]
    group.run(10)
    assert len(group.leaders()) == 1


def test_a_leader_that_reaches_a_majority_stays() -> None:
    group, _, leader = led()
    voters = [name for name in group.electorate.voters if name != leader]
    for other in voters[:2]:
        group.sever(leader, other, seconds=10)
    group.run(10)
    assert group.leader == leader
    assert group.tallies[0].terms == 1


@pytest.mark.parametrize("cut", ["sever", "isolate", "split"])
def test_who_is_not_there_cannot_be_cut_off(cut: str) -> None:
    group = PeerGroup(3)
    arguments = {"sever": ("a", "nobody"), "isolate": ("nobody",), "split": (["nobody"],)}[cut]
    with pytest.raises(KeyError, match="nobody"):
        getattr(group, cut)(*arguments)


def test_without_a_majority_nobody_leads() -> None:
    group, _, _ = led()
    group.split(["a", "b"])
    group.split(["c", "d"])
    group.run(5)
    assert not group.leader
    group.heal()
    group.run_until_led(within=5)


def test_datagrams_that_are_lost_doubled_and_late_cost_no_term_where_enough_arrive() -> None:
    group, _, leader = led()
    group.disturb(loss=0.1, duplication=0.3, lateness=0.1, late_s=5.0, seconds=30)
    group.run(30)
    assert group.leader == leader
    group.disturb(name=leader, loss=1.0, seconds=5)
    group.run(4)
    assert group.leader not in ("", leader)


def test_who_hears_nothing_of_discovery_finds_nobody_that_has_moved() -> None:
    group, _, _ = led(3)
    group.blind("c")
    group.isolate("c")
    for name in "ab":
        group.restart(name)
    group.run(3)
    known = set(group.peer("c").candidate.core.node.members.audience())  # type: ignore[attr-defined]
    assert not known & {group.addresses()[name] for name in "ab"}


# ---- voters and durations


def test_voters_change_while_all_is_well() -> None:
    group, _, _ = led(6)
    group.adopt(["d", "e", "f"], every_s=3.0)
    group.adopt(["a", "b", "c"])  # not while another change is under way
    group.run(3 * 6 + 6)
    assert group.electorate.voters == ("d", "e", "f")
    electorates = {seat(group, name).node.lease.electorate for name in group.processes}
    assert electorates == {group.electorate.alone()}
    for name in "abc":
        group.crash(name)
    group.run(5)
    assert group.leader in ("d", "e", "f")


def test_a_longer_lease_comes_with_a_longer_silence() -> None:
    group, _, _ = led(3)
    group.adopt(lease=4.0, longest_lease=5.0, every_s=6.0)
    group.run(40)
    assert group.candidate("a").timing.lease_duration == 4.0
    assert len(group.leaders()) == 1


def test_a_shorter_lease_comes_before_a_shorter_silence() -> None:
    group, _, _ = led(3)
    group.adopt(lease=1.0)
    group.adopt(longest_lease=1.25)  # too early: the other change is under way
    group.run(10)
    assert (group.electorate.lease, group.electorate.longest_lease) == (1.0, 2.5)
    group.adopt(longest_lease=1.25)
    group.run(10)
    assert {seat(group, name).electorate.longest_lease for name in "abc"} == {1.25}
    assert len(group.leaders()) == 1
    group.blackout(seconds=0.1)
    group.run(0.1 + 1.24)
    assert not group.leader
    group.run_until_led(within=1)


# ---- hybrid mode


def test_the_api_is_asked_when_somebody_is_elected_and_at_the_start() -> None:
    group, _, leader = led(on_outage="wait")
    tally = group.tallies[0]
    assert (tally.writes, tally.acquisitions) == ({leader: 1}, 1)
    tally.reset()
    group.run(100)
    assert not tally.writes + tally.reads
    group.crash(leader)
    group.run(3)
    assert tally.acquisitions == 1


def test_in_an_outage_the_leader_stays_and_nobody_new_is_elected() -> None:
    group, _, leader = led(on_outage="wait")
    group.outage()
    group.run(20)
    assert group.leader == leader
    group.crash(leader)
    group.run(20)
    assert not group.leader
    group.heal()
    group.run_until_led(within=10)


def test_or_somebody_is_without_a_token_whom_fences_refuse() -> None:
    group, notes, leader = led(on_outage="elect")
    group.outage()
    group.crash(leader)
    group.run(6)
    assert group.leader
    last = [event for _, _, event in notes.events if isinstance(event, Elected)][-1]
    assert int(last.token) == 0
    assert group.stores[0].refused


# ---- what is assumed


def test_of_two_processes_with_one_name_each_finds_a_majority() -> None:
    """One live process of a name is an assumption."""
    group, _, _ = led(3, strict=False)
    group.twin("a")
    group.run(3)
    group.split(["a", "b"])
    group.run(10)
    assert {violation.kind for violation in group.violations} >= {"two valid terms"}
    group.heal()
    assert "a'" not in group.processes


def test_what_breaks_the_contract_raises() -> None:
    group, _, _ = led(3)
    group.twin("a")
    group.run(3)
    group.split(["a", "b"])
    with pytest.raises(ViolationError, match="two valid terms"):
        group.run(10)


# ---- an ambush


def test_an_ambush_waits_for_a_message() -> None:
    group, _, _ = led()
    group.ambush("crash", "Accept", name="the writer")
    assert not any(process.crashed for process in group.processes.values())
    group.run(1)
    [crashed] = [name for name, process in group.processes.items() if process.crashed]
    assert crashed in group.electorate.voters


def test_healing_ends_one_that_was_sprung_and_is_yet_to_strike() -> None:
    group, _, _ = led()
    group.ambush("crash", "Accept", name="the writer", delay_s=3.0)
    group.run(2)
    group.heal()
    group.run(2)
    assert not any(process.crashed for process in group.processes.values())


def test_or_for_a_write() -> None:
    group, _, leader = led(on_outage="wait")
    group.ambush("pause", "acquire", name="the writer", delay_s=0.001)
    group.run(10)
    assert not any(process.paused for process in group.processes.values())
    group.crash(leader)
    group.run(3)
    assert [name for name, process in group.processes.items() if process.paused]
