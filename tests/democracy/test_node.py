"""How a member elects, in virtual time."""

from __future__ import annotations

import json

import pytest

from tenure import ConfigurationError
from tenure.peer.democracy.members import MOST_MEMBERS
from tests.democracy.network import Network, address_of


@pytest.fixture
def network() -> Network:
    return Network()


def packet(event: str, identity: str, **more: object) -> bytes:
    """A packet that is well-formed, and may be forged."""
    about = {"weight": 1, "state": "citizen", "channels": [], "source": address_of("x")}
    known = {} if event == "vote" else about
    return json.dumps({"event": event, "id": identity, **known, **more}).encode()


def test_who_is_alone_leads_after_two_intervals(network: Network) -> None:
    network.add("a", 1)
    network.run(1.9)
    assert network.leaders() == ""
    network.run(0.1)
    assert network.events == [(2.0, "a", "elected", "a")]


@pytest.mark.parametrize("order", ["abc", "cba", "bca"])
def test_the_heaviest_wins_whoever_comes_first(network: Network, order: str) -> None:
    weights = {"a": 1.0, "b": 99.0, "c": 98.0}
    network.group(**{name: weights[name] for name in order})
    network.run(2)
    assert network.leaders() == "b"
    assert [node.leader().identity for node in network.nodes.values()] == ["b"] * 3
    assert [(name, event) for _, name, event, _ in network.events if event == "elected"] == [("b", "elected")]
    assert {("added", other) for other in "bc"} <= set(network.seen("a"))


def test_of_equal_weights_one_wins(network: Network) -> None:
    """democracy.js elects nobody then; here the greater identity wins."""
    network.group(a=5, b=5, c=5)
    network.run(10)
    assert network.leaders() == "c"


def test_a_heavier_member_takes_nothing_from_a_leader(network: Network) -> None:
    network.add("a", 1)
    network.run(5)
    network.add("b", 99, "a")
    network.run(60)
    assert network.leaders() == "a"
    assert network.nodes["b"].leader().identity == "a"


def test_members_are_learned_from_packets(network: Network) -> None:
    network.add("a", 3)
    network.add("b", 2, "a")
    network.add("c", 1, "a")
    network.run(3)
    assert [m.identity for m in network.nodes["a"].members()] == ["b", "c", "a"]
    assert network.seen("a")[:2] == [("added", "b"), ("added", "c")]


def test_a_silent_leader_is_removed_and_the_heaviest_of_the_others_elected(network: Network) -> None:
    network.group(a=1, b=2, c=3)
    network.run(5)
    network.stop("c")
    network.events.clear()
    network.run(3)
    assert network.events == []  # not heard of for exactly three seconds is not yet too long
    network.run(1)
    assert network.leaders() == "b"
    assert network.seen("a") == [("removed", "c"), ("leader", "b")]
    assert network.seen("b") == [("removed", "c"), ("elected", "b")]
    network.run(30)
    source = address_of("a")
    vote = f'{{"event":"vote","id":"a","candidate":"c","source":"{source}"}}'.encode()
    assert [to for _, datagram, to in network.sent if datagram == vote] == [
        ("10.0.0.98", 12345),
        ("10.0.0.99", 12345),
    ]


def test_who_comes_back_is_added_again_and_the_lighter_of_two_leaders_resigns(network: Network) -> None:
    network.group(a=1, b=2, c=3)
    network.run(5)
    network.stop("c")
    network.run(5)
    network.resume("c")
    network.events.clear()
    assert network.leaders() == "bc"  # it knows nothing of its successor
    network.run(3)
    assert network.leaders() == "c"
    assert network.seen("b") == [("added", "c"), ("resigned", "b")]
    assert network.nodes["a"].leader().identity == "c"


def test_a_partition_elects_two_leaders(network: Network) -> None:
    """Why this is unsafe; when it heals, the lighter one resigns."""
    network.group(a=1, b=2, c=3)
    network.run(5)
    for other in "ab":
        network.cut("c", other)
    network.run(5)
    assert network.leaders() == "bc"
    network.heal()
    network.run(2)
    assert network.leaders() == "c"
    assert network.seen("b")[-1] == ("resigned", "b")


