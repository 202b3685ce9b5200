"""Members of both kinds in one group elect together."""

from __future__ import annotations

import pytest

from tests.democracy.group import Group, Ours
from tests.democracy.real import RealMember, send_packet
from tests.drivers.tools import play, until

pytestmark = pytest.mark.usefixtures("democracy_js")

Either = Ours | RealMember
LONG = {"text": '"\\ü\U0001f600' * 700}  # 3,500 UTF-16 units, with pairs that chunks cut in two


async def knows(member: Either, *others: str) -> None:
    """Wait until a member has heard of others."""
    await until(lambda: {("added", other) for other in others} <= set(member.told("added")))


async def follows(member: Either, leader: str) -> None:
    """Wait until a member takes another one for the leader."""

    def ask() -> bool:
        if isinstance(member, RealMember):
            member.call("leader")
        return member.leader == leader

    await until(ask)


@pytest.mark.parametrize("heaviest", ["ours", "theirs"])
def test_weights_decide_who_follows_a_leader_that_was_killed(heaviest: str) -> None:
    async def scene() -> None:
        async with Group() as group:
            first = await group.theirs("first", 10)
            await until(lambda: first.told("elected"))
            ours = await group.ours("ours", 99 if heaviest == "ours" else 98)
            theirs = await group.theirs("theirs", 98 if heaviest == "ours" else 99)
            for member, others in ((ours, ("first", "theirs")), (theirs, ("first", "ours"))):
                await knows(member, *others)
                await follows(member, "first")  # however heavy they are
            first.kill()
            for member in (ours, theirs):
                await until(lambda member=member: ("removed", "first") in member.told("removed"))
                await follows(member, heaviest)
            winner, other = (ours, theirs) if heaviest == "ours" else (theirs, ours)
            assert winner.told("elected") == [("elected", heaviest)]
            assert other.told("elected") == []
            await until(lambda: ("leader", heaviest) in other.told("leader"))

    play(scene())


@pytest.mark.parametrize("heavier", ["ours", "theirs"])
def test_two_leaders_that_hear_each_other_become_one(heavier: str) -> None:
    """A partition elects two; the first packet that gets through makes the lighter one resign."""

    async def scene() -> None:
        async with Group() as group:
            ours = await group.ours("ours", 99 if heavier == "ours" else 97, alone=True)
            theirs = await group.theirs("theirs", 98, alone=True)
            await until(lambda: ours.told("elected") and theirs.told("elected"))
            assert ours.group.is_leader()
            assert theirs.leader == "theirs"
            hello = {
                "event": "hello",
                "id": "theirs",
                "weight": 98,
                "state": "leader",
                "source": theirs.source,
            }
            send_packet(ours.source, hello)
            lighter = theirs if heavier == "ours" else ours
            await until(lambda: lighter.told("resigned"))
            for member in (ours, theirs):
                await follows(member, heavier)

    play(scene())


@pytest.mark.parametrize("first", ["ours", "theirs"])
def test_a_leader_that_resigns_makes_way_for_the_heaviest(first: str) -> None:
    async def scene() -> None:
        async with Group() as group:
            start = (group.ours, group.theirs) if first == "ours" else (group.theirs, group.ours)
            leader: Either = await start[0]("leader", 10)
            await until(lambda: leader.told("elected"))
            heir: Either = await start[1]("heir", 99)
            await knows(leader, "heir")
            await follows(heir, "leader")
            if isinstance(leader, Ours):
                leader.group.resign()
            else:
                leader.call("resign")
            await until(lambda: heir.told("elected"))
            assert leader.told("resigned") == [("resigned", "leader")]
            await follows(leader, "heir")

    play(scene())


def test_a_member_of_ours_that_leaves_is_replaced_without_a_timeout() -> None:
    async def scene() -> None:
        async with Group() as group:
            heir = await group.theirs("heir", 1, timeout_s=600)
            await until(lambda: heir.told("elected"))
            ours = await group.ours("ours", 99, timeout_s=600)
            await knows(heir, "ours")
            await follows(ours, "heir")
            heir.call("resign")
            await until(ours.group.is_leader)
            await follows(heir, "ours")
            await ours.leave()
            assert ours.told("resigned") == [("resigned", "ours")]
            await until(lambda: ("removed", "ours") in heir.told("removed"))
            await follows(heir, "heir")

    play(scene())


def test_messages_in_chunks_pass_both_ways() -> None:
    async def scene() -> None:
        async with Group() as group:
            theirs = await group.theirs("theirs", 1, "ciao", "news")
            channels = tuple(f"channel {number} {'x' * 100}" for number in range(8))
            ours = await group.ours("ours", 2, "ciao", "news", channels=channels)  # its hellos are long, too
            await knows(theirs, "ours")
            await knows(ours, "theirs")
            ours.group.send("ciao", LONG)
            theirs.call("send", "ciao", LONG)
            await until(lambda: theirs.told("ciao") == ours.told("ciao") == [("ciao", LONG)])
            ours.group.subscribe("news")
            theirs.call("subscribe", "news")
            await until(
                lambda: {m.channels for m in ours.group.members()} == {(*channels, "news"), ("news",)}
            )
            ours.group.publish("news", LONG)
            theirs.call("publish", "news", LONG)
            theirs.call("publish", channels[0], LONG)  # nobody here listens, and nothing breaks
            await until(lambda: theirs.told("news") == ours.told("news") == [("news", LONG)])

    play(scene())


def test_what_is_published_goes_to_subscribers_only() -> None:
    async def scene() -> None:
        async with Group() as group:
            deaf = await group.theirs("deaf", 1, "news")
            theirs = await group.theirs("theirs", 2, "news")
            ours = await group.ours("ours", 3)
            theirs.call("subscribe", "news")
            await until(lambda: ("news",) in [m.channels for m in ours.group.members()])
            ours.group.publish("news", 1)
            ours.group.send("news", 2)
            await until(lambda: len(theirs.told("news")) == 2 and deaf.told("news"))
            assert deaf.told("news") == [("news", 2)]

    play(scene())
