"""Hearsay: what is believed of the leader, in whatever order the news comes."""

from __future__ import annotations

import math

from tenure.peer.hearsay import Hearsay
from tenure.peer.messages import Body, Envelope, Leading, Vacant
from tenure.token import FencingToken
from tenure.view import View

T, M = 2.0, 2.5


def said_by(name: str, body: Body, *, highest: int = 0, run: str = "", priority: int = 0) -> Envelope:
    return Envelope(
        sender=name,
        incarnation=(name + run).encode(),
        epoch=0,
        highest=highest,
        priority=priority,
        eligible=True,
        body=body,
    )


def leading(hearsay: Hearsay, name: str, token: int, now: float, *, highest: int = 0, run: str = "") -> None:
    body = Leading(token, T)
    hearsay.hear_leading(said_by(name, body, highest=highest or token, run=run, priority=7), body, now)


def vacant(hearsay: Hearsay, name: str, now: float, *, highest: int, heir: str = "", run: str = "") -> None:
    body = Vacant(heir)
    hearsay.hear_vacant(said_by(name, body, highest=highest, run=run), body, now, T)


def test_at_first_one_listens() -> None:
    hearsay = Hearsay(M)
    assert hearsay.leader is None
    assert hearsay.free_at == M
    assert hearsay.until == math.inf


def test_a_leader_is_believed_until_its_lease_has_run_out() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    assert (hearsay.leader, hearsay.token, hearsay.priority) == ("a", 5, 7)
    assert hearsay.until == hearsay.free_at == 1.0 + T
    leading(hearsay, "a", 5, 1.5, highest=6)
    hearsay.expire(1.5 + T - 0.01)
    assert hearsay.leader == "a"
    hearsay.expire(1.5 + T)
    assert hearsay.leader is None
    assert hearsay.former == "a"
    assert hearsay.free_at == 1.5 + T
    assert hearsay.until == math.inf


def test_a_shorter_rest_does_not_shorten_what_is_known() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    body = Leading(5, 0.5)
    hearsay.hear_leading(said_by("a", body, highest=5), body, 1.2)
    assert hearsay.until == 1.0 + T


def test_a_successor_is_believed_at_once_and_its_predecessor_no_more() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    leading(hearsay, "b", 6, 1.1)
    leading(hearsay, "a", 5, 1.2)
    assert (hearsay.leader, hearsay.token) == ("b", 6)
    assert hearsay.until == 1.1 + T


def test_a_lower_token_is_believed_once_the_higher_one_has_run_out() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 500, 1.0)
    hearsay.expire(1.0 + T)
    leading(hearsay, "b", 6, 1.1 + T)  # all have restarted, and a clock was set back
    assert (hearsay.leader, hearsay.token) == ("b", 6)


def test_a_free_place_is_free_at_once_and_after_a_lease_it_is_not_known() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    vacant(hearsay, "a", 1.5, highest=5, heir="b")
    assert (hearsay.leader, hearsay.former, hearsay.heir) == ("", "a", "b")
    assert hearsay.free_at == 1.5
    hearsay.expire(1.5 + T)
    assert (hearsay.leader, hearsay.former, hearsay.heir) == (None, "a", "")
    assert hearsay.free_at == 1.5


def test_who_has_just_started_may_try_when_a_leader_gives_up() -> None:
    hearsay = Hearsay(M)
    vacant(hearsay, "a", 0.1, highest=5)
    assert hearsay.leader == ""
    assert hearsay.free_at == 0.1


def test_another_that_gives_up_does_not_make_the_leaders_place_free() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "b", 6, 1.0)
    vacant(hearsay, "a", 1.1, highest=9)
    assert hearsay.leader == "b"
    vacant(hearsay, "b", 1.1, highest=9, run="before its restart")
    assert hearsay.leader == "b"


def test_late_news_of_a_term_that_was_given_up_is_old() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    vacant(hearsay, "a", 1.5, highest=7)
    leading(hearsay, "a", 5, 1.6, highest=7)
    leading(hearsay, "a", 5, 1.7, highest=6)
    assert hearsay.leader == ""


def test_a_repeated_vacancy_does_not_delay_those_that_wait_for_their_turn() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    vacant(hearsay, "a", 1.5, highest=7)
    vacant(hearsay, "a", 1.6, highest=7)
    assert hearsay.free_at == 1.5


def test_the_same_leader_may_lead_again_with_or_without_a_token() -> None:
    hearsay = Hearsay(M)
    for token, round_ in ((5, 5), (0, 8), (0, 11)):
        leading(hearsay, "a", token, 1.0, highest=round_)
        assert (hearsay.leader, hearsay.token) == ("a", token)
        vacant(hearsay, "a", 1.5, highest=round_ + 1)
        assert hearsay.leader == ""


def test_a_vacancy_of_an_earlier_term_that_comes_late_does_not_end_the_present_one() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    leading(hearsay, "a", 8, 1.5)  # it was given up and won back
    vacant(hearsay, "a", 1.6, highest=6)
    assert hearsay.leader == "a"
    leading(hearsay, "a", 8, 2.0, highest=9)
    assert hearsay.until == 2.0 + T


def test_a_lease_that_somebody_holds_is_waited_for_until_it_is_known_to_be_free() -> None:
    hearsay = Hearsay(M)
    hearsay.hear_held(4.0)
    hearsay.hear_held(3.5)  # by another voter
    assert hearsay.free_at == 4.0
    assert hearsay.leader is None
    vacant(hearsay, "a", 3.0, highest=5)
    assert hearsay.free_at == 3.0


def test_who_gives_up_itself_knows_that_nobody_leads() -> None:
    hearsay = Hearsay(M)
    hearsay.give_up("me", "b", 3.0, T)
    assert (hearsay.leader, hearsay.former, hearsay.heir) == ("", "me", "b")
    assert hearsay.free_at == 3.0
    assert hearsay.until == 3.0 + T


def test_who_leads_itself_has_forgotten_who_led_before() -> None:
    hearsay = Hearsay(M)
    leading(hearsay, "a", 5, 1.0)
    hearsay.expire(1.0 + T)
    leading(hearsay, "b", 6, 4.0)
    hearsay.lead()
    assert (hearsay.leader, hearsay.former, hearsay.heir) == (None, "", "")
    assert hearsay.until == math.inf


def test_people_are_told_what_is_believed() -> None:
    hearsay = Hearsay(M)
    assert hearsay.view("e") == View(None, reason="no leader is heard of")
    leading(hearsay, "a", (3 << 64) + 5, 1.0)
    assert hearsay.view("e") == View("a", token=FencingToken(3, 5, "e"))
    vacant(hearsay, "a", 1.5, highest=1 << 66)
    assert hearsay.view("e") == View("")