def test_members_configured_find_each_other_again_after_hours(network: Network) -> None:
    """democracy.js forgets them after one, and stays parted for good."""
    network.group(a=1, b=2)
    network.run(5)
    network.cut("a", "b")
    network.run(3 * 3600)
    network.heal()
    network.run(2)
    assert network.leaders() == "b"
    assert [m.identity for m in network.nodes["a"].members()] == ["b", "a"]


def test_members_that_were_learned_are_forgotten_after_an_hour(network: Network) -> None:
    network.add("a", 1)
    network.add("b", 2, "a")
    network.run(5)
    network.stop("b")
    network.run(3500)
    network.sent.clear()
    network.run(50)
    assert network.sent
    network.run(200)
    network.sent.clear()
    network.run(50)
    assert network.sent == []


def test_one_forged_vote_deposes_a_leader(network: Network) -> None:
    """Why this is unsafe: nobody has to be anybody, nor to be many."""
    network.group(a=1, b=2, c=3)
    network.run(5)
    network.events.clear()
    network.forge("b", packet("vote", "nobody", candidate="c"))
    assert network.leaders() == "bc"
    assert network.seen("b") == [("removed", "c"), ("elected", "b")]


def test_an_invented_member_deposes_every_leader(network: Network) -> None:
    """Why this is unsafe: who leads then does not exist."""
    network.group(a=1, b=2, c=3)
    network.run(5)
    network.forge("c", packet("hello", "ghost", weight=1e9, state="leader"))
    assert network.leaders() == ""
    assert network.seen("c")[-2:] == [("added", "ghost"), ("resigned", "c")]


def test_nobody_else_tells_a_member_what_happened_to_it(network: Network) -> None:
    network.group(a=1, b=2)
    network.run(5)
    network.events.clear()
    for event in ("elected", "resigned", "added", "removed"):
        network.forge("a", packet(event, "b", extra={"id": "a"}))
    assert network.events == []
    assert network.nodes["a"].refused == 4


def test_a_leader_that_resigns_is_elected_again_if_it_is_the_heaviest(network: Network) -> None:
    network.group(a=1, b=2)
    network.run(5)
    network.events.clear()
    network.nodes["b"].resign()
    network.settle()
    assert network.leaders() == ""
    network.run(2)
    assert network.leaders() == "b"
    assert network.seen("b") == [("resigned", "b"), ("elected", "b")]


def test_a_leader_that_resigns_makes_way_for_a_heavier_one(network: Network) -> None:
    network.add("a", 1)
    network.run(5)
    network.add("b", 2, "a")
    network.run(5)
    network.nodes["a"].resign()
    network.nodes["b"].resign()  # does not lead: nothing to resign from
    network.run(2)
    assert network.leaders() == "b"
    assert "resigned" not in dict(network.seen("b"))


def test_who_leaves_is_replaced_at_once(network: Network) -> None:
    network.group(a=1, b=2)
    network.run(5)
    network.events.clear()
    network.nodes["b"].leave()
    network.stop("b")
    network.settle()
    assert network.leaders() == "a"
    assert network.events[0] == (5.0, "b", "resigned", "b")
    assert network.seen("a") == [("removed", "b"), ("elected", "a")]


def test_who_was_stopped_hears_the_others_before_it_votes(network: Network) -> None:
    network.group(a=1, b=2, c=3)
    network.run(5)
    network.stop("a")
    network.run(60)
    network.events.clear()
    network.sent.clear()
    network.resume("a")
    network.run(5)
    assert not [datagram for name, datagram, _ in network.sent if name == "a" and b'"vote"' in datagram]
    assert network.leaders() == "c"
    assert "elected" not in dict(network.seen("b"))


def test_a_hello_is_due_every_interval_and_none_is_made_up_for(network: Network) -> None:
    node = network.add("a", 1, "b")
    network.run(10.5)
    hellos = [datagram for _, datagram, _ in network.sent if b'"hello"' in datagram]
    assert len(hellos) == 11
    node.handle_timer(100.25)
    assert node.get_timer() == 101.25


def test_a_member_that_started_anew_is_another_one_at_the_same_address(network: Network) -> None:
    network.add("a", 1)
    network.add("b", 2, "a")
    network.run(5)
    network.stop("b")
    network.add("c", 3, "a", at="b")
    network.run(5)
    network.sent.clear()
    network.run(1)
    hellos = [to for name, datagram, to in network.sent if name == "a" and b'"hello"' in datagram]
    assert hellos == [("10.0.0.98", 12345)]


