"""What peers are told: voters, secrets, addresses; and what is wrong with it."""

from __future__ import annotations

import logging
import re
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tenure import ConfigurationError, LeaderElector, MemoryLock, Peers, Timing
from tenure.events import Lost, MemberAdded, RecordTrouble, Renewed
from tenure.peer import udp
from tests.drivers.peers import STEADY, Circle, Peer, leader_of, token_of
from tests.drivers.tools import forever, play, until

THREE = {"a": "127.0.0.1:7411", "b": "127.0.0.1:7412", "c": "127.0.0.1:7413"}


def made(identity: str = "a", **options: Any) -> LeaderElector:
    return LeaderElector(Peers("reports", **{"at": THREE, "secret": "s", **options}), identity=identity)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"at": {**THREE, "d": "127.0.0.1:7414"}}, "voters are needed: list of 4 peers names 4 peers"),
        ({"at": ["127.0.0.1:7411", "127.0.0.1:7412", "127.0.0.1:7413"]}, "names 0 peers, and 3 or 5 of them"),
        ({"at": "dns:reports:7411"}, "voters are needed: DNS records of reports names 0 peers"),
        ({"at": {**THREE, "b": "127.0.0.1:7411"}}, "two peers have the place 127.0.0.1, port 7411"),
        ({"at": ["a=127.0.0.1:7411", "a=127.0.0.1:7412"]}, "two peers have the name 'a'"),
        ({"at": {"a": "127.0.0.1"}}, "'127.0.0.1'"),
        ({"at": []}, "no peer is named: NAME=HOST:PORT for each, this one too"),
        ({"voters": ["a", "b"]}, "there must be 3 or 5 voters (or 1 for a trial), not 2"),
        ({"voters": ["a", "b", "b"]}, "voters must be distinct names, not a, b, b"),
        ({"voters": "abc"}, "voters and previous_voters must be lists of names, not one text"),
        (
            {"voters": 3},
            "voters=3 means the first Pods of a StatefulSet, but 'a' is none (NAME-0, NAME-1, …)",
        ),
        ({"previous_voters": ["a", "b", "c"]}, "previous voters need an epoch above 0"),
        ({"previous_voters": ["a", "b", "b"], "voters_epoch": 1}, "previous voters must be distinct names"),
        ({"longest_lease": 2.0}, "the longest lease (2 s) must be at least 2.03 s for a lease of 2 s"),
        ({"on_outage": "panic"}, "on_outage must be 'wait' or 'elect', not 'panic'"),
        ({"on_outage": "elect"}, "on_outage is about the API, which peers that are alone do not ask"),
    ],
)
def test_what_is_wrong_is_said_when_the_elector_is_made(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        made(**options)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda peers: LeaderElector(peers), "Peers that are alone need the name of their election"),
        (lambda peers: LeaderElector(peers, peers=peers), "Peers as `where` are alone"),
        (lambda peers: LeaderElector(peers, kubeconfig="x"), "Peers as `where` are alone"),
        (
            lambda _: LeaderElector(MemoryLock(), peers=Peers("x", at=THREE, secret="s")),
            "the election has two names: leave 'x' out of Peers, the lock has one",
        ),
        (
            lambda _: LeaderElector(Peers("x", at=THREE, secret="s"), on_missing="wait"),
            "on_missing is about a record that peers do without",
        ),
        (
            lambda _: LeaderElector(Peers("x", at=THREE, secret="s"), candidates=True),
            "candidates are written to the API, which Peers as `where` do without",
        ),
    ],
)
def test_what_cannot_go_together(make: Callable[[Peers], LeaderElector], said: str) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        make(Peers(at=THREE, secret="s"))


def test_memory_for_development_numbers_no_terms_of_peers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TENURE_LOCK", "memory")
    with pytest.raises(ConfigurationError, match="cannot number the terms of several peers: use Peers"):
        LeaderElector("reports", peers=Peers(at=THREE, secret="s"))


def test_voters_are_the_first_pods_of_the_stateful_set() -> None:
    peers = Peers("reports", at="dns:web:7411", voters=3, secret="s")
    timing = Timing(lease_duration=2)
    for identity in ("web-0", "web-7"):
        assert peers.electorate(identity, timing).voters == ("web-0", "web-1", "web-2")
    assert Peers("r", at="dns:web-[0-4].web:7411", secret="s").electorate("web-0", timing).voters == tuple(
        f"web-{number}" for number in range(5)
    )


def test_a_stateful_set_may_be_larger_than_its_voters_are_many() -> None:
    peers = Peers("reports", at="dns:web-[0-2].web:7411", secret="s")
    timing = Timing(lease_duration=2)
    assert peers.electorate("web-3", timing).voters == ("web-0", "web-1", "web-2")
    for stranger in ("web", "shop-3", "web-3x"):
        with pytest.raises(ConfigurationError, match=f"this candidate is called '{stranger}'"):
            peers.electorate(stranger, timing)


@pytest.mark.parametrize("way", ["run", "running", "term"])
def test_an_address_that_is_taken_is_named(tmp_path: Path, way: str) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        host, port = circle.at["a"].split(":")
        elector = circle.peer("a").elector
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind((host, int(port)))
            said = f"cannot receive datagrams at {host}:{port}: address already in use; choose another"
            with pytest.raises(ConfigurationError, match=re.escape(said)):
                if way == "run":
                    await elector.run(forever)
                elif way == "running":
                    async with elector.running(forever):
                        pass
                else:
                    async with elector.term():
                        pass
        async with elector.running(forever):  # it is free now, and the elector not in use
            assert elector.leader is None

    play(scene())