@pytest.mark.parametrize("source", ["0.0.0.0:12345", "pod-0.example:12345", "10.0.0.1", "255.255.255.255:1"])
def test_where_a_member_says_nothing_useful_it_is_answered_at_its_sender(
    network: Network, source: str
) -> None:
    node = network.add("a", 1)
    network.forge("a", packet("hello", "b", source=source))
    assert node.members()[0].source == source
    network.sent.clear()
    network.run(0)
    assert [to for _, _, to in network.sent] == [("192.0.2.1", 1)]


def test_nothing_is_sent_to_oneself(network: Network) -> None:
    network.add("a", 1, "a")
    network.forge("a", packet("hello", "somebody", source=address_of("a")))
    network.forge("a", packet("hello", "a", source=address_of("b"), weight=99))  # says that it is this one
    network.run(5)
    assert network.sent == []
    assert [m.identity for m in network.nodes["a"].members()] == ["a"]


def test_the_table_is_bounded_and_the_dead_give_way(network: Network) -> None:
    network.add("a", 1)
    for number in range(MOST_MEMBERS + 10):
        network.forge("a", packet("hello", f"ghost-{number}"))
    node = network.nodes["a"]
    assert len(node.members()) == MOST_MEMBERS + 1
    assert node.refused == 10
    network.add("b", 2, "a")
    network.run(3)
    assert "b" not in {m.identity for m in node.members()}
    network.run(2)  # by then the ghosts are dead
    assert [m.identity for m in node.members()] == ["b", "a"]
    network.forge("a", packet("vote", "b", candidate="ghost-3"))  # who was forgotten cannot die again
    network.forge("a", packet("vote", "b", candidate="ghost-100"))
    assert network.seen("a").count(("removed", "ghost-100")) == 1


def test_application_events_reach_everybody_and_channels_only_subscribers(network: Network) -> None:
    network.group(a=1, b=2, c=3)
    network.run(5)
    network.nodes["b"].subscribe("news")
    network.nodes["b"].subscribe("news")
    network.settle()
    network.nodes["a"].send("ciao", {"hello": "world"})
    network.nodes["a"].publish("news", [1, None, "ü"])
    network.nodes["a"].send("nothing")
    network.settle()
    told = {name: [s for s in network.seen(name) if s[0] in ("ciao", "news", "nothing")] for name in "abc"}
    ciao, nothing = ("ciao", {"hello": "world"}), ("nothing", None)
    assert told == {"a": [], "b": [ciao, ("news", [1, None, "ü"]), nothing], "c": [ciao, nothing]}
    assert network.nodes["a"].members()[0].channels == ("news",)


def test_channels_of_the_start_are_told_with_each_hello(network: Network) -> None:
    network.add("a", 1)
    network.add("b", 2, "a", channels=["news"])
    network.run(1)
    network.nodes["a"].publish("news", 1)
    network.settle()
    assert network.seen("b")[-1] == ("news", 1)


@pytest.mark.parametrize("name", ["hello", "vote", "leader", "subscribe", "elected", "removed", "error", ""])
def test_names_that_no_event_may_have(network: Network, name: str) -> None:
    node = network.add("a", 1)
    for do in (node.send, node.publish, node.subscribe):
        with pytest.raises(ConfigurationError, match="choose another name"):
            do(name)
    assert node.members()[-1].channels == ()


def test_data_that_is_no_json(network: Network) -> None:
    node = network.add("a", 1, "b")
    endless: list[object] = []
    endless.append(endless)
    for data in (object(), float("nan"), endless):
        with pytest.raises(ConfigurationError, match="cannot be sent as JSON"):
            node.send("ciao", data)
    with pytest.raises(ConfigurationError, match="longer than 262144: send less"):
        node.send("ciao", "x" * 300_000)
    with pytest.raises(ConfigurationError, match="at most 64 channels"):
        for number in range(65):
            node.subscribe(f"channel {number}")
    network.settle()
    assert not [datagram for _, datagram, _ in network.sent if b"ciao" in datagram]