@pytest.mark.parametrize("host", ["a..b", "a" * 70])
def test_an_address_that_can_be_none_is_named(tmp_path: Path, host: str) -> None:
    async def scene() -> None:
        elector = Circle(tmp_path).peer("a", peers={"listen": f"{host}:7411"}).elector
        with pytest.raises(ConfigurationError, match=re.escape(f"cannot receive datagrams at {host}:7411: ")):
            await elector.run(forever)

    play(scene())


def test_a_secret_that_is_not_there_is_named(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        circle.secret.unlink()
        with pytest.raises(ConfigurationError, match=r"cannot read .*secret: No such file or directory"):
            await circle.peer("a").elector.run(forever)

    play(scene())


def test_who_has_another_secret_meets_nobody(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path)
        wrong = tmp_path / "wrong"
        wrong.write_text(secrets.token_hex(32))
        a = circle.peer("a", peers={"secret": wrong})
        b, c = circle.peer("b"), circle.peer("c")
        async with circle.running(a, b, c):
            leader = await leader_of(b, c)
            renewals = leader.seen.seen(Renewed)
            await until(lambda: leader.seen.seen(Renewed) >= renewals + 3)
            assert a.elector.leader is None
            assert a.seen.seen(MemberAdded) == 0
            assert [b.seen.seen(MemberAdded), c.seen.seen(MemberAdded)] == [1, 1]

    play(scene())


def test_elections_of_other_names_do_not_mix(tmp_path: Path) -> None:
    """They have one secret and, by a mistake, one list."""

    async def scene() -> None:
        circle = Circle(tmp_path)
        peers = [circle.peer(name) for name in "ab"]
        other = Peers("other", at=circle.at, secret=circle.secret, listen=circle.at["c"])
        stray = Peer(LeaderElector(other, identity="c", timing=STEADY))
        async with circle.running(*peers, stray):
            leader = await leader_of(*peers)
            renewals = leader.seen.seen(Renewed)
            await until(lambda: leader.seen.seen(Renewed) >= renewals + 3)
            assert stray.seen.seen(MemberAdded) == 0
            assert [peer.seen.seen(MemberAdded) for peer in peers] == [1, 1]

    play(scene())


def test_the_secret_is_changed_while_all_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(udp, "_LOOK_PERIOD_S", 0.02)

    async def scene() -> None:
        circle = Circle(tmp_path, timing=STEADY)
        peers = [circle.peer(name) for name in "abc"]
        old, new = circle.secret.read_text(), secrets.token_hex(32)

        def keys(peer: Peer) -> list[bytes]:
            driver = peer.elector._office.candidacy  # type: ignore[union-attr]
            return [key.secret for key in driver._gate.keys.valid]  # type: ignore[attr-defined]

        async with circle.running(*peers):
            leader = await leader_of(*peers)
            token = token_of(leader)
            for valid in ([old, new], [new, old], [new]):
                circle.secret.write_text("\n".join(valid))
                wanted = [secret.encode() for secret in valid]
                await until(lambda wanted=wanted: all(keys(peer) == wanted for peer in peers))
                renewals = leader.seen.seen(Renewed)
                await until(lambda renewals=renewals: leader.seen.seen(Renewed) >= renewals + 2)
            circle.secret.write_text("too short")
            await until(lambda: "the keys stay as they were" in caplog.text)
            renewals = leader.seen.seen(Renewed)
            await until(lambda: leader.seen.seen(Renewed) >= renewals + 2)
            assert token_of(await leader_of(*peers)) == token
            assert sum(peer.seen.seen(Lost) for peer in peers) == 0

    with caplog.at_level(logging.WARNING):
        play(scene())
    # Each of them once, however often it looks.
    assert caplog.text.count("the keys stay as they were: ") == 3


def test_members_that_go_by_other_voters_are_told_of(tmp_path: Path) -> None:
    async def scene() -> None:
        circle = Circle(tmp_path, names="abcd")
        peers = [circle.peer(name, peers={"voters": list("abc")}) for name in "abc"]
        other = circle.peer("d", peers={"voters": list("bcd")})
        async with circle.running(*peers, other):
            said = "a goes by other voters in the same epoch, so two may lead: "
            await until(
                lambda: any(
                    isinstance(event, RecordTrouble) and event.message.startswith(said)
                    for event in other.seen.events
                )
            )

    play(scene())


def test_another_process_of_the_same_name_is_told_of(tmp_path: Path) -> None:
    """Where a list says not who is where; else nobody asks at an address that is its own."""

    async def scene() -> None:
        circle = Circle(tmp_path)
        unnamed = list(circle.at.values())
        peers = [circle.peer(name, peers={"at": unnamed}) for name in "abc"]
        async with circle.running(*peers):
            await leader_of(*peers)
            assert all(peer.seen.seen(RecordTrouble) == 0 for peer in peers)
            async with circle.running(circle.peer("a", peers={"at": unnamed, "listen": "127.0.0.1:0"})):
                said = "another process takes part as 'a': every peer needs a name of its own"
                await until(lambda: RecordTrouble(message=said) in peers[0].seen.events)

    play(scene())
